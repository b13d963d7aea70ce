"""The environment -> Settings, parsed once; every variable that is missing or wrong is named."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from typing import TypeVar
from urllib.parse import urlsplit

from volume_images.errors import SettingsError
from volume_images.loopback import is_loopback

PREFIX = "VOLUME_IMAGES_"
REQUIRED = ("CONFIG", "STORE", "DEPLOYMENT")
DEFAULT_PREFIX = "volume-images"
DEFAULT_GRACE = timedelta(hours=72)
LEAST_GRACE = timedelta(hours=1)
LONGEST_GRACE = timedelta(days=3650)

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the deployment decides; what is done with which volume, the config says.

    `config` is `s3://bucket/key` or a path, `store` `s3://bucket[/prefix]` or a folder, `ca_bundle`
    `s3://bucket/key` or a path. `minimum_grace` is the least time that an image stands announced:
    the config may only lengthen it. `event_bus` is the name of the bus that is told what happened,
    `heartbeat_url` the address to be asked after each run that ended well; without one, nobody is.
    `clock_url` is a sandbox's clock, and None anywhere else.
    """

    config: str
    store: str
    deployment: str
    secret_prefix: str = DEFAULT_PREFIX
    minimum_grace: timedelta = DEFAULT_GRACE
    event_bus: str | None = None
    heartbeat_url: str | None = None
    ca_bundle: str | None = None
    clock_url: str | None = None
    detailed_metrics: bool = False

    @property
    def deployment_id(self) -> str:
        """What marks the images of this deployment, in an alphabet that every cloud's tags take."""
        return sha256(self.deployment.encode()).hexdigest()[:12]

    @classmethod
    def parse(cls, environ: Mapping[str, str]) -> "Settings":
        """Read the variables named VOLUME_IMAGES_*; an empty one counts as not set.

        Raises SettingsError with every problem in one line.
        """
        problems = [f"{PREFIX}{name} is not set" for name in REQUIRED if not _text(environ, name)]

        def read(name: str, reader: Callable[[str], Value], default: Value) -> Value:
            try:
                return reader(text) if (text := _text(environ, name)) else default
            except ValueError as error:
                problems.append(f"{PREFIX}{name} is {text[:80]!r}: {error}")
                return default

        settings = cls(
            config=read("CONFIG", _object, ""),
            store=read("STORE", _place, ""),
            deployment=read("DEPLOYMENT", _printable, ""),
            secret_prefix=read("SECRET_PREFIX", _secret_prefix, DEFAULT_PREFIX),
            minimum_grace=read("MINIMUM_GRACE", _grace, DEFAULT_GRACE),
            event_bus=read("EVENT_BUS", _event_bus, None),
            heartbeat_url=read("HEARTBEAT_URL", _heartbeat, None),
            ca_bundle=read("CA_BUNDLE", _object, None),
            clock_url=read("CLOCK_URL", _loopback, None),
            detailed_metrics=read("DETAILED_METRICS", _flag, default=False),
        )
        if settings.clock_url:
            problems += _endpoints_elsewhere(environ)
        if problems:
            raise SettingsError("; ".join(problems))
        return settings


def _text(environ: Mapping[str, str], name: str) -> str:
    return environ.get(f"{PREFIX}{name}", "").strip()


def _endpoints_elsewhere(environ: Mapping[str, str]) -> list[str]:
    """Name every endpoint beyond loopback: a sandbox's clock must not age real images."""
    return [
        f"{name} is no loopback URL, but {PREFIX}CLOCK_URL is set: unset one of them"
        for name, text in sorted(environ.items())
        if name.startswith("AWS_ENDPOINT_URL") and text and not _leads_to_loopback(text)
    ]


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be printable text")
    return text


def _place(text: str) -> str:
    if "://" in text and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+(/.*)?", text):
        raise ValueError("must be s3://bucket, s3://bucket/prefix or a folder")
    return _printable(text)


def _object(text: str) -> str:
    if "://" in text and not re.fullmatch(r"s3://[a-z0-9][a-z0-9.-]+/.*[^/]", text):
        raise ValueError("must be s3://bucket/key or a path")
    return _printable(text)


def _secret_prefix(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_+=.@-]+(/[A-Za-z0-9_+=.@-]+)*", text):
        raise ValueError("must be letters, digits and _+=.@-, in parts divided by single slashes")
    return text


def _event_bus(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9._/-]{1,256}", text):
        raise ValueError("must be the name of an event bus: letters, digits and ._/-")
    return text


def _heartbeat(text: str) -> str:
    is_https = text.isascii() and re.fullmatch(r"https://[^/?#\s@]+([/?][^\s#]*)?", text)
    if not is_https and not _leads_to_loopback(text):
        raise ValueError("must be an https URL without a user in it, or one on loopback")
    return text


def _grace(text: str) -> timedelta:
    match = re.fullmatch(r"(?:(\d{1,5})d)?(?:(\d{1,5})h)?", text, re.ASCII)
    if not match:
        raise ValueError("must be days and hours, as in 72h, 3d or 1d12h")
    days, hours = (int(count or 0) for count in match.groups())
    grace = timedelta(days=days, hours=hours)
    if not LEAST_GRACE <= grace <= LONGEST_GRACE:
        raise ValueError(f"must be from 1h to {LONGEST_GRACE.days}d")
    return grace


def _loopback(text: str) -> str:
    if not _leads_to_loopback(text):
        raise ValueError("must be a URL on loopback: a sandbox alone has a clock of its own")
    return text


def _leads_to_loopback(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and is_loopback(parts.hostname)


def _flag(text: str) -> bool:
    if text not in ("true", "false"):
        raise ValueError("must be true or false")
    return text == "true"
