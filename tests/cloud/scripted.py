"""A real HTTP server that answers what a test tells it to, beside a working identity service."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import TracebackType
from typing import Self

from tests.sandbox.http_server import HttpServer
from tests.sandbox.wire import Answer, Request, json_answer
from volume_images.cloud.credentials import Secret, parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.cloud.wire import tls_context
from volume_images.config.schema import CloudConfig
from volume_images.dialect import Dialect
from volume_images.model import ExportRequest

PROJECT = "0123456789abcdef0123456789abcdef"
REGION = "region-1"
VOLUME = "16369c5d-384d-4e64-b37a-56d898769362"
IMAGE = "c5333daa-fbc8-4d1d-bf79-b0567bb45d15"
PASSWORD = "canary-password-7c1f"
TLS = tls_context()
NOW = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)

Script = Answer | Callable[[Request], Answer]


class StillClock:
    """Time passes only by sleeping, and sleeping takes no time."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self._elapsed = 0.0

    def now(self) -> datetime:
        return NOW + timedelta(seconds=self._elapsed)

    def monotonic(self) -> float:
        return self._elapsed

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._elapsed += seconds


def token_answer(
    number: int,
    url: str,
    *,
    lifetime: timedelta = timedelta(hours=1),
    catalog: object = None,
    project: object = None,
) -> Answer:
    """Answer a token request as Keystone does."""
    issued = datetime.now(UTC)
    services = [
        ("block-storage", f"{url}/volume/v3/{PROJECT}"),
        ("image", f"{url}/image"),
    ]
    if catalog is None:
        catalog = [
            {
                "type": kind,
                "endpoints": [
                    {"interface": "public", "region": REGION, "region_id": REGION, "url": address}
                ],
            }
            for kind, address in services
        ]
    document = {
        "expires_at": f"{issued + lifetime:%Y-%m-%dT%H:%M:%S.%fZ}",
        "issued_at": f"{issued:%Y-%m-%dT%H:%M:%S.%fZ}",
        "project": project or {"id": PROJECT, "name": "acme", "domain": {"id": "default"}},
        "catalog": catalog,
    }
    return json_answer(201, {"token": document}, X_Subject_Token=f"canary-token-{number}")


@dataclass
class ScriptedCloud:
    """Answers each (method, path) with the next answer of its script; the last one stays."""

    dialect: Dialect = Dialect.OPENSTACK
    scripts: dict[tuple[str, str], list[Script]] = field(default_factory=dict)
    seen: list[Request] = field(default_factory=list)
    clock: StillClock = field(default_factory=StillClock)
    requests_per_second: float = 1e6

    def __enter__(self) -> Self:
        self._server = HttpServer(self._answer)
        self._server.start()
        self.url = f"http://127.0.0.1:{self._server.port}"
        self.auth_url = f"{self.url}/identity/v3"
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.stop()

    def script(self, method: str, path: str, *answers: Script) -> None:
        """Answer requests of one kind so, one after the other."""
        self.scripts[method, path] = list(answers)

    def tokens(self, *answers: Script) -> None:
        """Answer token requests so."""
        self.script("POST", "/identity/v3/auth/tokens", *answers)

    def paths(self, method: str) -> list[str]:
        """Return the paths that were asked for, in order."""
        return [request.path for request in self.seen if request.method == method]

    def secret(self, **changes: object) -> Secret:
        document = {
            "auth_url": self.auth_url,
            "username": "exporter",
            "password": PASSWORD,
            "domain": "acme",
        }
        return parse_secret(json.dumps({**document, **changes}), "demo/export/test")

    def application_credential(self) -> Secret:
        document = {
            "auth_url": self.auth_url,
            "application_credential_id": "a" * 32,
            "application_credential_secret": PASSWORD,
        }
        return parse_secret(json.dumps(document), "demo/export/test")

    def config(self, **changes: object) -> CloudConfig:
        return CloudConfig(
            **{
                "dialect": self.dialect,
                "region": REGION,
                "project": "acme",
                "requests_per_second": self.requests_per_second,
                **changes,
            }
        )

    def open(self, secret: Secret | None = None, **changes: object) -> OpenedCloud:
        return open_cloud(
            self.config(**changes), secret or self.secret(), clock=self.clock, tls=TLS
        )

    def _answer(self, request: Request) -> Answer:
        self.seen.append(request)
        script = self.scripts.get((request.method, request.path))
        if script:
            step = script.pop(0) if len(script) > 1 else script[0]
            return step if isinstance(step, Answer) else step(request)
        if request.path == "/identity/v3/auth/tokens":
            return token_answer(len(self.paths("POST")), self.url)
        return json_answer(404, {"itemNotFound": {"code": 404, "message": "no script"}})


def slow(seconds: float, answer: Answer) -> Script:
    """Answer late."""

    def late(_: Request) -> Answer:
        time.sleep(seconds)
        return answer

    return late


def export_request(**changes: object) -> ExportRequest:
    return ExportRequest(
        **{
            "volume_id": VOLUME,
            "image_name": "acme_daily_db_x",
            "disk_format": "qcow2",
            "container_format": "bare",
            "force": False,
            "os_type": "linux",
            **changes,
        }
    )


def accepted(**changes: object) -> dict[str, object]:
    """Return the 202 answer of the EVS page, for our volume."""
    return {
        "os-volume_upload_image": {
            "status": "uploading",
            "size": 40,
            "id": VOLUME,
            "image_id": IMAGE,
            "image_name": "evs-ims-test1027",
            "volume_type": {
                "description": "None",
                "deleted": False,
                "created_at": "2015-05-24T14:47:22.132268",
                "extra_specs": {"volume_backend_name": "<or> SATA", "XX:availability_zone": "dc1"},
                "is_public": True,
                "deleted_at": None,
                "id": "8247b6ed-37f0-4c48-8ef1-f0027fb332bc",
                "name": "SATA",
            },
            "container_format": "bare",
            "disk_format": "vhd",
            "display_description": "",
            "updated_at": "2018-01-11T01:50:25.800931",
            **changes,
        }
    }


ACTION = f"/volume/v3/{PROJECT}/volumes/{VOLUME}/action"
VOLUME_PATH = f"/volume/v3/{PROJECT}/volumes/{VOLUME}"
VOLUMES_PATH = f"/volume/v3/{PROJECT}/volumes/detail"
IMAGES_PATH = "/image/v2/images"
IMAGE_PATH = f"/image/v2/images/{IMAGE}"
HTML = Answer(200, b"<html><title>Maintenance</title></html>", {"Content-Type": "text/html"})


def volume_document(**changes: object) -> dict[str, object]:
    return {"id": VOLUME, "name": "db01", "status": "available", "size": 40, **changes}


def image_document(**changes: object) -> dict[str, object]:
    return {
        "id": IMAGE,
        "name": "acme_daily_db_x",
        "status": "active",
        "owner": PROJECT,
        "created_at": "2026-03-02T02:05:00Z",
        **changes,
    }


def refusal(status: int, body: object, **headers: str) -> Answer:
    return json_answer(status, body, **headers)
