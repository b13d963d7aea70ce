"""The same runs by hand, and what people look at: the `volume-images` command.

`command` lists the commands and catches what goes wrong; each command is a file in `commands`. It
takes what it works on from `inputs`, calls what the functions call, and prints by `output`.
"""

from volume_images.cli.command import main

__all__ = ["main"]
