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


def test_no_part_of_the_package_is_missing_in_its_tree() -> None:
    package = CHECKOUT / "layers" / "volume_images" / "volume_images"
    parts = {file.parent.name for file in package.glob("*/__init__.py")}
    functions = {file.parent.name for file in (CHECKOUT / "functions").glob("*/app.py")}
    tree = README.split("## The tree\n```\n")[1].split("```")[0]
    assert {name for name in parts | functions if f" {name}/" not in tree} == set()


def test_every_folder_of_tests_says_what_it_proves() -> None:
    table = (CHECKOUT / "tests" / "README.md").read_text()
    folders = {
        file.parent.relative_to(CHECKOUT / "tests") for file in CHECKOUT.glob("tests/*/*.py")
    }
    assert {str(folder) for folder in folders if f"`{folder}/`" not in table} == set()


def test_every_file_that_contributors_are_sent_to_is_there() -> None:
    package = CHECKOUT / "layers" / "volume_images" / "volume_images"
    text = (CHECKOUT / "CONTRIBUTING.md").read_text()
    named = set(re.findall(r"`([\w./]+(?:\.(?:py|md|yaml)|/))`", text)) - {
        "tests/cli/test_..._command.py",
        "layers/volume_images/volume_images/",
    }
    assert len(named) > 30
    assert {
        name for name in named if not any((at / name).exists() for at in (CHECKOUT, package))
    } == set()
