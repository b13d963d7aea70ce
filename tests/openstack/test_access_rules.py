"""The access rules of docs/ on the real Keystone: who creates cannot delete, and the reverse."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.contract.openstack_site import OpenstackSite
from tests.contract.sites import follow, log_in, opened, wanted
from tests.openstack.places import CHECKOUT
from tests.openstack.run_site import made, wait_until_gone
from volume_images.cloud.open import OpenedCloud
from volume_images.errors import CredentialError
from volume_images.model import (
    ExportAnswer,
    GroupKey,
    ImageMark,
    ImageStatus,
    NewVolume,
    RestorePin,
    VolumeStatus,
)

pytestmark = pytest.mark.openstack

RULES = CHECKOUT / "docs" / "access-rules"
REFUSED = 401
"""keystonemiddleware's answer to what no rule allows, as if the token were none."""

OpenRole = Callable[[str], OpenedCloud]


@pytest.fixture
def site(real: OpenstackSite) -> Iterator[OpenstackSite]:
    real.clear()
    yield real
    real.clear()


@pytest.fixture
def role(site: OpenstackSite) -> Iterator[OpenRole]:
    """Open the cloud with a credential that has the rules of a role."""
    token = log_in(site)
    headers = {"X-Auth-Token": token}
    shown = keystone("GET", f"{site.auth_url}/auth/tokens", {**headers, "X-Subject-Token": token})
    url = f"{site.auth_url}/users/{shown['token']['user']['id']}"
    issued = []

    def open_as(name: str) -> OpenedCloud:
        rules = json.loads((RULES / f"{name}.json").read_text())
        asked = {"name": f"{name}-{time.time_ns()}", "access_rules": rules}
        body = {"application_credential": asked}
        answer = keystone("POST", f"{url}/application_credentials", headers, body)
        credential = answer["application_credential"]
        issued.append(credential["id"])
        secret = {
            "auth_url": site.auth_url,
            "application_credential_id": credential["id"],
            "application_credential_secret": credential["secret"],
        }
        return opened(site, secret)

    yield open_as
    for credential_id in issued:
        keystone("DELETE", f"{url}/application_credentials/{credential_id}", headers)


def test_the_exporter_exports_and_marks_but_cannot_delete(
    site: OpenstackSite, role: OpenRole
) -> None:
    exporter = role("exporter")
    volume_id = site.volumes[0]
    assert volume_id in {volume.id for volume in exporter.volumes.all()}
    image = follow(site, exporter, exported(exporter, volume_id)).image
    assert image is not None
    assert image.status == ImageStatus.ACTIVE
    assert exporter.images.mark(image.id, a_mark(volume_id))
    in_an_hour = datetime.now(UTC) + timedelta(hours=1)  # allowed to ask, whatever failed before
    assert exporter.volumes.failure_message(volume_id, in_an_hour) == ""
    with pytest.raises(CredentialError) as refusal:
        exporter.images.delete(image.id)
    assert refusal.value.status == REFUSED
    [still_there] = exporter.images.all()
    assert (still_there.id, still_there.deployment) == (image.id, a_mark(volume_id).deployment_id)


def test_the_cleaner_deletes_but_cannot_export(site: OpenstackSite, role: OpenRole) -> None:
    cleaner = role("cleaner")
    volume_id = site.volumes[0]
    image_id = site.plant_image("expired", shared_with=[site.facts["project_ids"]["other"]])
    assert volume_id in {volume.id for volume in cleaner.volumes.all()}
    assert [image.id for image in cleaner.images.all()] == [image_id]
    assert cleaner.images.get(image_id) is not None
    assert cleaner.images.members(image_id) == (site.facts["project_ids"]["other"],)
    with pytest.raises(CredentialError) as refusal:
        cleaner.volumes.export(wanted(volume_id, "qcow2"))
    assert refusal.value.status == REFUSED
    assert [image.id for image in cleaner.images.all()] == [image_id]
    assert cleaner.images.pin(image_id)
    assert cleaner.images.unpin(image_id)
    assert cleaner.images.delete(image_id)
    assert cleaner.images.get(image_id) is None


def test_the_restorer_makes_volumes_but_neither_exports_nor_deletes_images(
    site: OpenstackSite, role: OpenRole
) -> None:
    exporter, restorer = opened(site), role("restorer")
    image = follow(site, exporter, exported(exporter, site.volumes[0])).image
    assert image is not None
    assert [one.id for one in restorer.images.all()] == [image.id]
    pin = RestorePin.parse("20260302T020500Z-5f0c1a9e")
    assert pin is not None
    assert restorer.images.set_restore_pin(image.id, pin)
    assert [one.restore_pins for one in restorer.images.all()] == [(pin,)]
    new = NewVolume(name="restored", size_gib=1, image_id=image.id)
    restored = made(restorer, restorer.restoring.create(new))
    assert restored.status == VolumeStatus.AVAILABLE
    restorer.images.drop_restore_pin(image.id, pin)
    assert [one.restore_pins for one in restorer.images.all()] == [()]
    for refused in (
        lambda: restorer.images.delete(image.id),
        lambda: restorer.images.pin(image.id),
        lambda: restorer.volumes.export(wanted(restored.id, "qcow2")),
    ):
        with pytest.raises(CredentialError) as refusal:
            refused()
        assert refusal.value.status == REFUSED
    assert restorer.restoring.delete(restored.id)
    wait_until_gone(restorer, restored.id)


def exported(cloud: OpenedCloud, volume_id: str) -> ExportAnswer:
    answer = cloud.volumes.export(wanted(volume_id, "qcow2"))
    assert isinstance(answer, ExportAnswer)
    return answer


def a_mark(volume_id: str) -> ImageMark:
    group = GroupKey(policy="daily", requested=False, volume_id=volume_id)
    return ImageMark(
        deployment_id="0123456789ab", group=group, slot=datetime(2026, 3, 2, 2, tzinfo=UTC)
    )


def keystone(
    method: str, url: str, headers: dict[str, str], body: dict[str, Any] | None = None
) -> Any:  # noqa: ANN401 - Keystone's document
    answer = requests.request(method, url, headers=headers, json=body, timeout=30)
    answer.raise_for_status()
    return answer.json() if answer.content else None
