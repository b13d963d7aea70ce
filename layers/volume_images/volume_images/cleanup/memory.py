"""Reading and writing cleanup's state of one cloud: replaced only if unchanged."""

from collections.abc import Callable
from dataclasses import replace

from volume_images.cleanup.errand import Errand
from volume_images.cleanup.state import CleanupState, empty_cleanup_state
from volume_images.errors import Conflict
from volume_images.memory import Memory, Origin, read_state, replace_state

CONFLICTS = 8
"""How often a run that loses against others' writes tries again."""

WHOLE = frozenset({Origin.READ, Origin.NEW})
"""Where an undamaged memory comes from."""

Change = Callable[[CleanupState], CleanupState]


def read_memory(errand: Errand) -> Memory[CleanupState]:
    """Read the state; of a damaged one, nothing that stands announced is believed.

    An earlier version may hold an announcement that was withdrawn after it was written.
    """
    memory = read_state(
        errand.world.store, errand.state_key, empty_cleanup_state(errand.world.deployment_id)
    )
    if memory.origin in WHOLE:
        return memory
    return replace(memory, state=memory.state.without_announcements())


def write_memory(
    errand: Errand, memory: Memory[CleanupState], change: Change
) -> Memory[CleanupState]:
    """Write a change of the state; where another run was faster, change the newer state instead.

    Returns what is written. Raises Conflict after losing too often, and StoreError.
    """
    for _ in range(CONFLICTS):
        state = change(memory.state)
        if state == memory.state and memory.origin in WHOLE:
            return memory
        state = state.model_copy(update={"mark": state.mark.next(errand.world.run_id)})
        try:
            version = replace_state(errand.world.store, errand.state_key, state, memory.version)
        except Conflict:
            memory = read_memory(errand)
        else:
            return Memory(state, version, Origin.READ)
    raise Conflict(
        f"{errand.state_key}: lost against other runs {CONFLICTS} times: the next run tries again"
    )
