"""The command in this process, a sandbox as new in each test, and what is wrong with a cloud."""

import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml

from tests.sandbox.cloud_server import PROJECT_NAME, REGION, CloudSandbox
from tests.sandbox.stack import SandboxStack
from volume_images.cli import main
from volume_images.dialect import Dialect


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:  # noqa: ANN401 - JSON
        return json.loads(self.out)

    @property
    def said(self) -> list[tuple[str, str]]:
        """Result and reason of each outcome, sorted."""
        return sorted((entry["result"], entry["reason"]) for entry in self.document["outcomes"])


Cli = Callable[..., Ran]


@pytest.fixture
def bare_environment() -> Iterator[None]:
    """Leave nothing of a command's environment and log to the next test."""
    before, handlers = dict(os.environ), list(logging.getLogger().handlers)
    for name in before:
        if name.startswith(("VOLUME_IMAGES_", "AWS_", "LOG_LEVEL", "POWERTOOLS_", "OS_")):
            del os.environ[name]
    yield
    os.environ.clear()
    os.environ.update(before)
    for handler in logging.getLogger().handlers[:]:
        if isinstance(handler, logging.NullHandler) and handler not in handlers:
            logging.getLogger().removeHandler(handler)


@pytest.fixture
def cli(bare_environment: None, capsys: pytest.CaptureFixture[str]) -> Cli:  # noqa: ARG001
    """Run the command here, in the environment given by name."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        os.environ.update({"COLUMNS": "120", **(env or {})})
        code = main(list(arguments))
        written = capsys.readouterr()
        return Ran(code, written.out, written.err)

    return run


@pytest.fixture(scope="session")
def shared_stack() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=3, in_flight=3) as stack:
        yield stack


@pytest.fixture
def stack(shared_stack: SandboxStack) -> SandboxStack:
    """Give a sandbox that nobody has used yet."""
    shared_stack.reset()
    return shared_stack


@pytest.fixture
def sandbox_cli(cli: Cli, stack: SandboxStack) -> Cli:
    """Run the command against a sandbox."""
    os.environ.update(stack.env)
    return cli


def entry_of(cloud: CloudSandbox) -> dict[str, Any]:
    """Return what clouds.yaml says of a sandbox: a user who may do everything."""
    secret = cloud.secret("restore")
    return {
        "auth": {
            "auth_url": secret["auth_url"],
            "username": secret["username"],
            "password": secret["password"],
            "user_domain_name": secret["domain"],
            "project_name": PROJECT_NAME,
        },
        "region_name": REGION,
    }


@pytest.fixture
def local(cli: Cli, stack: SandboxStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Cli:
    """Run where clouds.yaml names the sandbox as `lab`, and nothing names AWS."""
    monkeypatch.chdir(tmp_path)
    entry = entry_of(stack.cloud)
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"lab": entry}}))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("VOLUME_IMAGES_CLOCK_URL", stack.cloud.clock_url)
    return cli


@pytest.fixture
def broken_service() -> Iterator[Callable[[bytes | None], str]]:
    """Serve one body to whatever is asked, with 200; None closes the connection instead."""
    servers: list[ThreadingHTTPServer] = []

    def serve(body: bytes | None) -> str:
        class Broken(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if body is None:
                    self.close_connection = True
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_GET = do_POST = answer  # noqa: N815 - http.server's names

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Broken)
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()
