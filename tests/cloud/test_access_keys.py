"""Access keys: what is signed and when, and that a refused key is never tried a second time."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cloud.scripted import PROJECT, TLS, VOLUME, ScriptedCloud, StillClock, export_request
from tests.cloud.scripted import refusal as answer_of
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.wire import json_answer
from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.config.schema import CloudConfig
from volume_images.dialect import Dialect
from volume_images.errors import CredentialError

KEY = {"access_key": "AK0123456789", "secret_key": "canary-secret-key"}
PROJECTS = "/identity/v3/projects"
VOLUME_DOCUMENT = {"id": VOLUME, "name": "db01", "status": "available", "size": 40}


class RealClock(StillClock):
    """This machine's time, perhaps a little off; waiting takes no time."""

    def __init__(self, off: timedelta = timedelta()) -> None:
        super().__init__()
        self.off = off

    def now(self) -> datetime:
        return datetime.now(UTC) + self.off


@pytest.fixture(scope="module")
def running() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.HUAWEI, volumes=3) as cloud:
        yield cloud


@pytest.fixture
def sandbox(running: CloudSandbox) -> CloudSandbox:
    running.requests.clear()
    return running


@pytest.fixture
def scripted() -> Iterator[ScriptedCloud]:
    with ScriptedCloud(dialect=Dialect.HUAWEI) as cloud:
        yield cloud


def opened(
    cloud: CloudSandbox,
    secret: dict[str, Any] | None = None,
    *,
    project: str = "",
    off: timedelta = timedelta(),
) -> OpenedCloud:
    config = CloudConfig(
        dialect=cloud.dialect,
        region=cloud.region,
        project=project or cloud.project_name,
        endpoints=cloud.endpoints,
        requests_per_second=1e6,
    )
    secret = secret or cloud.secret("export", "access_key")
    return open_cloud(
        config,
        parse_secret(json.dumps(secret), "x"),
        clock=StillClock(),
        tls=TLS,
        system_clock=RealClock(off),
    )


# --- the sandbox, which checks every signature


@pytest.mark.parametrize("kind", ["access_key", "temporary_access_key"])
def test_a_key_opens_and_exports_and_deletes(sandbox: CloudSandbox, kind: str) -> None:
    cloud = opened(sandbox, sandbox.secret("export", kind))
    assert len(cloud.volumes.all()) == 3
    answer = cloud.volumes.export(export_request(disk_format="zvhd2", image_name=f"x.{kind}"))
    sandbox.clock.advance(timedelta(hours=1))
    assert [image.id for image in cloud.images.all(sandbox.clock.now() - timedelta(hours=2))] == [
        answer.image_id
    ]
    assert cloud.images.delete(answer.image_id) is True


def test_a_project_s_name_is_looked_up_once_and_its_id_is_proven(sandbox: CloudSandbox) -> None:
    for project in (sandbox.project_name, sandbox.project_id):
        assert opened(sandbox, project=project).project_id == sandbox.project_id
    assert [(seen.path, seen.status) for seen in sandbox.requests] == [
        (PROJECTS, 200),
        (f"{PROJECTS}/{sandbox.project_id}", 200),
    ]


def test_a_wrong_key_is_shown_to_the_cloud_once(sandbox: CloudSandbox) -> None:
    wrong = {**sandbox.secret("export", "access_key"), "secret_key": "canary-wrong"}
    for project in (sandbox.project_name, sandbox.project_id):
        sandbox.requests.clear()
        with pytest.raises(CredentialError, match="verify aksk signature fail") as caught:
            opened(sandbox, wrong, project=project)
        assert caught.value.refused
        assert "canonical" not in str(caught.value)
        assert len(sandbox.requests) == 1


USES: dict[str, Callable[[OpenedCloud], object]] = {
    "read": lambda cloud: cloud.volumes.get(VOLUME),
    "list": lambda cloud: cloud.images.all(),
    "delete": lambda cloud: cloud.images.delete("i-1"),
    "export": lambda cloud: cloud.volumes.export(export_request(disk_format="zvhd2")),
}


@pytest.mark.parametrize("use", USES)
def test_a_key_that_is_refused_later_is_shown_once_more_and_never_again(
    sandbox: CloudSandbox, use: str
) -> None:
    temporary = sandbox.secret("export", "temporary_access_key")
    cloud = opened(sandbox, temporary)
    del sandbox.identity.gatekeeper.keys[temporary["access_key"]]
    sandbox.requests.clear()
    for each in (use, *USES):
        with pytest.raises(CredentialError, match="ak not exist") as caught:
            USES[each](cloud)
        assert caught.value.refused
    assert len(sandbox.requests) == 1


def test_a_temporary_key_ends(sandbox: CloudSandbox) -> None:
    key = sandbox.identity.temporary_key("export", timedelta(seconds=-1))
    secret = {
        "auth_url": sandbox.auth_url,
        "access_key": key.id,
        "secret_key": key.secret,
        "security_token": key.security_token,
    }
    with pytest.raises(CredentialError, match="security token has expired") as caught:
        opened(sandbox, secret)
    assert caught.value.refused


@pytest.mark.parametrize("minutes", [-14, 14])
def test_signatures_are_dated_by_the_real_clock_and_may_be_a_little_off(
    sandbox: CloudSandbox, minutes: int
) -> None:
    """The product's own clock, which the sandbox moves, is months away all the while."""
    assert opened(sandbox, off=timedelta(minutes=minutes)).volumes.get(VOLUME) is not None


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_clock_that_is_far_off_is_a_refusal(sandbox: CloudSandbox, minutes: int) -> None:
    with pytest.raises(CredentialError, match=r"401 APIGW\.0303") as caught:
        opened(sandbox, off=timedelta(minutes=minutes))
    assert caught.value.refused


def test_a_name_that_no_project_has_is_said_so(sandbox: CloudSandbox) -> None:
    with pytest.raises(CredentialError, match="names 0 projects so; write the id") as caught:
        opened(sandbox, project="nowhere")
    assert not caught.value.refused


def test_an_id_of_another_project_is_refused_by_the_services(sandbox: CloudSandbox) -> None:
    cloud = opened(sandbox, project="f" * 32)
    with pytest.raises(CredentialError, match=r"Common\.0018"):
        cloud.volumes.get(VOLUME)


# --- a scripted cloud, which shows what was sent


def scripted_secret(cloud: ScriptedCloud, **more: str) -> Any:  # noqa: ANN401
    document = {"auth_url": cloud.auth_url, **KEY, **more}
    return parse_secret(json.dumps(document), "x")


def ready(cloud: ScriptedCloud, project: str = PROJECT, **more: str) -> OpenedCloud:
    endpoints = {"block_storage": f"{cloud.url}/volume", "image": f"{cloud.url}/image"}
    return cloud.open(scripted_secret(cloud, **more), project=project, endpoints=endpoints)


def test_what_is_sent_names_the_account_to_iam_and_the_project_to_the_services(
    scripted: ScriptedCloud,
) -> None:
    projects = {"projects": [{"id": PROJECT, "name": "acme"}, {"id": "p2", "name": "acme_two"}]}
    scripted.script("GET", PROJECTS, json_answer(200, projects))
    document = json_answer(200, {"volume": VOLUME_DOCUMENT})
    scripted.script("GET", f"/volume/v2/{PROJECT}/cloudvolumes/{VOLUME}", document)
    cloud = ready(scripted, "acme", security_token="canary-token", domain_id="d1")
    assert cloud.volumes.get(VOLUME) is not None
    first, second = scripted.seen
    assert (first.query, first.header("X-Domain-Id"), first.header("X-Project-Id")) == (
        "name=acme",
        "d1",
        "",
    )
    assert (second.header("X-Domain-Id"), second.header("X-Project-Id")) == ("", PROJECT)
    for request in scripted.seen:
        assert request.header("X-Security-Token") == "canary-token"
        assert request.header("X-Auth-Token") == ""
        assert "x-security-token" in request.header("Authorization")


def test_a_query_is_sent_as_it_was_signed(scripted: ScriptedCloud) -> None:
    scripted.script("GET", PROJECTS, json_answer(200, {"projects": []}))
    with pytest.raises(CredentialError):
        ready(scripted, "a name/with ~ signs+")
    assert scripted.seen[0].query == "name=a%20name%2Fwith%20~%20signs%2B"


def test_several_projects_of_one_name_are_not_chosen_from(scripted: ScriptedCloud) -> None:
    both = {"projects": [{"id": PROJECT, "name": "acme"}, {"id": "p2", "name": "acme"}]}
    scripted.script("GET", PROJECTS, json_answer(200, both))
    with pytest.raises(CredentialError, match="names 2 projects so"):
        ready(scripted, "acme")


@pytest.mark.parametrize("status", [403, 404])
def test_who_may_not_read_projects_names_theirs_by_id(scripted: ScriptedCloud, status: int) -> None:
    denied = {"error": {"code": status, "message": "not authorized to show the project"}}
    scripted.script("GET", f"{PROJECTS}/{PROJECT}", answer_of(status, denied))
    assert ready(scripted).project_id == PROJECT
    scripted.script("GET", PROJECTS, answer_of(403, denied))
    with pytest.raises(CredentialError, match="may not look it up; write the id") as caught:
        ready(scripted, "acme")
    assert not caught.value.refused


def test_plain_openstack_knows_no_access_keys(scripted: ScriptedCloud) -> None:
    with pytest.raises(CredentialError, match="no cloud of the dialect openstack; give"):
        scripted.open(scripted_secret(scripted), dialect=Dialect.OPENSTACK)
    assert scripted.seen == []
