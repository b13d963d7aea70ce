"""Agencies: our user's token buys one of another account, and is no more to be seen than it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import requests
from keystoneauth1.session import Session

from tests.cloud.sandbox_opened import open_sandbox
from tests.cloud.scripted import (
    PASSWORD,
    PROJECT,
    VOLUME,
    VOLUME_PATH,
    ScriptedCloud,
    refusal,
    token_answer,
    volume_document,
)
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.wire import Answer, json_answer
from volume_images.cloud.credentials import Secret
from volume_images.cloud.open import OpenedCloud
from volume_images.cloud.tokens import Tokens
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, CredentialError

TOKENS = "/identity/v3/auth/tokens"
AGENCY = {"name": "volume-images", "domain": "customer"}


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as running:
        running.script("GET", VOLUME_PATH, json_answer(200, {"volume": volume_document()}))
        yield running


@pytest.fixture(scope="module")
def sandbox() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.HUAWEI, volumes=2) as running:
        yield running


def agency_secret(cloud: ScriptedCloud) -> Secret:
    return cloud.secret(agency=AGENCY)


def opened(cloud: CloudSandbox, project: str = "", **changes: object) -> OpenedCloud:
    secret = {**cloud.secret("export", "agency"), **changes}
    return open_sandbox(
        cloud, secret, project=project or cloud.project_name, endpoints=cloud.endpoints
    )


def test_a_token_of_our_account_buys_one_of_theirs(cloud: ScriptedCloud) -> None:
    assert cloud.open(agency_secret(cloud)).project_id == PROJECT
    ours, theirs = cloud.seen
    user = {"name": "exporter", "password": PASSWORD, "domain": {"name": "acme"}}
    assert ours.json()["auth"] == {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"domain": {"name": "acme"}},
    }
    agency = {"agency_name": "volume-images", "domain_name": "customer"}
    assert theirs.json()["auth"] == {
        "identity": {"methods": ["assume_role"], "assume_role": agency},
        "scope": {"project": {"name": "acme"}},
    }
    assert (ours.header("X-Auth-Token"), theirs.header("X-Auth-Token")) == ("", "canary-token-1")


def test_services_see_the_agency_s_token_alone(cloud: ScriptedCloud) -> None:
    cloud.open(agency_secret(cloud), project=PROJECT).volumes.get(VOLUME)
    assert cloud.seen[1].json()["auth"]["scope"] == {"project": {"id": PROJECT}}
    assert cloud.seen[-1].header("X-Auth-Token") == "canary-token-2"
    assert len(cloud.seen) == 3


def test_the_agency_s_token_is_renewed_at_its_half_life(cloud: ScriptedCloud) -> None:
    """keystoneauth1 renews a token when less than MIN_TOKEN_LIFE_SECONDS are left of it."""
    lifetimes = [timedelta(days=1), timedelta(hours=1)]
    cloud.tokens(*(token_answer(1, cloud.url, lifetime=lifetime) for lifetime in lifetimes))
    secret = agency_secret(cloud)
    tokens = Tokens(secret, secret.login, "acme", cloud.clock)
    with requests.Session() as http:
        tokens.get_access(Session(session=http))
    assert tokens.MIN_TOKEN_LIFE_SECONDS == 1800


def test_a_new_token_of_the_agency_is_bought_with_a_new_one_of_ours(cloud: ScriptedCloud) -> None:
    opened = cloud.open(agency_secret(cloud))
    cloud.script("GET", VOLUME_PATH, refusal(401, {}), cloud.scripts["GET", VOLUME_PATH][0])
    assert opened.volumes.get(VOLUME) is not None
    posts = [seen for seen in cloud.seen if seen.method == "POST"]
    asked_with = [seen.header("X-Auth-Token") for seen in posts]
    assert asked_with == ["", "canary-token-1", "", "canary-token-3"]


@pytest.mark.parametrize("status", [401, 403])
@pytest.mark.parametrize("step", [1, 2])
def test_a_refusal_of_either_step_is_not_tried_again(
    cloud: ScriptedCloud, status: int, step: int
) -> None:
    echo = ("", PASSWORD, f"{PASSWORD} canary-token-1")[step]
    denied = {"error": {"code": status, "message": f"no {echo}"}}
    answers = [token_answer(1, cloud.url)] * (step - 1) + [refusal(status, denied)]
    cloud.tokens(*answers)
    with pytest.raises(CredentialError) as caught:
        cloud.open(agency_secret(cloud))
    assert caught.value.refused
    assert "canary" not in str(caught.value)
    assert len(cloud.seen) == step


def test_an_answer_without_a_token_is_no_refusal(cloud: ScriptedCloud) -> None:
    cloud.tokens(token_answer(1, cloud.url), Answer(201, b"<html>"))
    with pytest.raises(CloudUnavailable, match="without a token"):
        cloud.open(agency_secret(cloud))


def test_the_sandbox_lets_the_operator_act_for_the_exporter(sandbox: CloudSandbox) -> None:
    for project in (sandbox.project_name, sandbox.project_id):
        cloud = opened(sandbox, project)
        assert (cloud.project_id, len(cloud.volumes.all())) == (sandbox.project_id, 2)
    sandbox.identity.revoke_all()
    assert cloud.images.all() == ()


@pytest.mark.parametrize(
    "agency",
    [{"name": "unknown", "domain": "acme"}, {"name": "exporter-agency", "domain": "elsewhere"}],
)
def test_an_agency_that_is_not_delegated_is_refused(
    sandbox: CloudSandbox, agency: dict[str, str]
) -> None:
    with pytest.raises(CredentialError, match="403") as caught:
        opened(sandbox, agency=agency)
    assert caught.value.refused
