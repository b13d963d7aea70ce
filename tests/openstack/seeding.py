"""What the OpenStack holds from the start: its catalogue, projects, users, and four volumes."""

import json
import secrets
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.openstack.configuration import BRIEF_TOKEN_SECONDS, URLS, passwords
from tests.openstack.machine import NotPossible
from tests.openstack.places import BRIEF_IDENTITY, REGION, Places

IDENTITY_URL = f"{URLS['identity_url']}/v3"
BLOCK_STORAGE_URL = f"{URLS['block_storage_url']}/v3"
SERVICES = (
    ("image", "glance", URLS["image_url"]),
    ("block-storage", "cinder", f"{BLOCK_STORAGE_URL}/$(project_id)s"),
    ("volumev3", "cinderv3", f"{BLOCK_STORAGE_URL}/$(project_id)s"),
)
VOLUMES = ("db01-data", "web01-root", "db01-log")
ATTACHED_VOLUME = "app01-root"
"""No server runs here: what Nova tells Cinder when it attaches a volume is told by us."""

SERVER_ID = "643d58ca-b7ed-4bd3-ab8c-cef40d52dfed"
GIB = 1024**3
PATIENCE = 90.0


@dataclass(frozen=True, slots=True)
class Api:
    """Calls in one user's name, scoped to one project."""

    token: str
    project_id: str

    @classmethod
    def log_in(cls, user: str, password: str, project: str) -> "Api":
        """Ask for a token."""
        domain = {"id": "default"}
        who = {"name": user, "domain": domain, "password": password}
        body = {
            "identity": {"methods": ["password"], "password": {"user": who}},
            "scope": {"project": {"name": project, "domain": domain}},
        }
        headers, document = _call("POST", f"{IDENTITY_URL}/auth/tokens", {"auth": body}, {})
        return cls(headers["X-Subject-Token"], document["token"]["project"]["id"])

    def call(self, method: str, url: str, body: object = None, version: str = "3.0") -> Any:  # noqa: ANN401
        """Call, and return the answer's document. Raises NotPossible."""
        headers = {"X-Auth-Token": self.token, "OpenStack-API-Version": f"volume {version}"}
        return _call(method, url, body, headers)[1]

    def ensure(self, kind: str, name: str, **fields: str) -> str:
        """Find or make something of Keystone's by its name; return its id."""
        wanted = {"name": name, **{key: fields[key] for key in ("type",) if key in fields}}
        url = f"{IDENTITY_URL}/{kind}s"
        found = self.call("GET", f"{url}?{urlencode(wanted)}")[f"{kind}s"]
        if found:
            return str(found[0]["id"])
        return str(self.call("POST", url, {kind: {"name": name, **fields}})[kind]["id"])

    def volumes(self) -> str:
        """Return the address of the project's volumes."""
        return f"{BLOCK_STORAGE_URL}/{self.project_id}/volumes"


def seed(places: Places, volume_mib: int) -> None:
    """Put everything there that is not there yet, and write down what tests need to know."""
    known = passwords(places)
    admin = Api.log_in("admin", known["admin"], "admin")
    service = admin.ensure("project", "service", domain_id="default")
    for user in ("glance", "cinder"):
        _enrol(admin, user, known["service"], service, "admin", "service")
    projects = {"admin": admin.project_id}
    for user in ("demo", "other"):
        projects[user] = admin.ensure("project", user, domain_id="default")
        _enrol(admin, user, known[user], projects[user], "member")
    _fill_catalogue(admin)
    demo = Api.log_in("demo", known["demo"], "demo")
    _wait_for_volume_service(admin)
    volumes = {name: _ensure_volume(demo, name) for name in (*VOLUMES, ATTACHED_VOLUME)}
    for name, volume_id in volumes.items():
        _settle(admin, demo, name, volume_id)
        _write_bytes(places, volume_id, volume_mib)
    _attach(demo, volumes[ATTACHED_VOLUME])
    _write_facts(places, projects, volumes)


def _enrol(admin: Api, name: str, password: str, project_id: str, *roles: str) -> None:
    user_id = admin.ensure("user", name, domain_id="default", password=password)
    for role in roles:
        role_id = admin.ensure("role", role)
        admin.call("PUT", f"{IDENTITY_URL}/projects/{project_id}/users/{user_id}/roles/{role_id}")


def _fill_catalogue(admin: Api) -> None:
    for kind, name, url in SERVICES:
        service_id = admin.ensure("service", name, type=kind)
        listed = admin.call("GET", f"{IDENTITY_URL}/endpoints?service_id={service_id}")
        present = {endpoint["interface"] for endpoint in listed["endpoints"]}
        for interface in {"public", "internal"} - present:
            endpoint = {
                "service_id": service_id,
                "interface": interface,
                "url": url,
                "region_id": REGION,
            }
            admin.call("POST", f"{IDENTITY_URL}/endpoints", {"endpoint": endpoint})


def _wait_for_volume_service(admin: Api) -> None:
    """No volume can be placed before cinder-volume has said what it can hold."""
    url = f"{BLOCK_STORAGE_URL}/{admin.project_id}/os-services?binary=cinder-volume"
    until = time.monotonic() + PATIENCE
    while not any(found["state"] == "up" for found in admin.call("GET", url)["services"]):
        if time.monotonic() > until:
            raise NotPossible("cinder-volume did not report itself: see cinder-volume.log")
        time.sleep(0.2)


def _ensure_volume(demo: Api, name: str) -> str:
    found = demo.call("GET", f"{demo.volumes()}?{urlencode({'name': name})}")["volumes"]
    if found:
        return str(found[0]["id"])
    wanted = {"size": 1, "name": name, "metadata": {"backup": "daily"}}
    return str(demo.call("POST", demo.volumes(), {"volume": wanted})["volume"]["id"])


def _settle(admin: Api, demo: Api, name: str, volume_id: str) -> None:
    until = time.monotonic() + PATIENCE
    while (volume := _volume(demo, volume_id))["status"] in {"creating", "uploading"}:
        if time.monotonic() > until:
            break
        time.sleep(0.1)
    status = volume["status"]
    if status == "uploading":  # and will be for ever: cinder-volume was killed in mid-export
        status = "in-use" if volume["attachments"] else "available"
        url = f"{admin.volumes()}/{volume_id}/action"
        admin.call("POST", url, {"os-reset_status": {"status": status}})
    if status not in {"available", "in-use"}:
        raise NotPossible(f"volume {name} is {status}: see the logs of Cinder, or down --wipe")


def _write_bytes(places: Places, volume_id: str, mib: int) -> None:
    """Fill the first MiB of a volume's file, once, with bytes that no other volume has."""
    written = places.data / f"volume-{volume_id}.written"
    if not written.exists():
        with places.volume_file(volume_id).open("r+b") as file:
            for _ in range(mib):
                file.write(secrets.token_bytes(1024**2))
        written.touch()


def _attach(demo: Api, volume_id: str) -> None:
    if _volume(demo, volume_id)["status"] == "in-use":
        return
    connector = {
        "initiator": "iqn.1993-08.org.debian:01:openstack",
        "ip": "127.0.0.1",
        "platform": "x86_64",
        "host": "openstack",
        "os_type": "linux2",
        "multipath": False,
        "mountpoint": "/dev/vda",
        "mode": "rw",
    }
    wanted = {"volume_uuid": volume_id, "instance_uuid": SERVER_ID, "connector": connector}
    url = f"{BLOCK_STORAGE_URL}/{demo.project_id}/attachments"
    made = demo.call("POST", url, {"attachment": wanted}, "3.44")["attachment"]
    demo.call("POST", f"{url}/{made['id']}/action", {"os-complete": {}}, "3.44")


def _volume(demo: Api, volume_id: str) -> Any:  # noqa: ANN401 - Cinder's document
    return demo.call("GET", f"{demo.volumes()}/{volume_id}")["volume"]


def _write_facts(places: Places, projects: Mapping[str, str], volumes: Mapping[str, str]) -> None:
    known = passwords(places)
    facts = {
        "auth_url": IDENTITY_URL,
        "brief_auth_url": f"http://127.0.0.1:{BRIEF_IDENTITY}/v3",
        "brief_token_seconds": BRIEF_TOKEN_SECONDS,
        "region": REGION,
        "project_ids": projects,
        "users": {name: known[name] for name in ("admin", "demo", "other")},
        "volumes": {name: volumes[name] for name in VOLUMES},
        "attached_volume": volumes[ATTACHED_VOLUME],
        "volume_files": str(places.exported),
        "volume_bytes": GIB,
    }
    clouds = {
        f"openstack-{name}": {
            "region_name": REGION,
            "auth": {
                "auth_url": IDENTITY_URL,
                "username": name,
                "password": known[name],
                "user_domain_id": "default",
                "project_domain_id": "default",
                "project_name": name,
            },
        }
        for name in ("admin", "demo", "other")
    }
    for path, document in ((places.facts, facts), (places.clouds_yaml, {"clouds": clouds})):
        path.touch(mode=0o600)
        path.write_text(json.dumps(document, indent=2))  # JSON is YAML


def _call(
    method: str, url: str, body: object, headers: Mapping[str, str]
) -> tuple[Mapping[str, str], Any]:
    request = urllib.request.Request(
        url,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Content-Type": "application/json", "Accept": "application/json", **headers},
        method=method,
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.headers, json.loads(text) if text else None
    except urllib.error.HTTPError as error:
        said = error.read(500).decode(errors="replace")
        raise NotPossible(f"{method} {url} answered {error.code}: {said}") from error
    except OSError as error:
        raise NotPossible(f"{method} {url}: no answer: {error}") from error
