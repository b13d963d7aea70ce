"""The config that the README shows passes the check."""

import re
from pathlib import Path

from tests.cli.conftest import Cli

CHECKOUT = Path(__file__).parents[2]
README = (CHECKOUT / "README.md").read_text()


def test_the_config_that_it_shows_passes_the_check(cli: Cli, tmp_path: Path) -> None:
    (document,) = re.findall(r"```yaml\n(.*?)```", README, re.DOTALL)
    path = tmp_path / "config.yaml"
    path.write_text(document)
    ran = cli("config", "check", str(path))
    assert (ran.code, ran.err) == (0, "")
