"""Reading what a cloud says about one thing: every field has its type checked, and its place."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote

from volume_images.errors import CloudUnavailable
from volume_images.image_name import VOLUME_ID_PATTERN, YEARS

LARGEST = 2**63 - 1
"""The largest number of these services' databases (SQL `BigInteger`)."""

LARGEST_GIB = 2**31 - 1
"""The largest size of a volume (Cinder keeps it as SQL `Integer`)."""

IDENTIFIER = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""An id of any of these services; it becomes part of addresses."""

_VOLUME_ID = re.compile(VOLUME_ID_PATTERN)
_DIGITS = re.compile(r"[0-9]{1,18}")
_LONGEST_TIME = 40


def part(text: str) -> str:
    """Make one part of a path of an id, whatever its characters."""
    return quote(text, safe="")


@dataclass(frozen=True, slots=True)
class Entry:
    """One JSON object of an answer; `where` says which, for the message when a field is wrong.

    Every reader raises CloudUnavailable: an answer that is not what it must be is no answer.
    """

    values: Mapping[str, object]
    where: str

    def identifier(self, key: str) -> str:
        """Read an id; it will become part of addresses, so its characters are checked."""
        value = self.values.get(key)
        if not isinstance(value, str) or not IDENTIFIER.fullmatch(value):
            raise self._malformed(key, "an id")
        return value

    def volume_id(self, key: str) -> str:
        """Read the id of a volume: a UUID, as image names hold it."""
        value = self.identifier(key)
        if not _VOLUME_ID.fullmatch(value):
            raise self._malformed(key, "a UUID in lower case")
        return value

    def text(self, key: str) -> str:
        """Read a string; null and absent are empty."""
        return self.optional_text(key) or ""

    def optional_text(self, key: str) -> str | None:
        """Read a string, or None for null and absent."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, str):
            raise self._malformed(key, "a string")
        return _whole_characters(value)

    def whole(self, key: str, most: int = LARGEST) -> int:
        """Read a whole number that must be there, and may be `most`."""
        value = self.optional_whole(key)
        if value is None or value > most:
            raise self._malformed(key, "a whole number")
        return value

    def optional_whole(self, key: str) -> int | None:
        """Read a whole number, also where it is spelled as a string (IMS `__image_size`)."""
        value = self.values.get(key)
        if value is None or value == "":
            return None
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            return int(value)
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST:
            return value
        raise self._malformed(key, "a whole number")

    def flag(self, key: str) -> bool:
        """Read a boolean, also where it is spelled as a string ("true", "True"); absent is no."""
        value = self.values.get(key)
        if isinstance(value, str) and value.lower() in {"true", "false"}:
            return value.lower() == "true"
        if value is None or isinstance(value, bool):
            return bool(value)
        raise self._malformed(key, "true or false")

    def instant(self, key: str) -> datetime:
        """Read a time that must be there; one without a zone is UTC (Cinder, EVS)."""
        value = self.optional_instant(key)
        if value is None:
            raise self._malformed(key, "a time")
        return value

    def optional_instant(self, key: str) -> datetime | None:
        """Read a time, or None for null and absent."""
        text = self.optional_text(key)
        if not text:
            return None
        try:
            parsed = datetime.fromisoformat(text[:_LONGEST_TIME])
            time = parsed.replace(tzinfo=parsed.tzinfo or UTC).astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise self._malformed(key, "a time") from error
        if time.year not in YEARS:
            raise self._malformed(key, f"a time from {YEARS[0]} to {YEARS[-1]}")
        return time

    def texts(self, key: str) -> dict[str, str]:
        """Read an object whose values are all strings; absent is empty."""
        entry = self.optional_entry(key)
        return {_whole_characters(name): entry.text(name) for name in entry.values} if entry else {}

    def words(self, key: str) -> tuple[str, ...]:
        """Read a list of strings; absent is empty."""
        value = self._list(key)
        if not all(isinstance(word, str) for word in value):
            raise self._malformed(key, "a list of strings")
        return tuple(_whole_characters(str(word)) for word in value)

    def entry(self, key: str) -> "Entry":
        """Read an object that must be there."""
        entry = self.optional_entry(key)
        if entry is None:
            raise self._malformed(key, "an object")
        return entry

    def optional_entry(self, key: str) -> "Entry | None":
        """Read an object, or None for null and absent."""
        value = self.values.get(key)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise self._malformed(key, "an object")
        return Entry(value, f"{self.where}.{key}")

    def entries(self, key: str) -> tuple["Entry", ...]:
        """Read a list of objects that must be there."""
        if key not in self.values:
            raise self._malformed(key, "a list")
        return self.optional_entries(key)

    def optional_entries(self, key: str) -> tuple["Entry", ...]:
        """Read a list of objects; absent is empty."""
        value = self._list(key)
        if not all(isinstance(item, dict) for item in value):
            raise self._malformed(key, "a list of objects")
        return tuple(
            Entry(item, f"{self.where}.{key}[{index}]")
            for index, item in enumerate(value)
            if isinstance(item, dict)
        )

    def _list(self, key: str) -> list[object]:
        value = self.values.get(key)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self._malformed(key, "a list")
        return value

    def _malformed(self, key: str, wanted: str) -> CloudUnavailable:
        return CloudUnavailable(f"{self.where}.{key}: the cloud's answer must hold {wanted} there")


def _whole_characters(text: str) -> str:
    """Replace half a pair of surrogates: JSON can spell it, but no log and no file takes it."""
    return text.encode("utf-8", "replace").decode("utf-8")
