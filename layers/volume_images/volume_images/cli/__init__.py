"""The same runs by hand, and what people look at: the `volume-images` command."""

from volume_images.cli.command import main

__all__ = ["main"]
