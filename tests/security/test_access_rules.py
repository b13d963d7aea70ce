"""The access rules in docs/ let each role do its work on a plain OpenStack, and nothing more."""

import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.cloud.sandbox_opened import open_sandbox
from tests.cloud.scripted import VOLUME, export_request
from tests.sandbox.cloud_server import CloudSandbox
from volume_images.cloud.open import OpenedCloud
from volume_images.dialect import Dialect
from volume_images.model import GroupKey, ImageMark, NewVolume, RestorePin

RULES = Path(__file__).parents[2] / "docs" / "access-rules"
ROLES = ("exporter", "cleaner", "restorer")
PREFIXES = {"/volume": "block-storage", "/image": "image"}
Request = tuple[str, str, str]


def rules(role: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads((RULES / f"{role}.json").read_text())
    return found


def allowed(role: str, request: Request) -> bool:
    """Decide as keystonemiddleware does: `*` is one part of a path, `**` any number of them."""
    service, method, path = request
    patterns = [
        rule["path"].replace("**", "\0").replace("*", "[^/]+").replace("\0", ".*")
        for rule in rules(role)
        if (rule["service"], rule["method"]) == (service, method)
    ]
    return any(re.fullmatch(pattern, path) for pattern in patterns)


def asked(cloud: CloudSandbox, *, mounted: bool) -> set[Request]:
    """Return what was asked of both services, as it looks with and without their prefixes."""
    found = set()
    for seen in cloud.requests:
        prefix = "/" + seen.path.split("/")[1]
        if prefix in PREFIXES:
            path = seen.path if mounted else seen.path.removeprefix(prefix)
            found.add((PREFIXES[prefix], seen.method, path))
    return found


def export(cloud: OpenedCloud, sandbox: CloudSandbox) -> None:
    cloud.volumes.all()
    cloud.volumes.get(VOLUME)
    answer: Any = cloud.volumes.export(export_request())
    cloud.volumes.failure_message(VOLUME, sandbox.clock.now())
    cloud.images.all(sandbox.clock.now())
    cloud.images.get(answer.image_id)
    group = GroupKey(policy="daily", requested=False, volume_id=VOLUME)
    mark = ImageMark(deployment_id="0123456789ab", group=group, slot=sandbox.clock.now())
    cloud.images.mark(answer.image_id, mark)


def clean_up(cloud: OpenedCloud, sandbox: CloudSandbox) -> None:
    image = sandbox.world.plant_image(name="x", created_at=sandbox.clock.now())
    cloud.volumes.all()
    cloud.volumes.get(VOLUME)
    cloud.images.all()
    cloud.images.members(image.id)
    cloud.images.delete(image.id)


def restore(cloud: OpenedCloud, sandbox: CloudSandbox) -> None:
    image = sandbox.world.plant_image(name="x", created_at=sandbox.clock.now())
    cloud.images.all()
    cloud.images.get(image.id)
    pin = RestorePin.parse("20260302T020500Z-5f0c1a9e")
    assert pin is not None
    cloud.images.set_restore_pin(image.id, pin)
    cloud.images.drop_restore_pin(image.id, pin)
    made = cloud.restoring.create(NewVolume(name="copy", size_gib=40, image_id=image.id))
    sandbox.clock.advance(timedelta(hours=1))
    cloud.volumes.get(made)
    cloud.restoring.delete(made)


WORK = {"exporter": export, "cleaner": clean_up, "restorer": restore}


@pytest.mark.parametrize("role", ROLES)
def test_they_allow_all_that_the_role_asks_for(role: str) -> None:
    with CloudSandbox(dialect=Dialect.OPENSTACK) as sandbox:
        cloud = open_sandbox(sandbox, sandbox.secret("restore"))
        WORK[role](cloud, sandbox)
        for mounted in (True, False):
            requests = asked(sandbox, mounted=mounted)
            assert len(requests) >= 4
            assert {request for request in requests if not allowed(role, request)} == set()


IMAGE = "/v2/images/c5333daa-fbc8-4d1d-bf79-b0567bb45d15"
VOLUMES = "/v3/0123456789abcdef0123456789abcdef/volumes"


@pytest.mark.parametrize(
    ("request_", "who"),
    [
        (("image", "DELETE", IMAGE), {"cleaner"}),
        (("image", "PATCH", IMAGE), set()),
        (("image", "PUT", f"{IMAGE}/file"), set()),
        (("image", "PUT", f"{IMAGE}/tags/vi-0123456789ab"), {"exporter", "cleaner"}),
        (("image", "PUT", f"{IMAGE}/tags/vi-restore-20260302T020500Z-5f0c1a9e"), set(ROLES)),
        (("image", "DELETE", f"{IMAGE}/tags/vi-pin"), {"cleaner"}),
        (("image", "POST", f"{IMAGE}/members"), set()),
        (("block-storage", "POST", f"{VOLUMES}/{VOLUME}/action"), {"exporter"}),
        (("block-storage", "POST", VOLUMES), {"restorer"}),
        (("block-storage", "DELETE", f"{VOLUMES}/{VOLUME}"), {"restorer"}),
        (("volumev3", "GET", f"{VOLUMES}/{VOLUME}"), set(ROLES)),
        (("compute", "GET", "/v2.1/servers"), set()),
    ],
)
def test_who_creates_cannot_delete(request_: Request, who: set[str]) -> None:
    assert {role for role in ROLES if allowed(role, request_)} == who


@pytest.mark.parametrize("role", ROLES)
def test_they_are_of_the_shape_that_keystone_takes(role: str) -> None:
    """Application Credentials API: nothing but service, method and path, which is at most 225."""
    for rule in rules(role):
        assert set(rule) == {"service", "method", "path"}
        assert rule["path"].startswith("/")
        assert len(rule["path"]) <= 225
