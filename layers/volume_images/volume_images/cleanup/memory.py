"""Reading and writing cleanup's state of one cloud: replaced only if unchanged."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from volume_images.cleanup.errand import Errand
from volume_images.cleanup.state import CleanupState, empty_cleanup_state
from volume_images.memory import Memory, read_state, with_newest, write_state

Change = Callable[[CleanupState], CleanupState]


def read_memory(errand: Errand) -> Memory[CleanupState]:
    """Read the state; of a damaged one, nothing that stands announced is believed.

    An earlier version may hold an announcement that was withdrawn after it was written.
    """
    memory = read_state(
        errand.world.store, errand.state_key, empty_cleanup_state(errand.world.deployment_id)
    )
    if memory.is_whole:
        return memory
    return replace(memory, state=memory.state.without_announcements())


def write_memory(
    errand: Errand, memory: Memory[CleanupState], change: Change
) -> Memory[CleanupState]:
    """Write a change of the state; where another run was faster, change the newer state instead.

    Returns what is written. Raises Conflict after losing too often, and StoreError.
    """
    key, world = errand.state_key, errand.world

    def written(newest: Memory[CleanupState]) -> Memory[CleanupState]:
        state = change(newest.state)
        if state == newest.state and newest.is_whole:
            return newest
        return write_state(world.store, key, newest, state, world.run_id)

    return with_newest(key, written, memory, partial(read_memory, errand))
