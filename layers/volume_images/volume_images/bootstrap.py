"""Settings -> the World of a run, and the clouds that people open apart from one."""

from typing import TYPE_CHECKING

from volume_images.config.schema import CloudConfig
from volume_images.connections import Connections, open_anew
from volume_images.errors import CredentialError
from volume_images.protocols import Clock, RestoreWorld, Store, World
from volume_images.report import Function
from volume_images.run_id import new_run_id
from volume_images.settings import Settings
from volume_images.storage.address import ConfigSource, S3Address, parse_address
from volume_images.storage.folder import ConfigFile, FolderStore
from volume_images.storage.s3 import S3Config, S3Store

if TYPE_CHECKING:
    from volume_images.cloud.open import OpenedCloud
    from volume_images.cloud.session import Record
    from volume_images.cloud_secrets import Credential


def connect(settings: Settings, function: Function, connections: Connections) -> World:
    """Read clock and config, and make a World of them; no secret is read before a cloud is opened.

    Raises SettingsError, ConfigError (NoConfigYet where there never was one) and StoreError.
    """
    return _connected(settings, function, connections)


def connect_to_restore(settings: Settings, connections: Connections) -> RestoreWorld:
    """Make a World in which volumes may be made; raises as `connect` does."""
    return _connected(settings, Function.DRILL, connections)


def _connected(settings: Settings, function: Function, connections: Connections) -> RestoreWorld:
    """Connect with a function's own secrets; as a plain World, it shows nothing that restores."""
    clock = connections.clock(settings)
    store = open_store(settings, connections)
    used = connections.config(settings, store, function)

    def opened(name: str, refused_secret: str = "") -> "OpenedCloud":
        config = used.config.clouds[name]
        credential = _credential(settings, function, name, config, connections)
        if credential.fingerprint == refused_secret:
            raise CredentialError(
                f"{credential.source}: was refused less than an hour ago, and rests until the hour"
                " is over: put a right one there"
            )
        return connections.cloud(name, config, credential, clock, settings.ca_bundle)

    return RestoreWorld(
        run_id=new_run_id(clock.now()),
        config=used.config,
        config_version=used.version,
        config_fault=used.fault,
        store=store,
        clock=clock,
        open_cloud=opened,
        deployment_id=settings.deployment_id,
        minimum_grace=settings.minimum_grace,
    )


def open_cloud_to_restore(
    settings: Settings,
    name: str,
    config: CloudConfig,
    connections: Connections,
    clock: Clock,
    record: "Record | None" = None,
) -> "OpenedCloud":
    """Open a cloud with its `restore` secret; `record` takes in what is said to it.

    Raises CredentialError, CloudUnavailable.
    """
    credential = _credential(settings, Function.DRILL, name, config, connections)
    return open_anew(config, credential, clock, connections.tls(settings.ca_bundle), record)


def open_cloud_to_look(
    settings: Settings, name: str, config: CloudConfig, connections: Connections
) -> "OpenedCloud":
    """Open a cloud with its `export` secret, or with clouds.yaml, before any config names it.

    Raises CredentialError, CloudUnavailable.
    """
    credential = _credential(settings, Function.EXPORT, name, config, connections)
    clock = connections.clock(settings)
    return open_anew(config, credential, clock, connections.tls(settings.ca_bundle))


def open_store(settings: Settings, connections: Connections) -> Store:
    """Return the store that the settings name, with the config wherever they say it lies."""
    source = config_source(settings.config, connections)
    root = parse_address(settings.store)
    if isinstance(root, S3Address):
        return S3Store(connections.s3, root, source)
    return FolderStore(root, source)


def config_source(location: str, connections: Connections) -> ConfigSource:
    """Return a reader of the config at `s3://bucket/key` or at a path."""
    address = parse_address(location)
    if isinstance(address, S3Address):
        return S3Config(connections.s3, address)
    return ConfigFile(address)


def _credential(
    settings: Settings,
    function: Function,
    cloud: str,
    config: CloudConfig,
    connections: Connections,
) -> "Credential":
    """Read a function's secret for a cloud: each time, so that a new one counts at once."""
    from volume_images.cloud_secrets import (  # noqa: PLC0415 - as in `open_anew`
        read_aws_secret,
        read_local_secret,
    )

    if config.clouds_yaml is not None:
        return read_local_secret(config.clouds_yaml)
    name = f"{settings.secret_prefix}/{function.secret_role}/{cloud}"
    return read_aws_secret(connections.secrets, name)
