"""Every way in which the clouds say that a token is not good, and what is sent again for it."""

from collections.abc import Iterator

import pytest

from tests.cloud.scripted import (
    ACTION,
    IMAGE,
    IMAGE_PATH,
    VOLUME,
    VOLUME_PATH,
    ScriptedCloud,
    export_request,
    refusal,
    token_answer,
    volume_document,
)
from tests.sandbox.wire import Answer, json_answer
from volume_images.errors import CredentialError, Refused

TOKENS = "/identity/v3/auth/tokens"


def gateway(code: str, message: str) -> Answer:
    return refusal(401, {"error_code": code, "error_msg": message, "request_id": "r-1"})


def coded(status: int, code: str) -> Answer:
    return refusal(status, {"error": {"code": code, "message": "the token is not good"}})


TROUBLE = {
    # the API gateway in front of EVS and IMS
    "bad signature or token": gateway("APIGW.0301", "decrypt token fail"),
    "expired": gateway("APIGW.0301", "token expires, expires_at: 2026-03-01T00:00:00Z"),
    "missing": gateway("APIGW.0301", "x-auth-token not found"),
    "app authentication": gateway("APIGW.0303", "signature expired"),
    "forbidden app": gateway("APIGW.0305", "x"),
    "must be updated": gateway("APIGW.0307", "The token must be updated"),
    "older gateway, 0301": gateway("APIG.0301", "decrypt token fail"),
    "older gateway, 0307": gateway("APIG.0307", "The token must be updated"),
    # EVS and IMS themselves: some with 400
    "EVS.5401": coded(401, "EVS.5401"),
    "EVS.0002": coded(400, "EVS.0002"),
    "Common.0011": coded(400, "Common.0011"),
    "Common.0013": coded(400, "Common.0013"),
    "Common.0018": coded(400, "Common.0018"),
    "IMG.0030": coded(400, "IMG.0030"),
    "IMG.0087": coded(400, "IMG.0087"),
    # IAM and Keystone, its middleware before Cinder, Cinder itself, Glance
    "Keystone": refusal(401, {"error": {"code": 401, "message": "x", "title": "Unauthorized"}}),
    "IAM": refusal(401, {"error_code": "IAM.0001", "error_msg": "x"}),
    "Cinder": refusal(401, {"unauthorized": {"code": 401, "message": "x"}}),
    "Glance": refusal(401, {"message": "x", "code": "401 Unauthorized", "title": "Unauthorized"}),
    "Glance in HTML": Answer(
        401, b"<html><h1>401 Unauthorized</h1>", {"Content-Type": "text/html"}
    ),
    "a bare 401": Answer(401),
}
NO_TROUBLE = {
    "no roles": coded(403, "EVS.0003"),
    "not permitted": coded(403, "EVS.1027"),
    "a bad project id": coded(400, "EVS.0001"),
    "forbidden by the gateway": refusal(403, {"error_code": "APIGW.0302", "error_msg": "x"}),
    "a generic error": coded(400, "EVS.5400"),
}


@pytest.fixture(scope="module")
def running() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as cloud:
        yield cloud


@pytest.fixture
def cloud(running: ScriptedCloud) -> ScriptedCloud:
    running.seen.clear()
    running.scripts.clear()
    return running


def tokens_of(cloud: ScriptedCloud, path: str) -> list[str]:
    return [seen.header("X-Auth-Token")[-1:] for seen in cloud.seen if seen.path == path]


@pytest.mark.parametrize("name", TROUBLE)
def test_a_read_and_a_deletion_are_sent_again_once_with_a_new_token(
    cloud: ScriptedCloud, name: str
) -> None:
    read = json_answer(200, {"volume": volume_document()})
    cloud.tokens(*(token_answer(number, cloud.url) for number in (1, 2, 3)))
    cloud.script("GET", VOLUME_PATH, TROUBLE[name], read)
    cloud.script("DELETE", IMAGE_PATH, TROUBLE[name], Answer(204))
    opened = cloud.open()
    assert opened.volumes.get(VOLUME) is not None
    assert opened.images.delete(IMAGE) is True
    assert tokens_of(cloud, VOLUME_PATH) == ["1", "2"]
    assert tokens_of(cloud, IMAGE_PATH) == ["2", "3"]


@pytest.mark.parametrize("name", TROUBLE)
def test_the_second_time_it_is_an_error(cloud: ScriptedCloud, name: str) -> None:
    cloud.script("GET", VOLUME_PATH, TROUBLE[name])
    with pytest.raises(CredentialError) as caught:
        cloud.open().volumes.get(VOLUME)
    assert not caught.value.refused
    assert len(cloud.paths("GET")) == 2


@pytest.mark.parametrize("name", TROUBLE)
def test_an_export_that_never_began_for_its_token_is_sent_once_more_with_another(
    cloud: ScriptedCloud, name: str
) -> None:
    cloud.tokens(*(token_answer(number, cloud.url) for number in (1, 2, 3)))
    cloud.script("POST", ACTION, TROUBLE[name])
    volumes = cloud.open().volumes
    for sent in (["1", "2"], ["1", "2", "3", "3"]):
        with pytest.raises(CredentialError):
            volumes.export(export_request())
        assert tokens_of(cloud, ACTION) == sent


@pytest.mark.parametrize("name", NO_TROUBLE)
def test_what_another_token_would_not_change_is_not_sent_again(
    cloud: ScriptedCloud, name: str
) -> None:
    cloud.script("GET", VOLUME_PATH, NO_TROUBLE[name])
    with pytest.raises(Refused):
        cloud.open().volumes.get(VOLUME)
    assert cloud.paths("GET") == [VOLUME_PATH]
    assert cloud.paths("POST") == [TOKENS]


def test_each_export_has_a_token_with_half_its_life_left(cloud: ScriptedCloud) -> None:
    """One that was bought long ago is renewed before the POST, not after it failed."""
    cloud.tokens(*(token_answer(number, cloud.url) for number in (1, 2)))
    cloud.script("POST", ACTION, refusal(400, {"badRequest": {"message": "x"}}))
    opened = cloud.open()
    access = opened._session.enter("acme").access  # noqa: SLF001 - to let it age
    assert access is not None
    access._data["token"]["expires_at"] = access._data["token"]["issued_at"]  # noqa: SLF001
    with pytest.raises(Refused):
        opened.volumes.export(export_request())
    assert tokens_of(cloud, ACTION) == ["2"]
