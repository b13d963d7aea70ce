"""A folder as store, for work without AWS: the same layout as in S3, guarded by one lock file."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from volume_images.errors import ConfigError, Conflict, Problem, StoreError
from volume_images.protocols import StoredObject
from volume_images.storage.address import (
    CONFIG_LIMIT,
    REPORT_LIMIT,
    STATE_LIMIT,
    ConfigSource,
    checked_key,
    newest_reports,
)


@dataclass(frozen=True, slots=True)
class ConfigFile:
    """A config document in a local file. No versions are kept."""

    path: Path

    def read(self) -> StoredObject:
        """Read it, up to a byte more than it may have."""
        body = _read(self.path, CONFIG_LIMIT)
        if body is None:
            raise ConfigError(str(self.path), [Problem("", "no such file: write the config there")])
        return StoredObject(body, _version(body))

    def versions(self, since: str) -> Sequence[bytes] | None:  # noqa: ARG002 - the protocol's
        """Return None: a file does not tell what it held before."""
        return None


@dataclass(frozen=True, slots=True)
class FolderStore:
    """States and reports in a folder, and the config wherever `source` reads it.

    A version is the SHA-256 of the content: two writes never carry the same content, since each
    state names its writer. No earlier versions are kept.
    """

    folder: Path
    source: ConfigSource

    def config(self) -> StoredObject:
        """Read the config document."""
        return self.source.read()

    def config_versions(self, since: str) -> Sequence[bytes] | None:
        """Read every config written after version `since`."""
        return self.source.versions(since)

    def state(self, key: str) -> StoredObject | None:
        """Read a state object; None when there is none yet."""
        return _stored(self._path(key), STATE_LIMIT)

    def earlier_states(self, key: str) -> Sequence[bytes]:  # noqa: ARG002 - the protocol's
        """Return nothing: a folder keeps no versions."""
        return ()

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        """Write only if the object is still at `version`, under the folder's lock."""
        path = self._path(key)
        with self._locked():
            stored = self.state(key)
            found = stored.version if stored else None
            if found != version:
                raise Conflict(f"{path}: was replaced since it was read: read it again")
            _write(path, body)
        return _version(body)

    def write_report(self, key: str, body: bytes) -> str:
        """Write a report and return its path."""
        path = self._path(key)
        with self._locked():
            _write(path, body)
        return str(path)

    def reports(self, folder: str) -> Sequence[str]:
        """Return the keys of the reports directly in a folder, newest first."""
        path = self._path(folder)
        try:
            names = [file.name for file in path.iterdir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _unusable("list", path, error) from error
        return newest_reports(folder, names)

    def report(self, key: str) -> StoredObject | None:
        """Read a report; None when there is none."""
        return _stored(self._path(key), REPORT_LIMIT)

    def _path(self, key: str) -> Path:
        return self.folder / checked_key(key)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock file; the system frees it when this process ends, however it ends."""
        path = self.folder / ".lock"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = path.open("w")
            fcntl.flock(lock, fcntl.LOCK_EX)
        except OSError as error:
            raise _unusable("lock", path, error) from error
        with lock:
            yield


def read_file(path: Path, limit: int) -> bytes:
    """Read a whole file that must be there and hold at most `limit` bytes. Raises StoreError."""
    body = _read(path, limit)
    if body is None:
        raise StoreError(f"{path}: no such file")
    return _bounded(body, path, limit)


def _stored(path: Path, limit: int) -> StoredObject | None:
    body = _read(path, limit)
    return None if body is None else StoredObject(_bounded(body, path, limit), _version(body))


def _bounded(body: bytes, path: Path, limit: int) -> bytes:
    if len(body) > limit:
        raise StoreError(f"{path}: larger than {limit} bytes: not what was expected there")
    return body


def _read(path: Path, limit: int) -> bytes | None:
    """Read at most one byte more than `limit`; None only when there is no such file."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unusable("read", path, error) from error


def _write(path: Path, body: bytes) -> None:
    """Replace a file whole or not at all, also when the power fails; the caller holds the lock."""
    new = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise _unusable("write", path, error) from error


def _version(body: bytes) -> str:
    return sha256(body).hexdigest()


def _unusable(verb: str, path: Path, error: OSError) -> StoreError:
    return StoreError(f"cannot {verb} {path}: {error.strerror}: check the path and its permissions")
