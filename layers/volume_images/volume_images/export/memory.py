"""Reading and writing the exporter's state of one cloud."""

from collections.abc import Iterable
from functools import partial

from volume_images.export.draft import Change, changed
from volume_images.export.errand import Errand
from volume_images.export.state import ExportState, empty_export_state, export_state_key
from volume_images.memory import Memory, read_state, with_newest, write_state
from volume_images.protocols import World


def read_cloud(world: World, cloud: str) -> Memory[ExportState]:
    """Read the state of a cloud. Raises StoreError."""
    return read_state(world.store, export_state_key(cloud), empty_export_state(world.deployment_id))


def read(errand: Errand) -> Memory[ExportState]:
    """Read the state of the errand's cloud anew. Raises StoreError."""
    return read_cloud(errand.world, errand.cloud)


def write(errand: Errand, memory: Memory[ExportState], state: ExportState) -> Memory[ExportState]:
    """Replace the state that `memory` was read from. Raises Conflict if another run did."""
    world = errand.world
    return write_state(world.store, errand.state_key, memory, state, world.run_id)


def write_through(
    errand: Errand, memory: Memory[ExportState], changes: Iterable[Change]
) -> Memory[ExportState]:
    """Write changes to whichever state is the newest, again until it wins. Raises StoreError."""
    changes = tuple(changes)
    return with_newest(
        errand.state_key,
        lambda newest: write(errand, newest, changed(newest.state, changes)),
        memory,
        partial(read, errand),
    )
