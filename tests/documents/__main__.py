"""Write the documents that are made of something else: `python -m tests.documents`."""

import os
from contextlib import redirect_stdout
from io import StringIO

from tests.documents import commands
from volume_images.cli import main


def help_of(words: commands.Words) -> str:
    with redirect_stdout(StringIO()) as out:
        main([*words, "--help"])
    return out.getvalue()


os.environ.update(commands.COLUMNS)
commands.PAGE.write_text(commands.page(help_of))
print(f"{commands.PAGE}: written")  # noqa: T201 - a command line
