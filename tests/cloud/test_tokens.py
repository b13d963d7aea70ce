"""Tokens: bought once, renewed at half life, and a refused secret is not tried again."""

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
import requests
from keystoneauth1.session import Session

from tests.cloud.scripted import (
    ACTION,
    PASSWORD,
    PROJECT,
    TLS,
    VOLUME,
    VOLUME_PATH,
    ScriptedCloud,
    export_request,
    refusal,
    token_answer,
    volume_document,
)
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.wire import Answer, Request, json_answer
from volume_images.cloud.credentials import Secret, parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.cloud.tokens import Tokens
from volume_images.dialect import Dialect
from volume_images.errors import CloudError, CloudUnavailable, CredentialError, Throttled

TOKENS = "/identity/v3/auth/tokens"
WITHOUT_TOKEN = token_answer(1, "http://127.0.0.1").with_headers(X_Subject_Token="")
DENIED = {"error": {"code": 401, "message": "The request requires authentication."}}


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as running:
        running.script("GET", VOLUME_PATH, json_answer(200, {"volume": volume_document()}))
        yield running


def bodies(cloud: ScriptedCloud) -> list[object]:
    return [request.json() for request in cloud.seen if request.path == TOKENS]


def test_a_project_is_named_by_name_with_its_domain_or_by_id_alone(cloud: ScriptedCloud) -> None:
    assert cloud.open(project="acme").project_id == PROJECT
    assert cloud.open(project=PROJECT).project_id == PROJECT
    user = {"name": "exporter", "password": PASSWORD, "domain": {"name": "acme"}}
    identity = {"methods": ["password"], "password": {"user": user}}
    by_name = {"project": {"name": "acme", "domain": {"name": "acme"}}}
    by_id = {"project": {"id": PROJECT}}
    assert bodies(cloud) == [
        {"auth": {"identity": identity, "scope": by_name}},
        {"auth": {"identity": identity, "scope": by_id}},
    ]


def test_an_application_credential_takes_no_scope(cloud: ScriptedCloud) -> None:
    assert cloud.open(cloud.application_credential()).project_id == PROJECT
    credential = {"id": "a" * 32, "secret": PASSWORD}
    identity = {"methods": ["application_credential"], "application_credential": credential}
    assert bodies(cloud) == [{"auth": {"identity": identity}}]


def test_a_token_of_another_project_is_not_used(cloud: ScriptedCloud) -> None:
    with pytest.raises(CredentialError, match=f"another project, {PROJECT}"):
        cloud.open(cloud.application_credential(), project="other")


@pytest.mark.parametrize("project", [{"id": "../x", "name": "acme"}, {"id": 7, "name": "acme"}])
def test_a_token_without_a_usable_project_is_not_used(
    cloud: ScriptedCloud, project: object
) -> None:
    cloud.tokens(token_answer(1, cloud.url, project=project))
    with pytest.raises(CredentialError, match="belongs to no project"):
        cloud.open()


def test_one_token_serves_many_calls(cloud: ScriptedCloud) -> None:
    volumes = cloud.open().volumes
    for _ in range(5):
        volumes.get(VOLUME)
    assert len(bodies(cloud)) == 1


def test_a_token_is_renewed_when_half_of_its_life_is_left(cloud: ScriptedCloud) -> None:
    """keystoneauth1 renews a token when less than MIN_TOKEN_LIFE_SECONDS are left of it."""
    cloud.tokens(token_answer(1, cloud.url, lifetime=timedelta(hours=24)))
    secret = cloud.secret()
    tokens = Tokens(secret, secret.login, "acme", cloud.clock)
    with requests.Session() as http:
        tokens.get_access(Session(session=http))
    assert tokens.MIN_TOKEN_LIFE_SECONDS == 12 * 3600


def test_a_cloud_whose_clock_is_behind_is_not_asked_for_a_token_each_time(
    cloud: ScriptedCloud,
) -> None:
    document = json.loads(token_answer(1, cloud.url).body)
    issued = datetime.now(UTC) - timedelta(minutes=50)
    document["token"]["issued_at"] = f"{issued:%Y-%m-%dT%H:%M:%SZ}"
    document["token"]["expires_at"] = f"{issued + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
    cloud.tokens(json_answer(201, document, X_Subject_Token="behind"))
    volumes = cloud.open().volumes
    for _ in range(3):
        volumes.get(VOLUME)
    assert len(bodies(cloud)) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_secret_is_not_tried_again(cloud: ScriptedCloud, status: int) -> None:
    opened = cloud.open()
    cloud.script("GET", VOLUME_PATH, refusal(401, DENIED))
    cloud.tokens(refusal(status, DENIED, X_Openstack_Request_Id="req-7"))
    for _ in range(3):
        with pytest.raises(CredentialError) as caught:
            opened.volumes.get(VOLUME)
        assert caught.value.refused
        assert (caught.value.status, caught.value.request_id) == (status, "req-7")
    assert len(bodies(cloud)) == 2


@pytest.mark.parametrize(
    ("answer", "kind", "refused"),
    [
        (refusal(401, DENIED), CredentialError, True),
        (refusal(403, DENIED), CredentialError, True),
        (Answer(401, b"<html>"), CredentialError, True),
        (
            refusal(
                401,
                {
                    "receipt": {"methods": ["password"], "expires_at": "2026-03-02T02:10:00Z"},
                    "required_auth_methods": [["totp", "password"]],
                },
                Openstack_Auth_Receipt="r",
            ),
            CredentialError,
            True,
        ),
        (refusal(400, {"error": {"code": 400, "message": "x"}}), CredentialError, False),
        (refusal(404, {"error": {"code": 404, "message": "x"}}), CredentialError, False),
        (refusal(500, {}), CloudUnavailable, False),
        (refusal(503, {}), Throttled, False),
        (Answer(200, b"<html>"), CloudUnavailable, False),
        (Answer(201, b""), CloudUnavailable, False),
        (json_answer(201, []), CloudUnavailable, False),
        (json_answer(201, 7), CloudUnavailable, False),
        (json_answer(201, {"token": {}}, X_Subject_Token="t"), CloudUnavailable, False),
        (json_answer(201, {"token": {}}), CloudUnavailable, False),
        (WITHOUT_TOKEN, CloudUnavailable, False),
        (json_answer(201, {"token": None}, X_Subject_Token="t"), CloudUnavailable, False),
        (
            json_answer(201, {"token": {"expires_at": "x", "issued_at": "y"}}, X_Subject_Token="t"),
            CloudUnavailable,
            False,
        ),
    ],
)
def test_what_a_failed_token_call_means(
    cloud: ScriptedCloud,
    answer: Answer,
    kind: type[CloudError],
    refused: bool,  # noqa: FBT001 - an expected value
) -> None:
    cloud.tokens(answer)
    with pytest.raises(CloudError) as caught:
        cloud.open()
    assert type(caught.value) is kind
    assert getattr(caught.value, "refused", False) is refused
    assert "/identity/v3/auth/tokens" in str(caught.value)
    assert len(bodies(cloud)) == 1


def test_a_token_call_that_was_turned_away_for_its_pace_has_another_turn(
    cloud: ScriptedCloud,
) -> None:
    cloud.tokens(refusal(429, {}), refusal(429, {}), token_answer(1, cloud.url))
    cloud.open()
    assert len(bodies(cloud)) == 3
    cloud.tokens(refusal(429, {}))
    with pytest.raises(Throttled):
        cloud.open()


def test_an_unknown_application_credential_is_refused_with_404(cloud: ScriptedCloud) -> None:
    cloud.tokens(refusal(404, {"error": {"code": 404, "message": "Could not find"}}))
    with pytest.raises(CredentialError) as caught:
        cloud.open(cloud.application_credential())
    assert caught.value.refused


# --- the sandbox as identity service


def opened(cloud: CloudSandbox, secret: Secret, scripted: ScriptedCloud) -> OpenedCloud:
    config = scripted.config(dialect=cloud.dialect, region=cloud.region, project=cloud.project_name)
    return open_cloud(config, secret, clock=scripted.clock, tls=TLS)


@pytest.mark.parametrize("dialect", Dialect)
@pytest.mark.parametrize("kind", ["password", "application_credential"])
def test_both_kinds_open_both_dialects(dialect: Dialect, kind: str) -> None:
    with CloudSandbox(dialect=dialect, volumes=2) as cloud:
        secret = parse_secret(json.dumps(cloud.secret("export", kind)), "x")
        found = opened(cloud, secret, ScriptedCloud())
        assert found.project_id == cloud.project_id
        assert len(found.volumes.all()) == 2


class LockThatIsLeftLate:
    """A lock after which something happens before its holder goes on."""

    def __init__(self, happens: Callable[[], object]) -> None:
        self._happens = happens

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._happens()


def test_a_token_that_another_thread_has_replaced_meanwhile_is_no_crash(
    cloud: ScriptedCloud,
) -> None:
    """keystoneauth1 looks at its token again, once it has let go of its lock."""
    secret = cloud.secret()
    tokens = Tokens(secret, secret.login, PROJECT, cloud.clock)
    session = Session()
    held = tokens.get_access(session).auth_token
    others: list[Thread] = []

    def another_thread() -> None:
        others.append(Thread(target=tokens.replace, args=(held,)))
        others[-1].start()
        others[-1].join(timeout=0.2)

    tokens._lock = LockThatIsLeftLate(another_thread)  # noqa: SLF001 - the moment cannot be hit
    assert tokens.get_access(session).auth_token == held
    for other in others:
        other.join()


@pytest.mark.parametrize("dialect", Dialect)
def test_revoked_tokens_are_replaced_without_a_word(dialect: Dialect) -> None:
    with CloudSandbox(dialect=dialect, volumes=2) as cloud:
        secret = parse_secret(json.dumps(cloud.secret("export")), "x")
        found = opened(cloud, secret, ScriptedCloud())
        cloud.identity.revoke_all()
        assert len(found.volumes.all()) == 2
        cloud.identity.revoke_all()
        assert found.images.all() == ()


# --- secrecy


def test_no_secret_shows_up_anywhere_at_debug_level(
    cloud: ScriptedCloud, caplog: pytest.LogCaptureFixture
) -> None:
    """Logs of every library at debug level, every error with its whole chain, every repr."""
    names = ("", "keystoneauth", "keystoneauth.session", "keystoneauth.identity")
    for name in (*names, "keystoneauth.identity.v3.base", "urllib3", "requests", "volume_images"):
        caplog.set_level(logging.DEBUG, logger=name)

    def echo(request: Request) -> str:
        token = request.header("X-Auth-Token")
        return f"no {PASSWORD} {token} canonicalRequest canary-canonical"

    shown = []
    found = cloud.open()
    shown += [repr(found), repr(found.volumes), repr(cloud.secret())]
    for answer in (
        lambda request: refusal(400, {"badRequest": {"message": echo(request)}}),
        lambda request: refusal(401, {"error_code": "APIGW.0301", "error_msg": echo(request)}),
        lambda request: Answer(500, echo(request).encode()),
    ):
        cloud.script("POST", ACTION, answer)
        with pytest.raises(CloudError) as caught:
            found.volumes.export(export_request())
        shown += traceback.format_exception(caught.value)
        shown.append(repr(caught.value))
    message = f"no {PASSWORD}"
    for denied in (refusal(401, {"error": {"code": 401, "message": message}}), Answer(401, b"<")):
        cloud.tokens(denied)
        with pytest.raises(CloudError) as caught:
            cloud.open()
        shown += [*traceback.format_exception(caught.value), repr(caught.value)]
    shown += [record.getMessage() for record in caplog.records]
    assert len(caplog.records) > 10
    for canary in (PASSWORD, "canary-token", "canary-canonical", "canary"):
        assert [line for line in shown if canary in line] == []
