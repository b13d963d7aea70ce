"""The help of every command: an example in each, and no line wider than a screen."""

import pytest

from tests.cli.conftest import Cli
from tests.documents.commands import paths

COMMANDS = [" ".join(words) for words in paths()]


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_fits_80_columns(cli: Cli, command: str) -> None:
    ran = cli(*command.split(), "--help", env={"COLUMNS": "80"})
    assert ran.code == 0
    assert f"  volume-images {command}" in ran.out
    assert max(map(len, ran.out.splitlines())) <= 80


def test_the_command_names_its_parts_and_exit_codes(cli: Cli) -> None:
    ran = cli("--help")
    assert ran.code == 0
    assert all(command.split()[0] in ran.out for command in COMMANDS)
    assert "Exit codes: 0 fine" in ran.out


def test_the_version_is_printed(cli: Cli) -> None:
    ran = cli("--version")
    assert (ran.code, ran.out, ran.err) == (0, "volume-images 0.1.0\n", "")


def test_the_list_of_commands_cuts_no_sentence_short(cli: Cli) -> None:
    ran = cli("--help", env={"COLUMNS": "80"})
    assert "..." not in ran.out.partition("\nCommands:\n")[2]
