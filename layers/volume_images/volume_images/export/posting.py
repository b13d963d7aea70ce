"""POSTing the intended exports of one cloud, each at most once, and what came of each."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Event

from volume_images.errors import CloudError, CloudUnavailable, LostAnswer, NotFound, Throttled
from volume_images.export.changes import Follow, Leave, MarkLater, Unanswered
from volume_images.export.cloud_changes import Pause
from volume_images.export.decisions import Decision, refuse
from volume_images.export.draft import Change
from volume_images.export.planning import Step
from volume_images.export.scene import Scene
from volume_images.export.state import Unmarked, slot_key
from volume_images.model import ExportAnswer, ExportJob, Image
from volume_images.protocols import Cloud
from volume_images.report import NO_DETAILS, Details, ExportResult, Outcome
from volume_images.side_by_side import each

SHORT_PAUSE = timedelta(minutes=5)
"""How long a cloud that throttles, or does not answer, is left alone: the next tick tries again."""


@dataclass(frozen=True, slots=True)
class Posted:
    """One step and its answer; without one, why: None when it was not sent at all."""

    step: Step
    answer: ExportAnswer | ExportJob | CloudError | None


def post_all(
    cloud: Cloud, steps: Sequence[Step], at_once: int, in_time: Callable[[Step], bool]
) -> Sequence[Posted]:
    """POST each step once, side by side; after the cloud is found down, send no more."""
    down = Event()

    def post(step: Step) -> Posted:
        if down.is_set() or not in_time(step):
            return Posted(step, None)
        try:
            return Posted(step, cloud.volumes.export(step.request))
        except LostAnswer as error:
            return Posted(step, error)
        except CloudError as error:
            if isinstance(error, CloudUnavailable):
                down.set()
            return Posted(step, error)

    return each(steps, post, at_once)


def lost(posted: Sequence[Posted]) -> frozenset[str]:
    """Return the names of the images whose POST may have been carried out without an answer."""
    return frozenset(
        one.step.intent.image_name for one in posted if isinstance(one.answer, LostAnswer)
    )


def found_down(posted: Sequence[Posted]) -> CloudUnavailable | None:
    """Return what the cloud answered when it took no more; a lost answer alone says nothing."""
    for one in posted:
        if isinstance(one.answer, CloudUnavailable) and not isinstance(one.answer, LostAnswer):
            return one.answer
    return None


def answered(posted: Sequence[Posted]) -> frozenset[str]:
    """Return the slots that were POSTed: at most once each in a run, whatever was answered."""
    return frozenset(
        slot_key(one.step.intent.group, one.step.intent.slot)
        for one in posted
        if one.answer is not None
    )


def came_of(
    one: Posted, scene: Scene, found_again: Image | None
) -> tuple[Outcome, tuple[Change, ...]]:
    """Return the outcome of one POST and what to remember of it.

    `found_again` is the image that a listing after a lost answer shows under the step's name.
    """
    intent = one.step.intent
    match one.answer:
        case ExportAnswer() as answer:
            return _started(one, scene, answer), _followed(one, scene, answer.image_id)
        case ExportJob() as job:
            started = _outcome(
                one, scene, ExportResult.STARTED, "accepted", details={"job_id": job.id}
            )
            return started, (Follow(intent.model_copy(update={"job_id": job.id})),)
        case LostAnswer() if found_again is not None:
            named = (found_again.id, found_again.name)
            started = _outcome(one, scene, ExportResult.STARTED, "answer_lost", named)
            return started, _followed(one, scene, found_again.id)
        case LostAnswer() as error:
            unknown = _outcome(
                one, scene, ExportResult.UNKNOWN, "answer_lost", details={"message": error.message}
            )
            return unknown, (Unanswered(intent.group, scene.now),)
        case Throttled() as error:
            wait = timedelta(seconds=error.retry_after) if error.retry_after else SHORT_PAUSE
            deferred = _outcome(
                one, scene, ExportResult.DEFERRED, "throttled", details=_fields(error)
            )
            return deferred, (Leave(intent.image_name), Pause(scene.now + wait))
        case CloudUnavailable() as error:
            deferred = _outcome(
                one, scene, ExportResult.DEFERRED, "cloud_unavailable", details=_fields(error)
            )
            return deferred, (Leave(intent.image_name), Pause(scene.now + SHORT_PAUSE))
        case CloudError() as error:
            refused = _refused(one, scene, error)
            return refused.outcome, (Leave(intent.image_name), *refused.changes)
        case None:
            deferred = _outcome(one, scene, ExportResult.DEFERRED, "not_sent")
            return deferred, (Leave(intent.image_name),)


def _followed(one: Posted, scene: Scene, image_id: str) -> tuple[Change, ...]:
    """Follow the image that a step made, and have it marked as ours."""
    intent = one.step.intent
    unmarked = Unmarked(group=intent.group, slot=intent.slot, since=scene.now)
    follow = Follow(intent.model_copy(update={"image_id": image_id}))
    return follow, MarkLater(image_id, unmarked)


def _started(one: Posted, scene: Scene, answer: ExportAnswer) -> Outcome:
    details: dict[str, str | int | bool] = {
        "status": answer.status,
        "size_gib": answer.size_gib,
        "disk_format": answer.disk_format,
        "container_format": answer.container_format,
    }
    if answer.volume_type is not None:
        details["volume_type"] = answer.volume_type.name
        backend = answer.volume_type.extra_specs.get("volume_backend_name")
        if backend:
            details["volume_backend"] = backend
    named = (answer.image_id, answer.image_name)
    return _outcome(one, scene, ExportResult.STARTED, "accepted", named, details)


def _refused(one: Posted, scene: Scene, error: CloudError) -> Decision:
    reason = "volume_not_found" if isinstance(error, NotFound) else "cloud_refused"
    return refuse(one.step.owed, scene, reason, _fields(error))


def _fields(error: CloudError) -> Details:
    fields: dict[str, str | int | bool] = {"message": error.message}
    if error.status is not None:
        fields["status"] = error.status
    if error.code:
        fields["code"] = error.code
    if error.request_id:
        fields["request_id"] = error.request_id
    return fields


def _outcome(
    one: Posted,
    scene: Scene,
    result: ExportResult,
    reason: str,
    image: tuple[str, str] | None = None,
    details: Details = NO_DETAILS,
) -> Outcome:
    owed = one.step.owed
    named = image or ("", one.step.intent.image_name)
    return scene.outcome(owed.group, owed.slot, result, reason, named, details)
