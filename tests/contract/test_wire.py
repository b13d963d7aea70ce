"""The sandbox's openstack dialect answers word for word as the real OpenStack does.

Whatever differs here, the sandbox has wrong. Ids, times, addresses and names that each has of its
own are masked; of a success the shape is compared, of a refusal every word.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

import pytest
import requests

from tests.contract.openstack_site import OpenstackSite
from tests.contract.sandbox_site import SandboxSite
from tests.contract.sites import ABSENT, Owner, Site, log_in
from tests.sandbox.cloud_server import CloudSandbox
from volume_images.dialect import Dialect

pytestmark = pytest.mark.openstack

HEADERS = ("Content-Type", "Www-Authenticate", "OpenStack-API-Version", "Vary", "Location")
REQUEST_IDS = ("X-Openstack-Request-Id", "X-Compute-Request-Id")
JSON = {"Accept": "application/json"}
V31 = {"OpenStack-API-Version": "volume 3.1"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
MASKS = (
    (r"http://127\.0\.0\.1:\d+(/(identity|volume|image)\b)?", "URL"),
    (r"\breq-[0-9a-f-]{36}", "REQUEST"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "UUID"),
    (r"\b[0-9a-f]{32}\b", "ID"),
)


@dataclass(frozen=True)
class Ask:
    """One request. `{pid}`, `{volume}`, `{attached}` and `{image}` are the site's own."""

    method: str
    service: str
    path: str
    body: object = None
    headers: Mapping[str, str] = field(default_factory=dict)
    token: str | None = "good"


def upload(headers: Mapping[str, str] | None = None, at: str = "volume", **options: object) -> Ask:
    body = {"os-volume_upload_image": options}
    return Ask("POST", "volume", f"/v3/{{pid}}/volumes/{{{at}}}/action", body, headers or {})


def images(query: str) -> Ask:
    return Ask("GET", "image", f"/v2/images{query}", headers=JSON)


ASKED = {
    # Keystone
    "no auth": Ask("POST", "identity", "/v3/auth/tokens", {}, token=None),
    "not JSON for a token": Ask("POST", "identity", "/v3/auth/tokens", "{nope", token=None),
    "no such identity path": Ask("GET", "identity", "/v3/nonsense"),
    "catalogue": Ask("GET", "identity", "/v3/auth/catalog"),
    "catalogue, bad token": Ask("GET", "identity", "/v3/auth/catalog", token="garbage"),
    "identity version": Ask("GET", "identity", "/v3"),
    # Cinder
    "volume": Ask("GET", "volume", "/v3/{pid}/volumes/{volume}"),
    "attached volume": Ask("GET", "volume", "/v3/{pid}/volumes/{attached}"),
    "volumes": Ask("GET", "volume", "/v3/{pid}/volumes/detail"),
    "volumes in short": Ask("GET", "volume", "/v3/{pid}/volumes"),
    "volumes, one": Ask("GET", "volume", "/v3/{pid}/volumes/detail?limit=1&sort=name:desc"),
    "volumes, no limit": Ask("GET", "volume", "/v3/{pid}/volumes/detail?limit=x"),
    "volumes, negative limit": Ask("GET", "volume", "/v3/{pid}/volumes/detail?limit=-1"),
    "volumes, zero limit": Ask("GET", "volume", "/v3/{pid}/volumes/detail?limit=0"),
    "volumes, unknown marker": Ask("GET", "volume", f"/v3/{{pid}}/volumes/detail?marker={ABSENT}"),
    "volumes, bad sort key": Ask("GET", "volume", "/v3/{pid}/volumes/detail?sort_key=nonsense"),
    "volumes, bad sort dir": Ask("GET", "volume", "/v3/{pid}/volumes/detail?sort_dir=sideways"),
    "volumes by metadata": Ask(
        "GET", "volume", "/v3/{pid}/volumes/detail?metadata={'backup':'daily'}"
    ),
    "volumes by other metadata": Ask(
        "GET", "volume", "/v3/{pid}/volumes/detail?metadata={'backup':'never'}"
    ),
    "unknown volume": Ask("GET", "volume", f"/v3/{{pid}}/volumes/{ABSENT}"),
    "no UUID": Ask("GET", "volume", "/v3/{pid}/volumes/nope"),
    "another project": Ask("GET", "volume", f"/v3/{'a' * 32}/volumes/{{volume}}"),
    "no such path": Ask("GET", "volume", "/v3/{pid}/nonsense"),
    "microversion too high": Ask(
        "GET",
        "volume",
        "/v3/{pid}/volumes/{volume}",
        headers={"OpenStack-API-Version": "volume 3.999"},
    ),
    "Cinder, bad token": Ask("GET", "volume", "/v3/{pid}/volumes/{volume}", token="garbage"),
    "Cinder, no token": Ask("GET", "volume", "/v3/{pid}/volumes/{volume}", token=None),
    "messages": Ask(
        "GET",
        "volume",
        f"/v3/{{pid}}/messages?resource_uuid={ABSENT}",
        headers={"OpenStack-API-Version": "volume 3.5"},
    ),
    "messages of old": Ask("GET", "volume", "/v3/{pid}/messages"),
    # os-volume_upload_image
    "unknown volume's export": Ask(
        "POST",
        "volume",
        f"/v3/{{pid}}/volumes/{ABSENT}/action",
        {"os-volume_upload_image": {"image_name": "x"}},
    ),
    "format vpc": upload(image_name="x", disk_format="vpc"),
    "format iso": upload(image_name="x", disk_format="iso"),
    "container foo": upload(image_name="x", container_format="foo"),
    "container empty": upload(image_name="x", container_format=""),
    "name too long": upload(image_name="n" * 256),
    "name empty": upload(image_name=""),
    "name missing": upload(disk_format="raw"),
    "name a number": upload(image_name=7),
    "force no boolean": upload(image_name="x", force="maybe"),
    "unknown property": upload(image_name="x", __os_type="linux"),
    "visibility of old": upload(image_name="x", visibility="private"),
    "visibility unknown": upload(V31, image_name="x", visibility="foo"),
    "visibility public": upload(V31, image_name="x", visibility="public"),
    "attached without force": upload(at="attached", image_name="x"),
    "unknown action": Ask(
        "POST", "volume", "/v3/{pid}/volumes/{volume}/action", {"os-nonsense": {}}
    ),
    "two actions": Ask(
        "POST",
        "volume",
        "/v3/{pid}/volumes/{volume}/action",
        {"os-nonsense": {}, "os-volume_upload_image": {"image_name": "x"}},
    ),
    "not JSON for an action": Ask("POST", "volume", "/v3/{pid}/volumes/{volume}/action", "{nope"),
    "reset by a member": Ask(
        "POST",
        "volume",
        "/v3/{pid}/volumes/{volume}/action",
        {"os-reset_status": {"status": "error"}},
    ),
    # Glance
    "image": Ask("GET", "image", "/v2/images/{image}"),
    "images": images("?owner={pid}"),
    "images, one": images("?owner={pid}&limit=1"),
    "images, limit 0": images("?limit=0"),
    "images, limit -1": images("?limit=-1"),
    "images, limit abc": images("?limit=abc"),
    "images, unknown marker": images(f"?marker={ABSENT}"),
    "images, marker no UUID": images("?marker=nope"),
    "images, bad sort": images("?sort=nonsense:asc"),
    "images, bad direction": images("?sort=name:sideways"),
    "images, both sorts": images("?sort=name&sort_key=name"),
    "images, bad time": images("?created_at=gte:yesterday"),
    "images, bad operator": images("?created_at=foo:2020-01-01T00:00:00Z"),
    "images, bad visibility": images("?visibility=nonsense"),
    "images, bad protected": images("?protected=yes"),
    "images, unknown status": images("?status=nonsense"),
    "images, unknown filter": images("?nonsense=1"),
    "images, by name in capitals": images("?name=WIRE"),
    "images, by names": images("?name=in:wire,other"),
    "images, bad member status": images("?member_status=nonsense"),
    "images, bad size": images("?size_min=big"),
    "images, negative size": images("?size_min=-1"),
    "Glance, bad token": Ask("GET", "image", "/v2/images", token="garbage"),
    "Glance, bad token, JSON": Ask("GET", "image", "/v2/images", headers=JSON, token="garbage"),
    "Glance, no token": Ask("GET", "image", "/v2/images", token=None),
    "unknown image": Ask("GET", "image", f"/v2/images/{ABSENT}"),
    "unknown image, JSON": Ask("GET", "image", f"/v2/images/{ABSENT}", headers=JSON),
    "image no UUID": Ask("GET", "image", "/v2/images/nope", headers=JSON),
    "unknown image's deletion": Ask("DELETE", "image", f"/v2/images/{ABSENT}", headers=JSON),
    "protected image's deletion": Ask("DELETE", "image", "/v2/images/{image}", headers=JSON),
    "protected image's deletion, HTML": Ask("DELETE", "image", "/v2/images/{image}"),
    "public image's deletion": Ask("DELETE", "image", "/v2/images/{public}", headers=JSON),
    "private image's deletion": Ask("DELETE", "image", "/v2/images/{others}", headers=JSON),
    "members of a private image": Ask("GET", "image", "/v2/images/{image}/members", headers=JSON),
    "members of a shared image": Ask("GET", "image", "/v2/images/{shared}/members", headers=JSON),
    "patch of what is read-only": Ask(
        "PATCH",
        "image",
        "/v2/images/{image}",
        [{"op": "replace", "path": "/status", "value": "x"}],
        {**JSON, **PATCH},
    ),
    "patch no list": Ask("PATCH", "image", "/v2/images/{image}", {}, {**JSON, **PATCH}),
    "tag": Ask("PUT", "image", "/v2/images/{shared}/tags/vi-0123456789ab", headers=JSON),
    "tag too long": Ask("PUT", "image", f"/v2/images/{{shared}}/tags/{'t' * 256}", headers=JSON),
    "absent tag's removal": Ask("DELETE", "image", "/v2/images/{shared}/tags/absent", headers=JSON),
}


class Wire:
    """One site, spoken to without the product's client."""

    def __init__(self, site: Site, services: Mapping[str, str]) -> None:
        self._services = services
        self._token = log_in(site)
        image = site.plant_image("wire")
        site.protect(image, protected=True)
        self._words = {
            "pid": site.project_id,
            "volume": site.volumes[0],
            "attached": site.attached,
            "image": image,
            "shared": site.plant_image("shared", shared_with=["b" * 32]),
            "public": site.plant_image("public", owner=Owner.PUBLIC),
            "others": site.plant_image("others", owner=Owner.OTHER),
        }
        self._projects = (site.project_name, site.region)

    def answer(self, ask: Ask) -> dict[str, Any]:
        """Ask, and return what can be compared."""
        path = ask.path
        for word, value in self._words.items():
            path = path.replace(f"{{{word}}}", value)
        headers = {"Content-Type": "application/json", **ask.headers}
        if ask.token is not None:
            headers["X-Auth-Token"] = self._token if ask.token == "good" else ask.token
        body = ask.body if isinstance(ask.body, str) else json.dumps(ask.body)
        answer = requests.request(
            ask.method,
            self._services[ask.service] + path,
            data=None if ask.body is None else body,
            headers={"Accept": "*/*", **headers},
            timeout=30,
            allow_redirects=False,
        )
        assert "Date" in answer.headers
        shown = {name: self.masked(answer.headers.get(name, "")) for name in HEADERS}
        named = [name for name in REQUEST_IDS if name in answer.headers]
        return {
            "status": answer.status_code,
            "headers": shown,
            "request ids": named,
            "body": self._body(answer),
        }

    def masked(self, text: str) -> str:
        for pattern, mask in MASKS:
            text = re.sub(pattern, mask, text)
        for word in self._projects:
            text = text.replace(word, "OWN")
        return text

    def _body(self, answer: requests.Response) -> object:
        if answer.ok and answer.text:
            return shape(answer.json())
        try:
            return json.loads(self.masked(answer.text))
        except ValueError:
            return self.masked(answer.text)


def shape(document: object) -> object:
    """Return keys and types; a list is all that its elements hold, in whatever order they came."""
    match document:
        case dict():
            return {key: shape(value) for key, value in sorted(document.items())}
        case [_, *_]:
            return [reduce(merged, map(shape, document))]
        case []:
            return []
        case _:
            return type(document).__name__


def merged(one: object, other: object) -> object:
    """Return the shape of what may be either: an attached volume has more to it than another."""
    match one, other:
        case dict(), dict():
            keys = sorted({*one, *other})
            return {
                key: merged(one.get(key, other.get(key)), other.get(key, one.get(key)))
                for key in keys
            }
        case [[first], [second]]:
            return [merged(first, second)]
        case ([], some) | (some, []):
            return some
        case _ if one == other:
            return one
        case _:
            return " or ".join(sorted({*str(one).split(" or "), *str(other).split(" or ")}))


@pytest.fixture(scope="module")
def real() -> Iterator[Wire]:
    site = OpenstackSite.running()
    site.clear()
    block_storage, image = "http://127.0.0.1:8776", "http://127.0.0.1:9292"
    identity = site.auth_url.removesuffix("/v3")
    yield Wire(site, {"identity": identity, "volume": block_storage, "image": image})
    site.clear()
    site.close()


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Wire]:
    with CloudSandbox(dialect=Dialect.OPENSTACK, volumes=4) as cloud:
        services = {name: f"{cloud.url}/{name}" for name in ("identity", "volume", "image")}
        yield Wire(SandboxSite(cloud), services)


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
def test_the_sandbox_answers_as_the_real_openstack(real: Wire, sandbox: Wire, ask: Ask) -> None:
    assert sandbox.answer(ask) == real.answer(ask)


def test_an_accepted_export_is_answered_and_shown_in_the_same_shape(
    real: Wire, sandbox: Wire
) -> None:
    asked = upload(image_name="exported", disk_format="vmdk")
    assert sandbox.answer(asked) == real.answer(asked)
    pending = images("?name=exported")
    assert sandbox.answer(pending) == real.answer(pending)
