"""Which hosts are this machine: plain http, and a clock of one's own, are for these alone."""

from ipaddress import ip_address


def is_loopback(host: str | None) -> bool:
    """Whether the host of an address, in lower case, never leads off this machine."""
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:  # another name, or none
        return False
