"""The config that a run works with: the newest one, or the last one that could be read."""

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from volume_images.config.schema import Config, parse_config
from volume_images.errors import ConfigError, Conflict, NoConfigYet
from volume_images.protocols import Store, StoredObject
from volume_images.report import Function

LAST_CONFIG_KEY = "state/export/config.json"


@dataclass(frozen=True, slots=True)
class UsedConfig:
    """A config, the version it is, and why it is not the newest one (empty when it is)."""

    config: Config
    version: str
    fault: str = ""


def use_config(
    store: Store, source: str, function: Function, known: UsedConfig | None = None
) -> UsedConfig:
    """Read the config; `source` is its address, `known` what this process used before.

    Exports go on with the last version that could be read; a cleanup has no such leave, since it
    would delete by rules that somebody may just have corrected. Raises NoConfigYet when there is
    none and never was, ConfigError for every other fault of it, StoreError.
    """
    try:
        newest = store.config()
    except ConfigError as missing:
        if store.state(LAST_CONFIG_KEY) is None:
            raise NoConfigYet(missing.source, missing.problems) from missing
        return _fall_back(store, function, missing)
    if known and not known.fault and known.version == newest.version:
        return known
    try:
        config = parse_config(newest.body, source)
    except ConfigError as fault:
        return _fall_back(store, function, fault)
    if function is Function.EXPORT:
        _keep(store, newest)
    return UsedConfig(config, newest.version)


def _fall_back(store: Store, function: Function, fault: ConfigError) -> UsedConfig:
    last = next(_last_configs(store), None) if function is Function.EXPORT else None
    if last is None:
        raise fault
    return UsedConfig(
        last.config, last.version, f"{fault}; until that is mended, version {last.version} is used"
    )


def _last_configs(store: Store) -> Iterator[UsedConfig]:
    """Yield what was kept and can still be read, newest first."""
    kept = store.state(LAST_CONFIG_KEY)
    if kept is None:
        return
    for body in (kept.body, *store.earlier_states(LAST_CONFIG_KEY)):
        with suppress(ValueError, KeyError, TypeError, AttributeError, RecursionError, ConfigError):
            record = json.loads(body)
            config = parse_config(record["document"].encode(), LAST_CONFIG_KEY)
            yield UsedConfig(config, str(record["config_version"]))


def _keep(store: Store, newest: StoredObject) -> None:
    """Keep a config that could be read; another run that kept one meanwhile did as well."""
    kept = store.state(LAST_CONFIG_KEY)
    document = newest.body.decode("utf-8-sig")
    body = json.dumps({"config_version": newest.version, "document": document}).encode()
    if kept is None or kept.body != body:
        with suppress(Conflict):
            store.replace_state(LAST_CONFIG_KEY, body, kept.version if kept else None)
