"""What the emulated cloud answers: as much of Keystone, Cinder and Glance as an export needs."""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.benchmarks.names import ACTION, REGION, history, project_id, volume_id

PAGE = 1000
GIB = 2**30
TOKEN_LIFE = timedelta(hours=24)
TIME = "%Y-%m-%dT%H:%M:%S.%fZ"


@dataclass(slots=True)
class Service:
    """What the cloud holds, and what it was asked for."""

    url: str
    volumes: int
    history: int = 0
    calls: Counter[str] = field(default_factory=Counter)
    images: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)

    def answer(  # noqa: C901, PLR0911 - a list of routes reads best as one
        self, method: str, target: str, token: str, body: bytes
    ) -> tuple[int, object]:
        """Return status and document; the document of a new token is its text as well."""
        url = urlsplit(target)
        parts = url.path.strip("/").split("/")
        query = {key: values[-1] for key, values in parse_qs(url.query).items()}
        project = token[-32:]
        match method, parts:
            case "POST", [*_, "auth", "tokens"]:
                return 201, self._token(json.loads(body))
            case "GET", ["identity", *_]:
                return 200, {"version": self._version("v3.14", f"{self.url}/identity/v3/")}
            case "GET", ["volume", "v3", _, "volumes", "detail"]:
                return 200, self._volumes(project, query)
            case "GET", ["volume", "v3", _, "volumes", one]:
                self.calls["get volume"] += 1
                return 200, {"volume": _volume(one, one)}
            case "POST", [*_, "volumes" | "cloudvolumes", one, "action"]:
                return 202, self._export(project, one, json.loads(body))
            case "GET", ["volume", *_]:
                return 200, {"version": self._version("v3.0", f"{self.url}/volume/v3/")}
            case "GET", ["image", "v2", "images"]:
                return 200, self._images(project, query)
            case "GET", ["image", "v2", "images", one]:
                self.calls["get image"] += 1
                return 200, self.images[project][one]
            case "PUT", ["image", "v2", "images", one, "tags", tag]:
                self.calls["tag"] += 1
                self.images[project][one]["tags"].append(tag)
                return 204, None
            case "GET", ["image", *_]:
                return 200, {"versions": [self._version("v2.9", f"{self.url}/image/v2/")]}
            case _:
                self.calls["not found"] += 1
                return 404, {"error": {"code": 404, "message": f"{method} {target}"}}

    def refuse(self, body: bytes) -> tuple[int, object]:
        """Return a 429 in the words of the service whose call it is, with no time to wait."""
        self.calls["refused"] += 1
        message = "Too many requests"
        if ACTION in json.loads(body):
            return 429, {"overLimit": {"code": 429, "message": message}}
        return 429, {"error_code": "APIGW.0308", "error_msg": message, "request_id": "0" * 32}

    def _token(self, asked: Mapping[str, Any]) -> object:
        self.calls["token"] += 1
        scope = asked["auth"]["scope"]["project"]
        name = scope.get("name") or self.names[scope["id"]]
        project = project_id(name)
        self.names[project] = name
        if project not in self.images:
            self.images[project] = self._past(project)
        now = datetime.now(UTC)
        catalogue = (
            ("block-storage", f"{self.url}/volume/v3/{project}"),
            ("volumev3", f"{self.url}/volume/v3/{project}"),
            ("image", f"{self.url}/image"),
        )
        return {
            "token": {
                "methods": ["password"],
                "issued_at": now.strftime(TIME),
                "expires_at": (now + TOKEN_LIFE).strftime(TIME),
                "project": {"id": project, "name": name, "domain": {"id": "d", "name": "Default"}},
                "user": {"id": "u", "name": "bench", "domain": {"id": "d", "name": "Default"}},
                "roles": [{"id": "r", "name": "member"}],
                "catalog": [
                    {
                        "id": kind,
                        "type": kind,
                        "name": kind,
                        "endpoints": [
                            {
                                "id": kind,
                                "interface": "public",
                                "region": REGION,
                                "region_id": REGION,
                                "url": url,
                            }
                        ],
                    }
                    for kind, url in catalogue
                ],
            }
        }

    def _version(self, number: str, url: str) -> object:
        return {"id": number, "status": "CURRENT", "links": [{"rel": "self", "href": url}]}

    def _volumes(self, project: str, query: Mapping[str, str]) -> object:
        self.calls["list volumes"] += 1
        first = int(query["marker"][-12:], 16) + 1 if "marker" in query else 0
        last = min(first + PAGE, self.volumes)
        listed = [_volume(volume_id(project, n), f"volume-{n}") for n in range(first, last)]
        document: dict[str, object] = {"volumes": listed}
        if last < self.volumes:
            document["volumes_links"] = [{"rel": "next", "href": f"{self.url}/next"}]
        return document

    def _images(self, project: str, query: Mapping[str, str]) -> object:
        self.calls["list images"] += 1
        since = query.get("created_at", "gte:")[4:]
        held = self.images.get(project, {})
        newest = [one for one in reversed(held.values()) if one["created_at"] >= since]
        ids = [one["id"] for one in newest]
        first = ids.index(query["marker"]) + 1 if "marker" in query else 0
        page = newest[first : first + PAGE]
        more = {"next": f"/v2/images?marker={page[-1]['id']}"} if first + PAGE < len(ids) else {}
        return {"images": page, **more}

    def _past(self, project: str) -> dict[str, dict[str, Any]]:
        """Return what a project has from before: as many images of every volume."""
        past: dict[str, dict[str, Any]] = {}
        for slot in history(self.history):
            for index in range(self.volumes):
                name = f"bench_daily_db_{volume_id(project, index)}_{slot:%Y%m%dT%H%M%SZ}"
                image = _image(project, len(past), name, slot)
                past[image["id"]] = image
        return past

    def _export(self, project: str, volume: str, asked: Mapping[str, Any]) -> object:
        self.calls["export"] += 1
        ((action, options),) = asked.items()
        if action != ACTION:  # of the same shape: what the vendor's SDK has
            return {"job_id": "0" * 32}
        held = self.images.setdefault(project, {})
        image = _image(project, len(held), options["image_name"], datetime.now(UTC))
        held[image["id"]] = image
        answer = {
            "id": volume,
            "image_id": image["id"],
            "image_name": image["name"],
            "status": "uploading",
            "size": 1,
            "disk_format": image["disk_format"],
            "container_format": "bare",
            "display_description": "",
            "updated_at": "2026-03-02T02:05:00.000000",
            "volume_type": None,
        }
        return {ACTION: answer}


def _image(project: str, number: int, name: str, created_at: datetime) -> dict[str, Any]:
    return {
        "id": f"{project[:8]}-0000-4000-9000-{number:012x}",
        "name": name,
        "status": "active",
        "owner": project,
        "visibility": "shared",
        "created_at": f"{created_at:%Y-%m-%dT%H:%M:%SZ}",
        "disk_format": "qcow2",
        "container_format": "bare",
        "size": GIB,
        "virtual_size": GIB,
        "min_disk": 1,
        "min_ram": 0,
        "protected": False,
        "tags": [],
        "checksum": "0" * 32,
    }


def _volume(one: str, name: str) -> dict[str, object]:
    return {
        "id": one,
        "name": name,
        "status": "available",
        "size": 1,
        "metadata": {"backup": "daily"},
        "availability_zone": "bench-1",
        "volume_type": "ssd",
        "attachments": [],
        "encrypted": False,
        "bootable": "false",
        "created_at": "2026-01-01T00:00:00.000000",
        "links": [],
    }
