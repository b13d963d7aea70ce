"""What a drill sees of one cloud before it chooses; nothing is decided here."""

from collections.abc import Mapping
from dataclasses import dataclass

from volume_images.cleanup.state import CleanupState, cleanup_state_key, empty_cleanup_state
from volume_images.memory import read_state
from volume_images.model import Volume
from volume_images.protocols import RestoreCloud, RestoreWorld, Store
from volume_images.recognition import Recognised, identity, recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """One cloud: its volumes by id, our images in it, and what cleanup remembers."""

    name: str
    cloud: RestoreCloud
    volumes: Mapping[str, Volume]
    images: tuple[Recognised, ...]
    state: CleanupState


def look_around(world: RestoreWorld, name: str) -> Ground:
    """See one cloud. Raises CloudError and StoreError."""
    cloud = world.open_cloud(name)
    state = remembered(world.store, name, world.deployment_id)
    ours = identity(
        world.config,
        cloud.project_id,
        world.deployment_id,
        state.adopted_images(cloud.project_id),
    )
    volumes = {volume.id: volume for volume in cloud.volumes.all()}
    seen = (recognise(image, ours, volumes) for image in cloud.images.all())
    return Ground(
        name=name,
        cloud=cloud,
        volumes=volumes,
        images=tuple(image for image in seen if image is not None),
        state=state,
    )


def remembered(store: Store, cloud: str, deployment_id: str) -> CleanupState:
    """Read what cleanup remembers of a cloud. Raises StoreError."""
    return read_state(store, cleanup_state_key(cloud), empty_cleanup_state(deployment_id)).state
