"""The two files of `retention`: rules as in the config's `retention`, and a list of images."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from volume_images.cli.inputs.files import read_file, read_json
from volume_images.cli.times import parse_moment
from volume_images.config.documents import read_document
from volume_images.config.fields import PATTERNS, Flag, Name, Zone
from volume_images.config.problems import problems_of
from volume_images.errors import ConfigError, Problem
from volume_images.retention.judging import Candidate, State
from volume_images.retention.rules import RetentionRules
from volume_images.storage.address import CONFIG_LIMIT

IMAGES_LIMIT = 256 * 1024 * 1024
"""A million images and more."""

MOST_PROBLEMS = 20


class RulesFile(RetentionRules):
    """The `retention` of a policy alone, with its zone, and with what only restic has."""

    keep_labels: tuple[Annotated[tuple[Name, ...], Field(min_length=1)], ...] = Field(
        default=(), description="lists of labels; what has all labels of one of them stays"
    )
    timezone: Zone = Field(
        default="UTC", description="IANA time zone of days, weeks, months, years"
    )

    @model_validator(mode="after")
    def _keeps_something(self) -> "RulesFile":
        if self.keeps_nothing:
            raise ValueError("no rule keeps an image: give at least one, as in keep_last: 3")
        return self


class _Image(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Name
    time: Annotated[datetime, BeforeValidator(lambda value: parse_moment(str(value)))]
    state: State = State.GOOD
    pinned: Flag = False
    labels: tuple[Name, ...] = ()

    def candidate(self) -> Candidate:
        """Return it as the rules look at it."""
        return Candidate(
            id=self.id,
            time=self.time,
            created_at=self.time,
            state=self.state,
            pinned=self.pinned,
            labels=frozenset(self.labels),
            why="the list says so",
        )


_IMAGES = TypeAdapter(tuple[_Image, ...])


def read_rules(path: Path) -> RulesFile:
    """Read rules, JSON or YAML. Raises InputError, and ConfigError with every problem."""
    document = read_document(read_file(path, CONFIG_LIMIT), str(path))
    try:
        return RulesFile.model_validate(document)
    except ValidationError as error:
        problems = problems_of(error, document, RulesFile.model_json_schema(), PATTERNS)
        raise ConfigError(str(path), problems) from None


def read_images(path: Path) -> list[Candidate]:
    """Read a JSON list of images. Raises InputError, and ConfigError with their problems."""
    document = read_json(path, IMAGES_LIMIT)
    try:
        images = _IMAGES.validate_python(document)
    except ValidationError as error:
        problems = problems_of(error, document, _IMAGES.json_schema(), PATTERNS)
        raise ConfigError(str(path), _shown(problems)) from None
    _refuse_doubles(path, images)
    return [image.candidate() for image in images]


def _shown(problems: list[Problem]) -> list[Problem]:
    if len(problems) <= MOST_PROBLEMS:
        return problems
    return [*problems[:MOST_PROBLEMS], Problem("", f"and {len(problems) - MOST_PROBLEMS} more")]


def _refuse_doubles(path: Path, images: Sequence[_Image]) -> None:
    places: dict[str, int] = {}
    for place, image in enumerate(images):
        first = places.setdefault(image.id, place)
        if first != place:
            raise ConfigError(
                str(path), [Problem(f"[{place}].id", f"the same as that of [{first}]: leave one")]
            )
