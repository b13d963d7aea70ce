"""One drill: a volume is made of an image, looked at, and removed, whatever happens in between."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from volume_images.dialect import Dialect
from volume_images.errors import CloudError, InputError
from volume_images.model import Image, ImageStatus, NewVolume, Volume
from volume_images.patience import Patience
from volume_images.report import DrillResult, Outcome
from volume_images.restore.choosing import spelled
from volume_images.restore.ground import Ground
from volume_images.restore.making import Making, Progress, RestoreFailed, make_volume
from volume_images.restore.new_volume import Wishes, facts_of, new_volume
from volume_images.restore.removing import remove_named
from volume_images.restore.rotation import Candidate
from volume_images.stopwatch import Stopwatch

REMOVED_WITHIN = 600.0

TO_REPORT = 10.0
"""Seconds of a run that no drill takes: who ends at the last moment is heard."""

Tell = Callable[[str, Progress], None]
"""Hears of each look at a policy's volume."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exercise:
    """One policy's drill: of which image, where, in which run; `name` is its volume's."""

    policy: str
    candidate: Candidate
    ground: Ground
    dialect: Dialect
    name: str
    run_id: str

    @property
    def image(self) -> Image:
        """The image to restore."""
        return self.candidate.image.image

    def outcome(self, result: DrillResult, reason: str, **details: str | int) -> Outcome:
        """Say what became of it."""
        image = self.candidate.image
        captured = {"captured_at": spelled(image.image.created_at)}
        return Outcome(
            cloud=self.ground.name,
            result=result,
            reason=reason,
            policy=self.policy,
            volume_id=image.group.volume_id,
            slot=image.name.slot,
            image_id=image.image.id,
            image_name=image.image.name,
            details={**captured, **details},
        )


def drill(exercise: Exercise, stopwatch: Stopwatch, tell: Tell) -> Outcome:
    """Restore an image, see whether it came back whole, and remove the volume again.

    Once nothing may begin any more, it waits no longer for the volume, and removes it.
    """
    if not stopwatch.may_act():
        return exercise.outcome(DrillResult.SKIPPED, "no_time")
    volume_id = exercise.candidate.image.group.volume_id
    remembered = exercise.ground.state.volumes.get(volume_id)
    facts = facts_of(exercise.ground.volumes.get(volume_id), remembered)
    try:
        new = new_volume(
            exercise.image, facts, Wishes(), dialect=exercise.dialect, name=exercise.name
        )
    except InputError as error:
        return exercise.outcome(DrillResult.FAILED, "volume_unknown", why=str(error))
    return _there_and_away(exercise, new, stopwatch, tell)


def _there_and_away(
    exercise: Exercise, new: NewVolume, stopwatch: Stopwatch, tell: Tell
) -> Outcome:
    heard: set[str] = set()
    warnings: list[str] = []

    def hear(progress: Progress) -> None:
        heard.add(progress.volume_id)
        tell(exercise.policy, progress)

    making = Making(
        cloud=exercise.ground.cloud,
        clock=stopwatch.clock,
        run_id=exercise.run_id,
        warn=warnings.append,
        tell=hear,
        may_wait=stopwatch.may_act,
    )
    begun = stopwatch.clock.monotonic()
    try:
        volume = make_volume(making, exercise.image, new)
        seconds = int(stopwatch.clock.monotonic() - begun)
        outcome = _compared(exercise, new, volume, seconds)
    except (RestoreFailed, CloudError) as error:
        outcome = exercise.outcome(DrillResult.FAILED, "restore_failed", why=str(error))
    finally:
        patience = Patience(stopwatch.clock, _removal_time(stopwatch))
        left = remove_named(exercise.ground.cloud, new.name, heard, patience)
    if left:
        reason = "not_removed" if outcome.result is DrillResult.PASSED else outcome.reason
        outcome = replace(outcome, result=DrillResult.FAILED, reason=reason)
        warnings.append(left)
    return _with_more(outcome, *warnings)


def _removal_time(stopwatch: Stopwatch) -> float:
    left = stopwatch.left()
    return REMOVED_WITHIN if left is None else min(REMOVED_WITHIN, left - TO_REPORT)


def _compared(exercise: Exercise, new: NewVolume, volume: Volume, seconds: int) -> Outcome:
    """Hold the new volume against what was asked for, and the image against what it was."""
    if volume.size_gib < new.size_gib:
        return exercise.outcome(
            DrillResult.FAILED, "too_small", size_gib=volume.size_gib, wanted_gib=new.size_gib
        )
    now = exercise.ground.cloud.images.get(exercise.image.id)
    if now is None or now.status != ImageStatus.ACTIVE or now.checksum != exercise.image.checksum:
        return exercise.outcome(DrillResult.FAILED, "image_changed")
    return exercise.outcome(
        DrillResult.PASSED,
        "whole",
        seconds=seconds,
        size_gib=volume.size_gib,
        checksum="unchanged" if now.checksum else "not told",
    )


def _with_more(outcome: Outcome, *said: str) -> Outcome:
    why = "; ".join([*filter(None, [str(outcome.details.get("why", ""))]), *said])
    return replace(outcome, details={**outcome.details, "why": why}) if why else outcome
