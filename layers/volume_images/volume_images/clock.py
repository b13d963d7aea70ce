"""The clocks: the system's, and one that the sandbox serves. Nothing else may read the time."""

import json
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from volume_images.errors import SettingsError
from volume_images.loopback import is_loopback

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time, aware and in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that only run forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


@dataclass(slots=True)
class ServedClock:
    """A clock that the sandbox serves at `url`, so that a demo can let days pass.

    It is asked once a run (`read`) and runs on from there. A time from elsewhere could bring
    images to deletion early: only a loopback address is asked.
    """

    url: str
    _served: datetime = field(init=False)
    _read_at: float = field(init=False)

    def __post_init__(self) -> None:
        self.read()

    def read(self) -> None:
        """Ask for the time. Raises SettingsError when there is no clock at the address."""
        self._served = _served_time(self.url)
        self._read_at = time.monotonic()

    def now(self) -> datetime:
        """Return the served time, as it has run on since it was read."""
        return self._served + timedelta(seconds=time.monotonic() - self._read_at)

    def monotonic(self) -> float:
        """Return seconds that only run forward."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait, in real time."""
        time.sleep(seconds)


def _served_time(url: str) -> datetime:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme != "http" or not is_loopback(host):
        raise SettingsError(f"VOLUME_IMAGES_CLOCK_URL {url}: only http on a loopback address")
    connection = HTTPConnection(host, parts.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", parts.path or "/")
        document = json.loads(connection.getresponse().read(4096))
        now = datetime.fromisoformat(document["now"])
    except (OSError, HTTPException, ValueError, KeyError, TypeError) as error:
        raise SettingsError(
            f"VOLUME_IMAGES_CLOCK_URL {url}: no clock answers there: start the sandbox, or unset it"
        ) from error
    finally:
        connection.close()
    if now.tzinfo is None:
        raise SettingsError(f"VOLUME_IMAGES_CLOCK_URL {url}: answers a time without a zone")
    return now.astimezone(UTC)
