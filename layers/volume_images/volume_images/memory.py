"""Reading and replacing a state object: damage, loss, strangers, and one's own lost answers."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from pydantic import ValidationError

from volume_images.errors import Conflict, StoreError
from volume_images.protocols import Store
from volume_images.state import FORMAT, State

LONGEST_SHOWN = 40

CONFLICTS = 8
"""How often a run that loses against others' writes tries again before it gives up."""

S = TypeVar("S", bound=State)
Result = TypeVar("Result")


class Origin(StrEnum):
    """Where a state that a run works with came from."""

    READ = "read"
    NEW = "new"
    EARLIER_VERSION = "earlier_version"
    LOST = "lost"


@dataclass(frozen=True, slots=True)
class Memory(Generic[S]):
    """A state, the version a write must still find, and where it came from."""

    state: S
    version: str | None
    origin: Origin

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it was damaged."""
        return self.origin in {Origin.READ, Origin.NEW}


def read_state(store: Store, key: str, empty: S) -> Memory[S]:
    """Read the state at `key`, or `empty` where there is none yet.

    A damaged one gives way to the newest earlier version that can be read, else to `empty`.
    Raises StoreError for a state of another deployment or of a newer format: replacing it would
    destroy what somebody else relies on.
    """
    stored = store.state(key)
    if stored is None:
        return Memory(empty, None, Origin.NEW)
    state = _parsed(stored.body, key, empty)
    if state is not None:
        return Memory(state, stored.version, Origin.READ)
    for body in store.earlier_states(key):
        earlier = _parsed(body, key, empty)
        if earlier is not None:
            return Memory(earlier, stored.version, Origin.EARLIER_VERSION)
    return Memory(empty, stored.version, Origin.LOST)


def write_state(store: Store, key: str, memory: Memory[S], state: S, run_id: str) -> Memory[S]:
    """Write `state`, marked as this run's, only if the object is still what `memory` was read from.

    A conflict with this very write, whose answer was lost, is none. Raises Conflict, StoreError.
    """
    marked = state.model_copy(update={"mark": state.mark.next(run_id)})
    body = marked.model_dump_json(exclude_defaults=True).encode()
    try:
        version = store.replace_state(key, body, memory.version)
    except Conflict:
        current = store.state(key)
        if current is None or _mark(current.body) != marked.mark.model_dump():
            raise
        version = current.version
    return Memory(marked, version, Origin.READ)


def with_newest(
    key: str, work: Callable[[Memory[S]], Result], memory: Memory[S], read: Callable[[], Memory[S]]
) -> Result:
    """Work with this memory, and after each Conflict with the newer one, until no other run wrote.

    Raises Conflict after losing too often, and StoreError.
    """
    for _ in range(CONFLICTS):
        try:
            return work(memory)
        except Conflict:
            memory = read()
    raise Conflict(f"{key}: lost against other runs {CONFLICTS} times: the next run tries again")


def _parsed(body: bytes, key: str, empty: S) -> S | None:
    try:
        state = type(empty).model_validate_json(body)
    except ValidationError:
        document = _document(body)
        if isinstance(document, dict):  # whose it is, can be told of a newer format as well
            _refuse_others(key, empty, document.get("deployment"), document.get("version"))
        return None
    _refuse_others(key, empty, state.deployment, state.version)
    return state


def _refuse_others(key: str, empty: State, written_by: object, written_as: object) -> None:
    if isinstance(written_by, str) and written_by != empty.deployment:
        raise StoreError(
            f"{key}: belongs to deployment {_shown(written_by)}, not to {empty.deployment}: "
            "give this deployment a store of its own"
        )
    if isinstance(written_as, int) and written_as > FORMAT:
        raise StoreError(
            f"{key}: has format {_shown(written_as)}, newer than this release knows ({FORMAT}): "
            "deploy the release that wrote it"
        )


def _shown(written: object) -> str:
    """Cut short what a damaged state may say at any length."""
    text = ascii(written) if not str(written).isprintable() else str(written)
    return text[:LONGEST_SHOWN]


def _mark(body: bytes) -> object:
    document = _document(body)
    return document.get("mark") if isinstance(document, dict) else None


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
