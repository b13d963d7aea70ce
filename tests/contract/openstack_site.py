"""The real OpenStack of tests/openstack as a site of the contract."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
import requests

from tests.contract.sites import Owner, Spoilt, log_in, revoke
from tests.openstack.places import BLOCK_STORAGE, DEFAULT_FOLDER, IMAGE, Places
from volume_images.clock import SystemClock
from volume_images.dialect import Dialect
from volume_images.model import VolumeStatus
from volume_images.protocols import Clock

IMAGES = f"http://127.0.0.1:{IMAGE}/v2/images"
BLOCK_STORAGE_URL = f"http://127.0.0.1:{BLOCK_STORAGE}/v3"
VOLUME_HOST = "openstack@nfs"
PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
A_MOMENT = 0.3
LONGEST_WAIT = 300.0


class OpenstackSite:
    """The project `demo`: three volumes at rest and one attached."""

    clock: Clock
    volumes: Sequence[str]

    def __init__(self, facts: dict[str, Any], user: str = "demo") -> None:
        self.facts = facts
        self._user = user
        self.dialect = Dialect.OPENSTACK
        self.region = facts["region"]
        self.auth_url = facts["auth_url"]
        self.project_id = facts["project_ids"][user]
        self.project_name = user
        self.clock = SystemClock()
        self.volumes = tuple(facts["volumes"].values())
        self.attached = facts["attached_volume"]
        self._session = requests.Session()
        self._session.headers["X-Auth-Token"] = log_in(self)
        self._session.headers["Accept"] = "application/json"
        self._credential: dict[str, str] | None = None
        self._admin: OpenstackSite | None = None

    @classmethod
    def running(cls) -> "OpenstackSite":
        """Find the OpenStack that runs on this machine."""
        facts = Places(DEFAULT_FOLDER).facts
        if not facts.exists():
            pytest.fail("no OpenStack is there to test against: make openstack-up", pytrace=False)
        return cls(json.loads(facts.read_text()))

    def close(self) -> None:
        self._session.close()
        if self._admin is not None:
            self._admin.close()

    def call(self, method: str, url: str, **arguments: Any) -> requests.Response:  # noqa: ANN401
        """Call as this site's user, without the product's client."""
        answer = self._session.request(method, url, timeout=60, **arguments)
        answer.raise_for_status()
        return answer

    def secret(self, kind: str = "password") -> dict[str, str]:
        if kind == "application_credential":
            return {"auth_url": self.auth_url, **self._application_credential()}
        return {
            "auth_url": self.auth_url,
            "username": self._user,
            "password": self.facts["users"][self._user],
            "domain": "Default",
        }

    def spoilt_token(self, spoilt: Spoilt) -> str:
        match spoilt:
            case Spoilt.GARBAGE:
                return "not-a-token"
            case Spoilt.REVOKED:
                token = log_in(self)
                revoke(self, token)
                return token
            case Spoilt.EXPIRED:
                token = log_in(self, self.facts["brief_auth_url"])
                time.sleep(self.facts["brief_token_seconds"] + 0.2)
                return token

    def plant_image(
        self, name: str, *, owner: Owner = Owner.OURS, shared_with: Sequence[str] = ()
    ) -> str:
        if owner is not Owner.OURS:
            visibility = "public" if owner is Owner.PUBLIC else "private"
            return self._as_admin().upload(name, visibility)
        image_id = self.upload(name, "shared" if shared_with else "private")
        for member in shared_with:
            self.call("POST", f"{IMAGES}/{image_id}/members", json={"member": member})
        return image_id

    def upload(self, name: str, visibility: str) -> str:
        """Make an image of three bytes."""
        document = {
            "name": name,
            "disk_format": "raw",
            "container_format": "bare",
            "visibility": visibility,
        }
        image_id = str(self.call("POST", IMAGES, json=document).json()["id"])
        headers = {"Content-Type": "application/octet-stream"}
        self.call("PUT", f"{IMAGES}/{image_id}/file", data=b"abc", headers=headers)
        return image_id

    def protect(self, image_id: str, *, protected: bool) -> None:
        patch = [{"op": "replace", "path": "/protected", "value": protected}]
        headers = {"Content-Type": PATCH_TYPE}
        self.call("PATCH", f"{IMAGES}/{image_id}", data=json.dumps(patch), headers=headers)

    def let_pass(self) -> None:
        time.sleep(A_MOMENT)

    def clear(self) -> None:
        self.delete_other_volumes()
        self.wait_for_exports()
        self.delete_images()
        self._as_admin().delete_images()

    def _as_admin(self) -> "OpenstackSite":
        if self._admin is None:
            self._admin = OpenstackSite(self.facts, "admin")
        return self._admin

    def wait_for_exports(self) -> None:
        """Wait until no volume is uploading."""
        until = time.monotonic() + LONGEST_WAIT
        while uploading := self.uploading():
            assert time.monotonic() < until, f"the exports of these do not end: {uploading}"
            self.let_pass()

    def delete_other_volumes(self) -> None:
        """Delete what a test left that was cut: as admin, or one that uploads for ever stays."""
        until = time.monotonic() + LONGEST_WAIT
        while others := self.other_volumes():
            assert time.monotonic() < until, f"these cannot be deleted: {others}"
            for volume_id, status in others.items():
                if status != "deleting":
                    self._as_admin().force_delete(volume_id)
            self.let_pass()

    def force_delete(self, volume_id: str) -> None:
        url = f"{BLOCK_STORAGE_URL}/{self.project_id}/volumes/{volume_id}/action"
        self.call("POST", url, json={"os-force_delete": {}})

    def uploading(self) -> list[str]:
        """Return the ids of the volumes that say they are uploading."""
        return [one["id"] for one in self.all_volumes() if one["status"] == VolumeStatus.UPLOADING]

    def reset_uploading(self) -> None:
        """Call volumes at rest that say `uploading` for ever, as an operator of the cloud would."""
        for volume_id in self.uploading():
            self._as_admin().reset_status(volume_id, VolumeStatus.AVAILABLE)

    def reset_status(self, volume_id: str, status: VolumeStatus) -> None:
        url = f"{BLOCK_STORAGE_URL}/{self.project_id}/volumes/{volume_id}/action"
        self.call("POST", url, json={"os-reset_status": {"status": status}})

    def volume_service_answers(self) -> bool:
        """Whether cinder-volume has begun to serve: the API has this answer from it alone."""
        return self._as_admin().is_answered(f"capabilities/{VOLUME_HOST}")

    def is_answered(self, path: str) -> bool:
        """Whether Cinder answers a question about this site's project."""
        url = f"{BLOCK_STORAGE_URL}/{self.project_id}/{path}"
        return self._session.get(url, timeout=LONGEST_WAIT).ok

    def other_volumes(self) -> dict[str, str]:
        """Return the status of each volume that was not there from the start, by its id."""
        lasting = {*self.volumes, self.attached}
        return {
            volume["id"]: volume["status"]
            for volume in self.all_volumes()
            if volume["id"] not in lasting
        }

    def all_volumes(self) -> list[dict[str, Any]]:
        """Return the project's volumes as Cinder describes them."""
        url = f"{BLOCK_STORAGE_URL}/{self.project_id}/volumes/detail"
        listed: list[dict[str, Any]] = self.call("GET", url).json()["volumes"]
        return listed

    def every_image(self) -> set[str]:
        """Return the ids of the images of all projects."""
        listed = self._as_admin().call("GET", IMAGES, params={"limit": "1000"})
        return {image["id"] for image in listed.json()["images"]}

    def delete_images(self) -> None:
        """Delete all images of this site's project."""
        listed = self.call("GET", IMAGES, params={"owner": self.project_id, "limit": "1000"})
        for image in listed.json()["images"]:
            if image["protected"]:
                self.protect(image["id"], protected=False)
            self.call("DELETE", f"{IMAGES}/{image['id']}")

    def _application_credential(self) -> dict[str, str]:
        """Make one, once for each session of tests."""
        if self._credential is None:
            token = {"X-Auth-Token": log_in(self)}
            url = f"{self.auth_url}/auth/tokens"
            shown = self.call("GET", url, headers={**token, "X-Subject-Token": log_in(self)})
            user_id = shown.json()["token"]["user"]["id"]
            made = self.call(
                "POST",
                f"{self.auth_url}/users/{user_id}/application_credentials",
                json={"application_credential": {"name": f"contract-{time.time_ns()}"}},
                headers=token,
            ).json()["application_credential"]
            self._credential = {
                "application_credential_id": made["id"],
                "application_credential_secret": made["secret"],
            }
        return self._credential
