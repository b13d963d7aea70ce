"""The `openstack` command line works against the openstack dialect: one process, many commands."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.cloud_server import CloudSandbox
from volume_images.dialect import Dialect

pytestmark = pytest.mark.slow

DB01 = "16369c5d-384d-4e64-b37a-56d898769362"


@pytest.fixture(scope="module")
def cloud() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.OPENSTACK, volumes=3) as running:
        yield running


def environment(cloud: CloudSandbox, home: Path) -> dict[str, str]:
    secret = cloud.secret("export")
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "NO_PROXY": "127.0.0.1",
        "OS_AUTH_URL": secret["auth_url"],
        "OS_IDENTITY_API_VERSION": "3",
        "OS_USERNAME": secret["username"],
        "OS_PASSWORD": secret["password"],
        "OS_USER_DOMAIN_NAME": secret["domain"],
        "OS_PROJECT_NAME": cloud.project_name,
        "OS_PROJECT_DOMAIN_NAME": secret["domain"],
        "OS_REGION_NAME": cloud.region,
    }


def documents(text: str) -> list[Any]:
    """Read the JSON documents that stand in a text, one after the other."""
    found, decoder = [], json.JSONDecoder()
    while (text := text.strip()) != "":
        document, end = decoder.raw_decode(text)
        found.append(document)
        text = text[end:]
    return found


def test_it_lists_and_shows_and_tags_and_deletes(cloud: CloudSandbox, tmp_path: Path) -> None:
    """Starting the command takes longer than all of its work, so it is started once."""
    marked = cloud.world.plant_image(name="marked", created_at=cloud.clock.now())
    doomed = cloud.world.plant_image(name="doomed", created_at=cloud.clock.now())
    commands = [
        "volume list -f json",
        "volume show db01-data -f json",
        "image list -f json",
        f"image set --tag vi-pin --tag team-db {marked.id}",
        f"image unset --tag team-db {marked.id}",
        f"image show {marked.id} -f json",
        f"image delete {doomed.id}",
        "image list --tag vi-pin -f json",
    ]
    ran = subprocess.run(
        [Path(sys.executable).with_name("openstack")],
        input="\n".join([*commands, ""]),
        env=environment(cloud, tmp_path),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    volumes, volume, images, image, tagged = documents(ran.stdout)
    assert ran.stderr.strip() == ""
    assert {each["ID"] for each in volumes} == set(cloud.world.volumes)
    assert (volume["id"], volume["size"], volume["properties"]) == (DB01, 40, {"backup": "daily"})
    assert {each["Name"] for each in images} == {"marked", "doomed"}
    assert (image["name"], image["status"], image["tags"]) == ("marked", "active", ["vi-pin"])
    assert [each["ID"] for each in tagged] == [marked.id]
    assert list(cloud.world.images) == [marked.id]
