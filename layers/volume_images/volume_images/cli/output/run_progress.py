"""What a person sees while a run goes on: a bar that counts, on standard error."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar, cast

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from volume_images.protocols import Cloud, World

P = ParamSpec("P")
R = TypeVar("R")


@contextmanager
def watched(world: World, what: str, *, quiet: bool) -> Iterator[World]:
    """Give a world whose clouds count `what` is begun in them; the same one where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield world
        return
    columns = (BarColumn(), TextColumn(f"{{task.completed}} {what}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)  # how many there will be, only the run finds out

        def open_cloud(name: str, refused_secret: str = "") -> Cloud:
            return _counting(world.open_cloud(name, refused_secret), lambda: progress.advance(task))

        yield replace(world, open_cloud=open_cloud)


class _With:
    """A collaborator as it is, but for a few of its attributes."""

    def __init__(self, inner: object, instead: Mapping[str, object]) -> None:
        self._inner = inner
        self._instead = instead

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - whatever the collaborator has
        return self._instead[name] if name in self._instead else getattr(self._inner, name)


def _counting(cloud: Cloud, count: Callable[[], None]) -> Cloud:
    """Count each export and each deletion that the cloud took."""
    volumes = _With(cloud.volumes, {"export": _then(count, cloud.volumes.export)})
    images = _With(cloud.images, {"delete": _then(count, cloud.images.delete)})
    return cast("Cloud", _With(cloud, {"volumes": volumes, "images": images}))


def _then(count: Callable[[], None], call: Callable[P, R]) -> Callable[P, R]:
    def counted(*arguments: P.args, **named: P.kwargs) -> R:
        result = call(*arguments, **named)
        count()
        return result

    return counted
