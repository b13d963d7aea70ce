"""The retention rules as the config spells them: counts, windows, and the floor.

Durations follow restic's grammar, `([0-9]+[ymdh])+`, but a repeated unit is an error here.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

DURATION_PATTERN = r"^([0-9]+[ymdh])+$"


@dataclass(frozen=True, slots=True)
class Duration:
    """A calendar duration: years, months and days are calendar steps, hours elapsed time."""

    years: int = 0
    months: int = 0
    days: int = 0
    hours: int = 0

    def __str__(self) -> str:
        parts = ((self.years, "y"), (self.months, "m"), (self.days, "d"), (self.hours, "h"))
        return "".join(f"{count}{unit}" for count, unit in parts if count) or "0h"

    @classmethod
    def parse(cls, text: Any) -> "Duration":  # noqa: ANN401 - whatever stands in the document
        """Parse `1y6m`, `36h`. Raises ValueError for any other shape, and for zero."""
        if isinstance(text, Duration):
            return text
        if not isinstance(text, str) or not re.fullmatch(DURATION_PATTERN, text, re.ASCII):
            raise ValueError("not a duration: write it as 1y, 6m, 7d, 36h or a mix like 1y6m")
        parts = re.findall(r"([0-9]+)([ymdh])", text)
        units = [unit for _, unit in parts]
        if len(set(units)) < len(units):
            raise ValueError(f"a unit is repeated in {text!r}: write each of y, m, d, h once")
        counts = {unit: int(count) for count, unit in parts}
        if not any(counts.values()):
            raise ValueError(f"{text!r} is no time at all: give at least 1h")
        return cls(*(counts.get(unit, 0) for unit in "ymdh"))


DurationField = Annotated[
    Duration,
    BeforeValidator(Duration.parse),
    PlainSerializer(str, return_type=str),
    WithJsonSchema({"type": "string", "pattern": DURATION_PATTERN, "examples": ["7d", "1y6m"]}),
]

Count = Annotated[int, Field(strict=True, ge=0)] | Literal["unlimited"]


class RetentionRules(BaseModel):
    """Which images of a group stay; a rule left out keeps nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep_last: Count = Field(default=0, description="the newest N images")
    keep_hourly: Count = Field(default=0, description="the newest image of each of N hours")
    keep_daily: Count = Field(default=0, description="the newest image of each of N days")
    keep_weekly: Count = Field(default=0, description="the newest image of each of N ISO weeks")
    keep_monthly: Count = Field(default=0, description="the newest image of each of N months")
    keep_yearly: Count = Field(default=0, description="the newest image of each of N years")
    keep_within: DurationField | None = Field(
        default=None, description="every image younger than this, counted from the newest image"
    )
    keep_within_hourly: DurationField | None = None
    keep_within_daily: DurationField | None = None
    keep_within_weekly: DurationField | None = None
    keep_within_monthly: DurationField | None = None
    keep_within_yearly: DurationField | None = None
    min_keep: Annotated[int, Field(strict=True, ge=1)] = Field(
        default=1, description="the newest N good images stay whatever the rules say"
    )

    @property
    def keeps_nothing(self) -> bool:
        """Whether no rule could ever keep an image: never acted upon."""
        return not any(
            value for name, value in self if name.startswith("keep_") and value is not None
        )


WINDOW_RULES = tuple(name for name in RetentionRules.model_fields if name.startswith("keep_within"))
COUNT_RULES = tuple(
    name
    for name in RetentionRules.model_fields
    if name.startswith("keep_") and name not in WINDOW_RULES
)
