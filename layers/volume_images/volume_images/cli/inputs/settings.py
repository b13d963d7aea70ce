"""Options and environment -> Settings, with defaults for work without AWS."""

import os
from pathlib import Path

from volume_images.errors import SettingsError
from volume_images.settings import PREFIX, Settings

STORE_FOLDER = ".volume-images"
LOCAL_DEPLOYMENT = "local"


def settings_by_hand(
    *, config: str | None, store: str | None = None, deployment: str | None = None
) -> Settings:
    """Let options win over the environment. Raises SettingsError.

    For a config in a file, states and reports lie in the folder `.volume-images` beside it unless
    a store is named; for a store in a folder, the deployment is `local` unless it is named.
    """
    given = {"CONFIG": config, "STORE": store, "DEPLOYMENT": deployment}
    named = {**os.environ, **{PREFIX + name: text for name, text in given.items() if text}}
    config = named.get(f"{PREFIX}CONFIG", "").strip()
    if not config:
        raise SettingsError(
            f"no config is named: give --config FILE, or set {PREFIX}CONFIG to a path or s3://"
        )
    if not named.get(f"{PREFIX}STORE", "").strip() and _is_local(config):
        named[f"{PREFIX}STORE"] = str(Path(config).expanduser().parent / STORE_FOLDER)
    if not named.get(f"{PREFIX}DEPLOYMENT", "").strip() and _is_local(
        named.get(f"{PREFIX}STORE", "s3://")
    ):
        named[f"{PREFIX}DEPLOYMENT"] = LOCAL_DEPLOYMENT
    return Settings.parse(named)


def settings_without_config() -> Settings:
    """Return the settings of the environment, for what reads no config. Raises SettingsError."""
    return settings_by_hand(config="config.yaml")


def _is_local(location: str) -> bool:
    return "://" not in location
