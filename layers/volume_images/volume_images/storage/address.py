"""Where config, states and reports lie: addresses, keys and sizes, in S3 and in a folder alike."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from volume_images.errors import SettingsError, StoreError
from volume_images.protocols import StoredObject

CONFIG_LIMIT = 1024 * 1024
"""What a config may have; one byte more is read, so that the parser can call it too large."""

STATE_LIMIT = 64 * 1024 * 1024
"""Far above the state of 100,000 volumes: what is larger is not a state of ours."""

REPORT_LIMIT = 256 * 1024 * 1024
"""Some 400,000 outcomes: what is larger is no report of ours."""

CA_BUNDLE_LIMIT = 4 * 1024 * 1024
"""Some fifteen times the bundle that browsers ship."""

EARLIER_STATES = 10
"""How many versions of a damaged state are looked at: each is read into memory."""

CONFIG_VERSIONS = 100
"""How many edits between two cleanups are compared; with more, what lay between is not known."""

_SEGMENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*")


class ConfigSource(Protocol):
    """The config document alone: it may lie elsewhere than states and reports."""

    def read(self) -> StoredObject:
        """Read it. Raises ConfigError when there is none, StoreError when it cannot be read."""
        ...

    def versions(self, since: str) -> Sequence[bytes] | None:
        """Read every version written after `since`, oldest first; None where that is not known."""
        ...


@dataclass(frozen=True, slots=True)
class S3Address:
    """A bucket, and a key or a prefix in it; written `s3://bucket/key`."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def parse_address(text: str) -> S3Address | Path:
    """Read `s3://bucket/key`, else take the text for a local path. Raises SettingsError."""
    if not text.startswith("s3://"):
        return Path(text).expanduser()
    bucket, _, key = text.removeprefix("s3://").partition("/")
    if not bucket:
        raise SettingsError(f"{text}: names no bucket: write s3://bucket/key")
    return S3Address(bucket, key.strip("/"))


def newest_reports(folder: str, names: Iterable[str]) -> list[str]:
    """Return the keys of the reports among the names of what lies in a folder, newest first."""
    found = sorted((name for name in names if name.endswith(".json")), reverse=True)
    return [f"{folder}/{name}" for name in found]


def checked_key(key: str) -> str:
    """Return `key` if every segment of it is a plain name, so that it cannot leave its store."""
    if not all(_SEGMENT.fullmatch(segment) for segment in key.split("/")):
        raise StoreError(f"{key!r}: not a key of the store: names out of A-Z a-z 0-9 . _ - only")
    return key
