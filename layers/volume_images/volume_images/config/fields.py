"""The values that the config is made of: their limits, and in words what each must be."""

from collections.abc import Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from volume_images.loopback import is_loopback
from volume_images.retention.rules import Duration, RetentionRules
from volume_images.schedule import validate_schedule

LONGEST_WAIT = timedelta(days=3650)  # a longer one is a slip, and could leave the calendar

PREFIX = r"^[A-Za-z0-9.-]{1,20}$"
POLICY_NAME = r"^[a-z0-9-]{1,24}$"
CLOUD_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$"
UUID = r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"
DEPLOYMENT_ID = r"^[0-9a-f]{12}$"

PATTERNS = {
    PREFIX: "1 to 20 letters, digits, dots or dashes (underscores divide the image name)",
    POLICY_NAME: "1 to 24 lower-case letters, digits or dashes",
    CLOUD_NAME: "1 to 63 letters, digits, dots, dashes or underscores, a letter or digit first",
    UUID: "a UUID in lower case, as in 16369c5d-384d-4e64-b37a-56d898769362",
    DEPLOYMENT_ID: "a deployment id: 12 lower-case hexadecimal digits",
}


def known_version(version: int) -> int:
    """Refuse a version of the format that this release does not know."""
    if version != 1:
        raise ValueError(f"unknown version {version}: this release reads version 1")
    return version


def _parse_wait(value: Any) -> timedelta:  # noqa: ANN401 - whatever stands in the document
    if isinstance(value, timedelta):
        return value
    wait = Duration.parse(value)
    if wait.years or wait.months:
        raise ValueError(f"{value!r} counts years or months: write days and hours, as in 1d12h")
    if wait.days * 24 + wait.hours > LONGEST_WAIT // timedelta(hours=1):
        raise ValueError(f"longer than {LONGEST_WAIT.days}d: write a shorter time")
    return timedelta(days=wait.days, hours=wait.hours)


def _spell_wait(wait: timedelta) -> str:
    return f"{wait // timedelta(hours=1)}h"


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # no such zone; no zone's name; a folder of zones
        close = get_close_matches(name, available_timezones(), n=1) or ["Europe/Berlin"]
        raise ValueError(f"not a known time zone; an IANA name is {close[0]}") from None
    return name


def _known_schedule(text: str) -> str:
    validate_schedule(text)
    return text


def _as_list(value: Any) -> Any:  # noqa: ANN401 - whatever stands in the document
    return (value,) if isinstance(value, str) else value


def _safe_url(text: str) -> str:
    parts = urlsplit(text)
    is_local = parts.scheme == "http" and is_loopback(parts.hostname)
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        raise ValueError("must be an https:// URL (http:// on loopback only)")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must be a URL of host, port and path alone")
    return text.rstrip("/")


def keeps_something(rules: RetentionRules) -> RetentionRules:
    """Refuse rules that would let every image expire."""
    if rules.keeps_nothing:
        raise ValueError("no rule keeps an image: give at least one, as in keep_last: 3")
    return rules


Text = Annotated[str, Field(strict=True)]
Name = Annotated[str, Field(strict=True, min_length=1)]
Prefix = Annotated[str, Field(strict=True, pattern=PREFIX)]
PolicyName = Annotated[str, Field(strict=True, pattern=POLICY_NAME)]
CloudName = Annotated[str, Field(strict=True, pattern=CLOUD_NAME)]
VolumeId = Annotated[str, Field(strict=True, pattern=UUID)]
DeploymentId = Annotated[str, Field(strict=True, pattern=DEPLOYMENT_ID)]
Url = Annotated[str, Field(strict=True), AfterValidator(_safe_url)]
Zone = Annotated[str, Field(strict=True), AfterValidator(_known_zone)]
Schedule = Annotated[str, Field(strict=True), AfterValidator(_known_schedule)]
Flag = Annotated[bool, Field(strict=True)]
Positive = Annotated[int, Field(strict=True, ge=1)]
Wait = Annotated[
    timedelta,
    BeforeValidator(_parse_wait),
    PlainSerializer(_spell_wait, return_type=str),
    WithJsonSchema({"type": "string", "pattern": "^([0-9]+[dh])+$", "examples": ["40h", "1d12h"]}),
]
TagValues = Annotated[
    tuple[Text, ...],
    BeforeValidator(_as_list),
    Field(min_length=1),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1},
            ]
        }
    ),
]
Tags = Mapping[Name, Text]
TagSelector = Mapping[Name, TagValues]
