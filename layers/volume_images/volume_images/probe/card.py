"""What trying a cloud out showed, as data: steps, sightings, answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from volume_images.dialect import Dialect
from volume_images.model import Exchange


class Verdict(StrEnum):
    """How a step went; what is only noted passes or fails nothing."""

    PASSED = "passed"
    FAILED = "failed"
    NOTED = "noted"


class StepName(StrEnum):
    """The steps, in their order."""

    LIST = "list volumes and images"
    SOURCE = "have a volume to export"
    EXPORT = "export it as an image"
    MARK_EARLY = "mark the unfinished image"
    EXPORT_AGAIN = "export a volume that is uploading"
    FOLLOW = "follow the image until it is active"
    MARK = "mark the finished image"
    RESTORE = "restore it to a new volume"
    COMPARE = "compare what came back"
    REMOVE = "remove what was made"


@dataclass(frozen=True, slots=True)
class Step:
    """One step: how it went, what was seen, and how long it took."""

    name: StepName
    verdict: Verdict
    said: str
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "step": self.name.value,
            "verdict": self.verdict.value,
            "said": self.said,
            "seconds": round(self.seconds, 1),
        }


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What image and volume were like, so many seconds after the export began."""

    seconds: float
    image: str
    volume: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sightings:
    """All that was seen: of it every answer is made, and the transcript.

    `was_in_use` says that the volume was attached when it was exported. `left` are the things that
    could not be removed, as people would look for them.
    """

    cloud: str
    dialect: Dialect
    name: str
    size_gib: int = 0
    was_in_use: bool = False
    image_id: str = ""
    steps: Sequence[Step] = ()
    glimpses: Sequence[Glimpse] = ()
    exchanges: Sequence[Exchange] = ()
    left: Sequence[str] = ()

    @property
    def passed(self) -> bool:
        """Whether the round trip worked, and left nothing behind."""
        done = {step.name for step in self.steps if step.verdict is Verdict.PASSED}
        failed = any(step.verdict is Verdict.FAILED for step in self.steps)
        return StepName.COMPARE in done and not failed and not self.left

    def step(self, name: StepName) -> Step | None:
        """Return a step that was taken."""
        return next((step for step in self.steps if step.name is name), None)
