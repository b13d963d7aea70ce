"""What a person sees while a run goes on: a bar that counts, on standard error."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from volume_images.model import ExportAnswer, ExportRequest, Image, Volume
from volume_images.protocols import Cloud, Images, Volumes, World

Count = Callable[[], None]


@contextmanager
def watched(world: World, what: str, *, quiet: bool) -> Iterator[World]:
    """Give a world whose clouds count `what` is begun in them; a plain one where nobody looks."""
    if quiet or not sys.stderr.isatty():
        yield world
        return
    columns = (BarColumn(), TextColumn(f"{{task.completed}} {what}"), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=None)  # how many there will be, only the run finds out

        def open_cloud(name: str, refused_secret: str = "") -> Cloud:
            cloud = world.open_cloud(name, refused_secret)
            return _WatchedCloud(cloud, lambda: progress.advance(task))

        yield replace(world, open_cloud=open_cloud)


@dataclass(frozen=True, slots=True)
class _WatchedCloud:
    cloud: Cloud
    count: Count

    @property
    def project_id(self) -> str:
        return self.cloud.project_id

    @property
    def volumes(self) -> Volumes:
        return _WatchedVolumes(self.cloud.volumes, self.count)

    @property
    def images(self) -> Images:
        return _WatchedImages(self.cloud.images, self.count)

    def clock_skew(self) -> timedelta:
        return self.cloud.clock_skew()


@dataclass(frozen=True, slots=True)
class _WatchedVolumes:
    volumes: Volumes
    count: Count

    def all(self) -> Sequence[Volume]:
        return self.volumes.all()

    def get(self, volume_id: str) -> Volume | None:
        return self.volumes.get(volume_id)

    def export(self, request: ExportRequest) -> ExportAnswer:
        answer = self.volumes.export(request)
        self.count()
        return answer

    def failure_message(self, volume_id: str, since: datetime) -> str:
        return self.volumes.failure_message(volume_id, since)


@dataclass(frozen=True, slots=True)
class _WatchedImages:
    images: Images
    count: Count

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        return self.images.all(created_since)

    def get(self, image_id: str) -> Image | None:
        return self.images.get(image_id)

    def members(self, image_id: str) -> Sequence[str]:
        return self.images.members(image_id)

    def delete(self, image_id: str) -> bool:
        deleted = self.images.delete(image_id)
        self.count()
        return deleted
