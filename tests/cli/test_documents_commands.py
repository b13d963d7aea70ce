"""docs/commands.md says what the commands say."""

from tests.cli.conftest import Cli
from tests.documents import commands


def test_the_page_of_commands_is_what_their_help_says(cli: Cli) -> None:
    written = commands.PAGE.read_text()
    assert written == commands.page(
        lambda words: cli(*words, "--help", env=commands.COLUMNS).out
    ), "run: make docs"
