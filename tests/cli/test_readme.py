"""What the README shows is so: its config passes, its tree is there, its commands exist."""

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


def test_every_path_of_its_tree_is_there() -> None:
    tree = README.split("## The tree\n```\n")[1].split("```")[0]
    folders: dict[int, Path] = {0: CHECKOUT}
    for line in tree.splitlines():
        depth = (len(line) - len(line.lstrip())) // 2
        path = folders[depth] / line.split()[0]
        assert path.exists(), path
        folders[depth + 1] = path


def test_every_file_that_it_names_is_there() -> None:
    package = CHECKOUT / "layers" / "volume_images" / "volume_images"
    named = set(re.findall(r"`([a-z_/]+\.(?:py|toml|yaml))`", README))
    assert len(named) > 20
    missing = {name for name in named if not (CHECKOUT / name).exists()}
    assert {name for name in missing if not (package / name).exists()} <= {"clouds.yaml"}
