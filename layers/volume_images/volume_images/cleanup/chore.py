"""One cloud's share of a cleanup run, and its memory: read, and replaced only if unchanged."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache, partial

from volume_images.cleanup.gathering import Versions, config_versions
from volume_images.cleanup.plan import Scope
from volume_images.cleanup.state import CleanupState, cleanup_state_key, empty_cleanup_state
from volume_images.errors import Conflict
from volume_images.memory import Memory, Origin, read_state, replace_state
from volume_images.protocols import RunLimits, World
from volume_images.stopwatch import Stopwatch

CONFLICTS = 8
"""How often a run that loses against others' writes tries again."""

WHOLE = frozenset({Origin.READ, Origin.NEW})
"""Where an undamaged memory comes from."""

NO_LIMITS = RunLimits()

Change = Callable[[CleanupState], CleanupState]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chore:
    """One cloud's share of a cleanup run."""

    world: World
    cloud: str
    scope: Scope
    dry_run: bool
    without_wait: frozenset[str]
    stopwatch: Stopwatch
    versions: Versions

    @property
    def state_key(self) -> str:
        """Where cleanup keeps its memory of the cloud."""
        return cleanup_state_key(self.cloud)

    @property
    def grace(self) -> timedelta:
        """How long an image stands announced: the config can only lengthen the minimum."""
        return max(self.world.config.grace, self.world.minimum_grace)


def chores(
    world: World,
    scope: Scope,
    *,
    dry_run: bool,
    limits: RunLimits = NO_LIMITS,
    without_wait: frozenset[str] = frozenset(),
) -> list[Chore]:
    """Share a run out among the clouds of the config; its time begins now."""
    stopwatch = Stopwatch(world.clock, limits, world.clock.monotonic())
    versions = cache(partial(config_versions, world.store))
    return [
        Chore(
            world=world,
            cloud=cloud,
            scope=scope,
            dry_run=dry_run,
            without_wait=without_wait,
            stopwatch=stopwatch,
            versions=versions,
        )
        for cloud in world.config.clouds
    ]


def read_memory(chore: Chore) -> Memory[CleanupState]:
    """Read the state; of a damaged one, nothing that stands announced is believed.

    An earlier version may hold an announcement that was withdrawn after it was written.
    """
    memory = read_state(
        chore.world.store, chore.state_key, empty_cleanup_state(chore.world.deployment_id)
    )
    if memory.origin in WHOLE:
        return memory
    return replace(memory, state=memory.state.without_announcements())


def write_memory(
    chore: Chore, memory: Memory[CleanupState], change: Change
) -> Memory[CleanupState]:
    """Write a change of the state; where another run was faster, change the newer state instead.

    Returns what is written. Raises Conflict after losing too often, and StoreError.
    """
    for _ in range(CONFLICTS):
        state = change(memory.state)
        if state == memory.state and memory.origin in WHOLE:
            return memory
        state = state.model_copy(update={"mark": state.mark.next(chore.world.run_id)})
        try:
            version = replace_state(chore.world.store, chore.state_key, state, memory.version)
        except Conflict:
            memory = read_memory(chore)
        else:
            return Memory(state, version, Origin.READ)
    raise Conflict(
        f"{chore.state_key}: lost against other runs {CONFLICTS} times: the next run tries again"
    )
