"""Which hosts a secret may be sent to: the secret says so, not the config."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from volume_images.dialect import Dialect
from volume_images.errors import HostNotAllowed
from volume_images.loopback import is_loopback

VENDOR_DOMAINS = tuple(domain for dialect in Dialect for domain in dialect.traits.domains)

_LABEL = r"(?!-)[a-z0-9_-]{1,63}(?<!-)"
_HOST_NAME = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")


def host_name(url: str) -> str:
    """Return the lower-case host of an address; empty when it has none that can be used."""
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""
    return host if is_host_name(host) else ""


def is_host_name(text: str) -> bool:
    """Whether this is the name or the address of a host and nothing more, in lower case."""
    return bool(_HOST_NAME.fullmatch(text)) or _is_address(text)


@dataclass(frozen=True, slots=True)
class AllowedHosts:
    """The hosts of one secret; every request is checked against them before it is sent."""

    exact: frozenset[str]

    @classmethod
    def of(cls, auth_url: str, hosts: Iterable[str]) -> "AllowedHosts":
        """Allow the host of `auth_url` (on any port) and those that the secret lists."""
        return cls(frozenset({host_name(auth_url), *hosts} - {""}))

    def check(self, url: str) -> None:
        """Raise HostNotAllowed unless a token may be sent to this address."""
        host = host_name(url)
        if not host:
            raise HostNotAllowed(f"{_shown(url)}: not an address of a host")
        parts = urlsplit(url)
        if "@" in parts.netloc:
            raise HostNotAllowed(f"{host}: an address must not hold a user or a password")
        if not (host in self.exact or _in_vendor_domain(host)):
            raise HostNotAllowed(
                f"{host}: the secret does not allow this host; if it belongs to the cloud,"
                " add it to `hosts` of the secret"
            )
        if not _is_private_enough(parts, host):
            raise HostNotAllowed(f"{_shown(url)}: only https, or http on loopback, is used")


def _in_vendor_domain(host: str) -> bool:
    return any(host == domain or host.endswith(f".{domain}") for domain in VENDOR_DOMAINS)


def _is_private_enough(parts: SplitResult, host: str) -> bool:
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _shown(url: str) -> str:
    """Scheme and host at most: the rest of a wrong address may hold anything, a password too."""
    scheme, _, rest = url.partition("://")
    host = re.split(r"[/?#]", rest)[0].rpartition("@")[2]
    return "".join(c for c in f"{scheme}://{host}" if c.isprintable())[:100]
