"""A store in memory: versions, conditional writes, and answers that are lost now and then."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from tests.faults.trouble import Kind, Trouble
from volume_images.errors import Conflict, StoreError
from volume_images.protocols import StoredObject

VERSIONS_KEPT = 4
Called = Callable[[str], None]


def _nobody(_: str) -> None:
    pass


@dataclass(slots=True)
class _Object:
    versions: list[bytes] = field(default_factory=list)
    written: int = 0

    @property
    def version(self) -> str:
        return str(self.written)


@dataclass(slots=True)
class MemoryStore:
    """States, configs and reports; `called` is told of each call for a key, before any work.

    `trouble_of` gives each key's trouble: clouds are served side by side, and dice are not.
    """

    trouble_of: Callable[[str], Trouble]
    called: Called = _nobody
    configs: list[bytes] = field(default_factory=list)
    _objects: dict[str, _Object] = field(default_factory=dict)
    _written_before: int = 0

    def config(self) -> StoredObject:
        """Read the newest config."""
        return StoredObject(self.configs[-1], str(len(self.configs) - 1))

    def config_versions(self, since: str) -> Sequence[bytes] | None:
        """Read what was written after a version."""
        return self.configs[int(since) + 1 :]

    def state(self, key: str) -> StoredObject | None:
        """Read a state."""
        self.called(key)
        if self.trouble_of(key).strikes(Kind.STORE_READS_FAIL):
            raise StoreError(f"{key}: the store does not answer")
        stored = self._objects.get(key)
        return StoredObject(stored.versions[-1], stored.version) if stored else None

    def earlier_states(self, key: str) -> Sequence[bytes]:
        """Read the versions before, newest first."""
        return self._objects[key].versions[-2::-1]

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        """Write if unchanged; the answer may be lost and the write repeated, or never come."""
        self.called(key)
        if self.trouble_of(key).strikes(Kind.STORE_WRITES_FAIL):
            raise StoreError(f"{key}: the store does not answer")
        stored = self._objects.get(key)
        if version != (stored.version if stored else None):
            raise Conflict(key)
        self.put(key, body)
        if self.trouble_of(key).strikes(Kind.STORE_ANSWERS_LOST):
            raise Conflict(f"{key}: the repeated request meets its own write")
        if self.trouble_of(key).strikes(Kind.STORE_ANSWERS_NEVER_COME):
            raise StoreError(f"{key}: timed out")
        return self._objects[key].version

    def write_report(self, key: str, body: bytes) -> str:  # noqa: ARG002
        """Take it, and keep nothing of it."""
        self.called(key)
        if self.trouble_of(key).strikes(Kind.STORE_WRITES_FAIL):
            raise StoreError(f"{key}: the store does not answer")
        return f"memory://{key}"

    def reports(self, folder: str) -> Sequence[str]:  # noqa: ARG002
        """Keep none."""
        return ()

    def report(self, key: str) -> StoredObject | None:  # noqa: ARG002
        """Keep none."""
        return None

    def put(self, key: str, body: bytes) -> None:
        """Write, whatever is there: a run that has won, or a person who damages it."""
        stored = self._objects.setdefault(key, _Object(written=self._written_before))
        stored.written += 1
        stored.versions = [*stored.versions[-VERSIONS_KEPT + 1 :], body]

    def lose(self, key: str) -> None:
        """Lose an object with all its versions; no later one gets a version that was given."""
        lost = self._objects.pop(key, None)
        self._written_before += lost.written if lost else 0

    def body(self, key: str) -> bytes | None:
        """Look at an object from outside: no run does, and nothing goes wrong."""
        stored = self._objects.get(key)
        return stored.versions[-1] if stored else None
