"""A beat after each run that ended well, for a watch outside of AWS that rings when none comes."""

from http.client import HTTPException
from ssl import SSLContext
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, build_opener

_TIMEOUT = 5.0


class _NoRedirect(HTTPRedirectHandler):
    """Follows no redirect: it could lead from https to http, and the address is half a secret."""

    def redirect_request(self, *_: Any) -> None:  # noqa: ANN401 - urllib's own
        return None


def beat(url: str, tls: SSLContext) -> str:
    """GET the address, once; return why that failed, and nothing when it did not.

    `url` is https, or http on loopback: the settings see to it. Its path is never told: who knows
    it can pretend that all is well.
    """
    where = f"heartbeat at {urlsplit(url).hostname}"
    opener = build_opener(_NoRedirect, HTTPSHandler(context=tls))
    try:
        with opener.open(url, timeout=_TIMEOUT):
            return ""
    except HTTPError as error:
        error.close()
        return f"{where}: answers {error.code}"
    except URLError as error:
        return f"{where}: {error.reason}"
    except (OSError, HTTPException) as error:
        return f"{where}: {type(error).__name__}"
