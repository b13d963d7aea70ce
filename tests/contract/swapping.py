"""An identity service that hands out one spoilt token before it hands out good ones."""

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from tests.contract.sites import Site
from tests.sandbox.http_server import HttpServer
from tests.sandbox.wire import Answer, Request


@contextmanager
def spoilt_first(site: Site, token: str) -> Iterator[dict[str, str]]:
    """Yield a secret with which the first token bought is `token`: its answer looks good."""
    spoilt = [token]

    def answer(request: Request) -> Answer:
        issued = requests.post(
            f"{site.auth_url}/auth/tokens",
            data=request.body,
            headers={"Content-Type": "application/json"},
            timeout=30,
        )
        bought = spoilt.pop() if spoilt else issued.headers["X-Subject-Token"]
        headers = {"Content-Type": "application/json", "X-Subject-Token": bought}
        return Answer(issued.status_code, issued.content, headers)

    server = HttpServer(answer).start()
    try:
        yield {**site.secret(), "auth_url": f"http://127.0.0.1:{server.port}/v3"}
    finally:
        server.stop()
