"""What outlives a run while its process is warm: clients of AWS, the clock, TLS, open clouds."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from ssl import SSLContext
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from volume_images.aws_clients import AwsClients
from volume_images.clock import ServedClock, SystemClock
from volume_images.config.schema import CloudConfig
from volume_images.errors import CredentialError, SettingsError, VolumeImagesError
from volume_images.observability import in_lambda
from volume_images.protocols import Clock, Store
from volume_images.report import Function
from volume_images.settings import Settings
from volume_images.storage.address import CA_BUNDLE_LIMIT, S3Address, parse_address
from volume_images.storage.s3 import read_object
from volume_images.telling.bus import EventBus
from volume_images.telling.heartbeat import beat
from volume_images.telling.listeners import Listeners
from volume_images.used_config import UsedConfig, use_config

if TYPE_CHECKING:
    from volume_images.cloud.open import OpenedCloud
    from volume_images.cloud.session import Record
    from volume_images.cloud_secrets import Credential

KEPT_FOR = timedelta(hours=1)
"""How long an opened cloud is used again."""

_SYSTEM_CLOCK = SystemClock()


@dataclass(frozen=True, slots=True)
class _Kept:
    """An opened cloud, and what it was opened with and when."""

    cloud: "OpenedCloud"
    config: CloudConfig
    fingerprint: str
    opened_at: datetime

    def serves(self, config: CloudConfig, fingerprint: str, now: datetime) -> bool:
        """Whether opening it again would only buy another token."""
        young = timedelta() <= now - self.opened_at < KEPT_FOR
        return young and (self.config, self.fingerprint) == (config, fingerprint)


class Connections(AwsClients):
    """What is made once a process, in one environment, and used by all of its runs."""

    def __init__(self) -> None:
        super().__init__()
        self._tls: SSLContext | None = None
        self._served_clock: ServedClock | None = None
        self._config: UsedConfig | None = None
        self._clouds: dict[tuple[str, str], _Kept] = {}

    @classmethod
    def warmed_up(cls) -> "Connections":
        """Make the client that every run needs right away, where Lambda gives a whole processor.

        One that cannot be made is not reported here: the run makes it, and can say so. Nowhere else
        is it made ahead: botocore would look for AWS in the network of whoever works without it.
        """
        connections = cls()
        if in_lambda():
            with suppress(SettingsError):
                _ = connections.s3
        return connections

    def listeners(self, settings: Settings, show: Callable[[], str] | None = None) -> Listeners:
        """Return who hears of the runs; nothing is opened before there is something to say."""
        bus, url = settings.event_bus, settings.heartbeat_url

        def beat_once(url: str) -> str:
            try:
                return beat(url, self.tls(settings.ca_bundle))
            except VolumeImagesError as error:
                return str(error)

        def send_to(bus: str) -> EventBus:
            return EventBus(lambda: self.events, bus, settings.deployment, _SYSTEM_CLOCK.monotonic)

        return Listeners(
            send=send_to(bus).send if bus else None,
            beat=partial(beat_once, url) if url else None,
            show=show,
        )

    def clock(self, settings: Settings) -> Clock:
        """Return the one clock; a served one is read anew."""
        if settings.clock_url is None:
            return _SYSTEM_CLOCK
        if self._served_clock is None:
            self._served_clock = ServedClock(settings.clock_url)
        else:
            self._served_clock.read()  # opened clouds hold on to it
        return self._served_clock

    def config(self, settings: Settings, store: Store, function: Function) -> UsedConfig:
        """Read the config; one that was parsed before is not parsed again."""
        self._config = use_config(store, settings.config, function, self._config)
        return self._config

    def cloud(
        self,
        name: str,
        config: CloudConfig,
        credential: "Credential",
        clock: Clock,
        ca_bundle: str | None,
    ) -> "OpenedCloud":
        """Return a cloud opened with this credential, perhaps by an earlier run.

        Raises CredentialError with the credential's fingerprint, and CloudUnavailable.
        """
        key = (name, credential.source)
        now = _SYSTEM_CLOCK.now()  # tokens live in real time
        kept = self._clouds.get(key)
        if kept and kept.serves(config, credential.fingerprint, now):
            return kept.cloud
        try:
            cloud = open_anew(config, credential, clock, self.tls(ca_bundle))
        except CredentialError as error:
            error.fingerprint = credential.fingerprint
            raise
        self._clouds[key] = _Kept(cloud, config, credential.fingerprint, now)
        return cloud

    def tls(self, ca_bundle: str | None) -> SSLContext:
        """Return the one TLS context; it trusts `ca_bundle` (an address) too."""
        with self._lock:
            if self._tls is None:
                self._tls = _trusting(ca_bundle, self)
            return self._tls


def open_anew(
    config: CloudConfig,
    credential: "Credential",
    clock: Clock,
    tls: SSLContext,
    record: "Record | None" = None,
) -> "OpenedCloud":
    """Open a cloud, whether it is open already or not; `record` takes in what is said to it.

    keystoneauth1, requests and what reads secrets are loaded with the first cloud, and nowhere
    sooner: most ticks find nothing due, and a cold start takes a tenth less processor time without
    them (measured by `make bench`). Raises CredentialError, CloudUnavailable.
    """
    from volume_images.cloud.open import open_cloud  # noqa: PLC0415 - see above

    return open_cloud(
        config, credential.secret, clock=clock, tls=tls, system_clock=_SYSTEM_CLOCK, record=record
    )


def _trusting(bundle: str | None, connections: Connections) -> SSLContext:
    """Make a TLS context that trusts `bundle` too: a path, or an address in S3."""
    from volume_images.cloud.wire import tls_context  # noqa: PLC0415 - it loads requests, too

    address = parse_address(bundle) if bundle else None
    if not isinstance(address, S3Address):
        return tls_context(bundle)
    with NamedTemporaryFile(suffix=".pem") as file:
        file.write(read_object(connections.s3, address, CA_BUNDLE_LIMIT))
        file.flush()
        try:
            return tls_context(file.name)
        except SettingsError as error:
            raise SettingsError(f"CA bundle {address}: not a PEM file") from error
