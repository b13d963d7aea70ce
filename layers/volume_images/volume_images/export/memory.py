"""Reading and writing the exporter's state of one cloud."""

from collections.abc import Iterable

from volume_images.errors import Conflict
from volume_images.export.draft import Change, changed
from volume_images.export.errand import Errand
from volume_images.export.state import ExportState, empty_export_state, export_state_key, marked
from volume_images.memory import Memory, Origin, read_state, replace_state
from volume_images.protocols import World

CONFLICTS = 8
"""How often a run that loses against others' writes tries again before it gives up."""


def read_cloud(world: World, cloud: str) -> Memory[ExportState]:
    """Read the state of a cloud. Raises StoreError."""
    return read_state(world.store, export_state_key(cloud), empty_export_state(world.deployment_id))


def read(errand: Errand) -> Memory[ExportState]:
    """Read the state of the errand's cloud anew. Raises StoreError."""
    return read_cloud(errand.world, errand.cloud)


def write(errand: Errand, memory: Memory[ExportState], state: ExportState) -> Memory[ExportState]:
    """Replace the state that `memory` was read from. Raises Conflict if another run did."""
    state = marked(state, errand.world.run_id)
    version = replace_state(errand.world.store, errand.state_key, state, memory.version)
    return Memory(state, version, Origin.READ)


def write_through(
    errand: Errand, memory: Memory[ExportState], changes: Iterable[Change]
) -> Memory[ExportState]:
    """Write changes to whichever state is the newest, again until it wins. Raises StoreError."""
    changes = tuple(changes)
    for _ in range(CONFLICTS):
        try:
            return write(errand, memory, changed(memory.state, changes))
        except Conflict:
            memory = read(errand)
    raise Conflict(f"{errand.state_key}: lost against other runs {CONFLICTS} times: run it again")
