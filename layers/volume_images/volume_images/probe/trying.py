"""Trying a cloud out: a small volume goes there and back, and all of it is removed again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace

from volume_images.config.schema import CloudConfig
from volume_images.errors import CloudError, Refused
from volume_images.model import (
    Exchange,
    ExportJob,
    ExportRequest,
    Image,
    ImageMark,
    ImageStatus,
    JobStatus,
    NewVolume,
    Volume,
    VolumeStatus,
)
from volume_images.patience import Patience
from volume_images.probe.card import Glimpse, Sightings, Step, StepName, Verdict
from volume_images.probe.things import Made, find_again, remove
from volume_images.protocols import Clock, RestoreCloud

MINUTE = 60.0
VOLUME_PATIENCE = 10 * MINUTE
EXPORT_PATIENCE = 30 * MINUTE
EXPORT_PATIENCE_PER_GIB = MINUTE
REMOVAL_PATIENCE = 10 * MINUTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What to try: `name` begins the names of all that is made; without a volume, one is made."""

    cloud_name: str
    config: CloudConfig
    name: str
    size_gib: int
    mark: ImageMark
    volume_id: str = ""


class _Failed(Exception):
    """A step did not come out as it must; the message says how."""


class _Stopped(Exception):
    """A step failed, and the ones after it make no sense."""


@dataclass(slots=True)
class _Note:
    said: str = ""


def try_out(
    cloud: RestoreCloud, trial: Trial, clock: Clock, exchanges: Sequence[Exchange]
) -> Sightings:
    """Export, follow, restore and compare one volume; remove what was made, also when stopped.

    `exchanges` is what the cloud's session records meanwhile.
    """
    attempt = _Attempt(cloud, trial, clock)
    try:
        with suppress(_Stopped, KeyboardInterrupt):  # the step says why
            attempt.there_and_back()
    finally:
        attempt.leave_nothing()
    return replace(attempt.seen, exchanges=tuple(exchanges))


@dataclass(slots=True)
class _Attempt:
    cloud: RestoreCloud
    trial: Trial
    clock: Clock
    made: Made = field(init=False)
    seen: Sightings = field(init=False)

    def __post_init__(self) -> None:
        self.made = Made(self.trial.name)
        self.seen = Sightings(
            cloud=self.trial.cloud_name,
            dialect=self.trial.config.dialect,
            name=self.trial.name,
        )

    def there_and_back(self) -> None:
        """Take the steps in their order; the first that fails is the last."""
        with self._step(StepName.LIST) as note:
            volumes, images = self.cloud.volumes.all(), self.cloud.images.all()
            note.said = f"{len(volumes)} volumes, {len(images)} images"
            if (left := self.cloud.images.room()) is not None:
                note.said += f", room for {left} more images"
        with self._step(StepName.SOURCE) as note:
            source = self._source(volumes)
            note.said = f"{source.id}: {source.size_gib} GiB, {source.status}"
        in_use = source.status == VolumeStatus.IN_USE
        self.seen = replace(self.seen, size_gib=source.size_gib, was_in_use=in_use)
        image = self._exported(source)
        with self._step(StepName.RESTORE) as note:
            restored = self._restored(source, image)
            note.said = f"{restored.id}: {restored.size_gib} GiB, {restored.status}"
        with self._step(StepName.COMPARE) as note:
            note.said = self._compared(source, image, restored)

    def leave_nothing(self) -> None:
        """Remove what was made; what cannot be is named, for a person to remove."""
        everything = f"whatever has a name that begins {self.made.name}"
        self.seen = replace(self.seen, left=(everything,))
        patience = Patience(self.clock, REMOVAL_PATIENCE)
        with suppress(_Stopped, KeyboardInterrupt), self._step(StepName.REMOVE) as note:
            left = find_again(self.cloud, self.made)
            left += remove(self.cloud, self.made, patience)
            self.seen = replace(self.seen, left=tuple(left))
            if left:
                raise _Failed("not all of it could be removed")
            note.said = f"{len(self.made.images) + len(self.made.volumes)} removed"

    def _source(self, volumes: Sequence[Volume]) -> Volume:
        if self.trial.volume_id:
            volume = self.cloud.volumes.get(self.trial.volume_id)
            if volume is None:
                raise _Failed(f"there is no volume {self.trial.volume_id}")
            return volume
        new = NewVolume(name=self.trial.name, size_gib=self.trial.size_gib)
        if self.trial.config.dialect.traits.new_volumes_need_a_place and volumes:
            # Where other volumes are, one more will do.
            new = replace(new, zone=volumes[0].zone, volume_type=volumes[0].volume_type)
        return self._created(new)

    def _exported(self, source: Volume) -> Image:
        """Export the volume, ask meanwhile what no document says, and follow it to its end."""
        request = self._request(source, self.trial.name)
        with self._step(StepName.EXPORT) as note:
            image_id, job_id, note.said = self._start(request)
        with self._step(StepName.MARK_EARLY, noted=True) as note:
            note.said = self._marked(image_id) if image_id else "the job tells no image yet"
        with self._step(StepName.EXPORT_AGAIN, noted=True) as note:
            note.said = self._exported_again(request)
        with self._step(StepName.FOLLOW) as note:
            image = self._followed(source, image_id, job_id)
            self.seen = replace(self.seen, image_id=image.id)
            note.said = f"{image.id}: {image.disk_format}, {image.size_bytes} bytes"
        with self._step(StepName.MARK, noted=True) as note:
            note.said = self._marked(image.id)
        return image

    def _request(self, source: Volume, name: str) -> ExportRequest:
        return ExportRequest(
            volume_id=source.id,
            image_name=name,
            disk_format=self.trial.config.dialect.traits.default_format,
            container_format="bare",
            force=source.status == VolumeStatus.IN_USE,
            os_type=None,
        )

    def _start(self, request: ExportRequest) -> tuple[str, str, str]:
        """POST an export; return its image's id, or its job's, and what was answered."""
        answer = self.cloud.volumes.export(request)
        if isinstance(answer, ExportJob):
            return "", answer.id, f"job {answer.id}"
        self.made.images.add(answer.image_id)
        return answer.image_id, "", f"image {answer.image_id}, volume {answer.status}"

    def _exported_again(self, request: ExportRequest) -> str:
        try:
            self._start(replace(request, image_name=f"{request.image_name}-twice"))
        except Refused as error:
            return f"refused: {error.status} {error.code}".rstrip()
        return "accepted: a second image is made"

    def _marked(self, image_id: str) -> str:
        mark = self.trial.mark
        before = self.cloud.images.get(image_id)
        status = before.status if before is not None else "gone"
        self.cloud.images.mark(image_id, mark)
        image = self.cloud.images.get(image_id)
        shown = image is not None and image.deployment == mark.deployment_id
        return f"taken while {status}, and {'shown' if shown else 'not shown'} by the image"

    def _followed(self, volume: Volume, image_id: str, job_id: str) -> Image:
        patience = EXPORT_PATIENCE + EXPORT_PATIENCE_PER_GIB * volume.size_gib
        began = self.clock.now()
        for seconds in Patience(self.clock, patience).tries():
            image_id = image_id or self._made_by(job_id)
            image = self.cloud.images.get(image_id) if image_id else None
            now = self.cloud.volumes.get(volume.id)
            image_status = image.status if image else "not there"
            self._glimpse(seconds, image_status, now.status if now else "not there")
            if image_id and image is None:
                why = self.cloud.volumes.failure_message(volume.id, began)
                raise _Failed(f"the image vanished: {why or 'the cloud does not say why'}")
            if image is not None and image.status == ImageStatus.KILLED:
                raise _Failed("the image is killed: the export failed")
            busy = now is not None and now.status == VolumeStatus.UPLOADING
            if image is not None and image.status == ImageStatus.ACTIVE and not busy:
                return image
        raise _Failed(f"not finished after {patience:.0f} s")

    def _made_by(self, job_id: str) -> str:
        job = self.cloud.volumes.job(job_id)
        if job is None or job.status is JobStatus.FAILED:
            raise _Failed(f"the job failed: {job.why if job else 'the cloud does not know it'}")
        if job.image_id:
            self.made.images.add(job.image_id)
        return job.image_id

    def _glimpse(self, seconds: float, image: str, volume: str) -> None:
        last = self.seen.glimpses[-1] if self.seen.glimpses else None
        if last is None or (last.image, last.volume) != (image, volume):
            glimpses = (*self.seen.glimpses, Glimpse(seconds, image, volume))
            self.seen = replace(self.seen, glimpses=glimpses)

    def _restored(self, source: Volume, image: Image) -> Volume:
        restored = self._created(
            NewVolume(
                name=f"{self.trial.name}-restored",
                size_gib=max(source.size_gib, image.min_disk_gib or 0),
                image_id=image.id,
                zone=source.zone,
                volume_type=source.volume_type,
            )
        )
        self.cloud.restoring.make_exportable(restored.id)
        return restored

    def _created(self, new: NewVolume) -> Volume:
        volume_id = self.cloud.restoring.create(new)
        self.made.volumes.add(volume_id)
        for _ in Patience(self.clock, VOLUME_PATIENCE).tries():
            volume = self.cloud.volumes.get(volume_id)
            if volume is not None and volume.status == VolumeStatus.AVAILABLE:
                return volume
            if volume is not None and volume.status.startswith("error"):
                raise _Failed(f"volume {volume_id} ended in status {volume.status}")
        raise _Failed(f"volume {volume_id} is not available after {VOLUME_PATIENCE:.0f} s")

    def _compared(self, source: Volume, image: Image, restored: Volume) -> str:
        """Compare sizes; and bytes, where the cloud hashes an image that is nothing but bytes."""
        if restored.size_gib < source.size_gib:
            raise _Failed(f"{source.size_gib} GiB came back as {restored.size_gib} GiB")
        said = f"{source.size_gib} GiB came back as {restored.size_gib} GiB"
        if not image.checksum or image.disk_format != "raw":
            return f"{said}; the cloud tells no hash of the bytes"
        if restored.size_gib != source.size_gib:
            return f"{said}; volumes of two sizes have two hashes"
        image_id, _, _ = self._start(self._request(restored, f"{self.trial.name}-again"))
        again = self._followed(restored, image_id, "")
        if again.checksum != image.checksum:
            raise _Failed(f"{said}, and other bytes: an image of it has another hash")
        return f"{said}, byte for byte: an image of it has the same hash {image.checksum[:12]}..."

    @contextmanager
    def _step(self, name: StepName, *, noted: bool = False) -> Iterator[_Note]:
        """Take one step and write it down; one that is only noted stops nothing."""
        note = _Note()
        begun = self.clock.monotonic()
        verdict = Verdict.NOTED if noted else Verdict.PASSED
        try:
            yield note
        except (CloudError, _Failed) as error:
            note.said = str(error)
            verdict = Verdict.NOTED if noted else Verdict.FAILED
            if not noted:
                raise _Stopped from error
        except BaseException:
            note.said, verdict = note.said or "interrupted", Verdict.FAILED
            raise
        finally:
            step = Step(name, verdict, note.said, self.clock.monotonic() - begun)
            self.seen = replace(self.seen, steps=(*self.seen.steps, step))
