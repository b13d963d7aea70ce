"""What a config that is being checked would change for the volumes that cleanup knows."""

import os
from collections.abc import Mapping

from pydantic import ValidationError

from volume_images.bootstrap import open_store
from volume_images.cleanup.moves import moves
from volume_images.cleanup.state import CleanupState, cleanup_state_key
from volume_images.cli.inputs.settings import settings_by_hand
from volume_images.config.schema import Config
from volume_images.connections import Connections
from volume_images.errors import Problem, SettingsError, StoreError
from volume_images.protocols import Store
from volume_images.settings import PREFIX


def moved_volumes(config: Config, location: str, store: str | None) -> tuple[Problem, ...]:
    """Compare a config with the states in a store; silent where none is named.

    What hinders it is a problem too: nobody should take silence for good news.
    """
    if not (store or os.environ.get(f"{PREFIX}STORE", "").strip()):
        return ()
    try:
        # Settings ask for a deployment; which one it is plays no part in what moves.
        deployment = os.environ.get(f"{PREFIX}DEPLOYMENT") or "any"
        settings = settings_by_hand(config=location, store=store, deployment=deployment)
        return moves(config, _states(open_store(settings, Connections()), config))
    except (SettingsError, StoreError) as error:
        return (Problem("", f"volumes that change their policy are not counted: {error}"),)


def _states(store: Store, config: Config) -> Mapping[str, CleanupState]:
    """Read what cleanup knows of each cloud; nothing where it never ran."""
    found: dict[str, CleanupState] = {}
    for cloud in config.clouds:
        key = cleanup_state_key(cloud)
        stored = store.state(key)
        if stored is not None:
            try:
                found[cloud] = CleanupState.model_validate_json(stored.body)
            except ValidationError as error:
                raise StoreError(f"{key}: is not a state of this release") from error
    return found
