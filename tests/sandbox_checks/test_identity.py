"""Tokens: who gets one, how long it lives, and how each service refuses one."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import requests

from tests.sandbox.cloud_server import CloudSandbox
from volume_images.dialect import Dialect

Connect = Callable[..., Any]


def ask(cloud: CloudSandbox, auth: dict[str, Any], query: str = "") -> requests.Response:
    url = f"{cloud.auth_url}/auth/tokens{query}"
    return requests.post(url, json={"auth": auth}, timeout=5)


def by_password(cloud: CloudSandbox, **changes: object) -> dict[str, Any]:
    secret = cloud.secret("export")
    user = {
        "name": secret["username"],
        "password": secret["password"],
        "domain": {"name": secret["domain"]},
        **changes,
    }
    return {
        "identity": {"methods": ["password"], "password": {"user": user}},
        "scope": {"project": {"id": cloud.project_id}},
    }


def by_credential(cloud: CloudSandbox, **changes: str) -> dict[str, Any]:
    secret = cloud.secret("export", kind="application_credential")
    credential = {
        "id": secret["application_credential_id"],
        "secret": secret["application_credential_secret"],
        **changes,
    }
    methods = ["application_credential"]
    return {"identity": {"methods": methods, "application_credential": credential}}


def test_a_password_token_names_project_expiry_and_catalogue(cloud: CloudSandbox) -> None:
    answer = ask(cloud, by_password(cloud))
    token = answer.json()["token"]
    assert answer.status_code == 201
    assert answer.headers["X-Subject-Token"]
    assert token["project"]["id"] == cloud.project_id
    assert token["expires_at"].endswith("Z")
    services = {service["type"] for service in token["catalog"]}
    assert services == {"volumev3", "block-storage", "image", "identity"}


def test_nocatalog_empties_the_catalogue(huawei_cloud: CloudSandbox) -> None:
    answer = ask(huawei_cloud, by_password(huawei_cloud), "?nocatalog=true")
    assert answer.json()["token"]["catalog"] == []


def test_each_role_is_a_user_of_its_own(cloud: CloudSandbox) -> None:
    names = [cloud.secret(role)["username"] for role in ("export", "cleanup", "restore")]
    assert names == ["exporter", "cleaner", "restorer"]


def test_wrong_credentials_are_401(cloud: CloudSandbox) -> None:
    auths = [
        by_password(cloud, password="wrong"),
        by_password(cloud, name="nobody"),
        {**by_password(cloud), "scope": {"project": {"id": "nowhere"}}},
        by_credential(cloud, secret="wrong"),
    ]
    assert [ask(cloud, auth).status_code for auth in auths] == [401] * 4


def test_an_unknown_application_credential_is_404(cloud: CloudSandbox) -> None:
    answer = ask(cloud, by_credential(cloud, id="0" * 32))
    error = answer.json()["error"]
    assert (answer.status_code, error["code"], error["title"]) == (404, 404, "Not Found")


def test_an_application_credential_takes_no_scope(cloud: CloudSandbox) -> None:
    auth = {**by_credential(cloud), "scope": {"project": {"id": cloud.project_id}}}
    assert ask(cloud, auth).status_code == 403


def test_a_malformed_token_request_is_400(cloud: CloudSandbox) -> None:
    assert ask(cloud, {}).status_code == 400
    answer = requests.post(f"{cloud.auth_url}/auth/tokens", data=b"{nope", timeout=5)
    assert answer.status_code == 400


def test_a_project_name_needs_its_domain_in_keystone_only(
    openstack_cloud: CloudSandbox, huawei_cloud: CloudSandbox
) -> None:
    def named(cloud: CloudSandbox) -> int:
        scope = {"project": {"name": cloud.project_name}}
        return ask(cloud, {**by_password(cloud), "scope": scope}).status_code

    assert (named(openstack_cloud), named(huawei_cloud)) == (400, 201)


def test_projects_are_found_by_name(cloud: CloudSandbox, connect: Connect) -> None:
    api = connect(cloud)
    found = api("GET", f"/identity/v3/projects?name={cloud.project_name}").json()["projects"]
    assert [project["id"] for project in found] == [cloud.project_id]
    assert api("GET", "/identity/v3/projects?name=other").json()["projects"] == []
    assert len(api("GET", "/identity/v3/auth/projects").json()["projects"]) == 1


def test_tokens_expire_in_real_time_not_in_the_sandbox_s(
    cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(cloud)
    cloud.clock.advance(timedelta(days=30))
    assert api("GET", "/image/v2/images").status_code == 200
    cloud.identity.token_lifetime = timedelta(seconds=-1)
    api.session.headers["X-Auth-Token"] = api.token("export")
    assert api("GET", "/image/v2/images").status_code == 401


@pytest.mark.parametrize("token", ["", "garbage", "expired"])
def test_services_of_openstack_refuse_a_token_in_their_own_shapes(
    openstack_cloud: CloudSandbox, connect: Connect, token: str
) -> None:
    api = connect(openstack_cloud)
    if token == "expired":
        openstack_cloud.identity.token_lifetime = timedelta(0)
        token = api.token("export")
    api.session.headers["X-Auth-Token"] = token
    volumes = api("GET", "/volume/v3/{pid}/volumes/detail")
    html = api("GET", "/image/v2/images")
    json = api("GET", "/image/v2/images", headers={"Accept": "application/json"})
    assert (volumes.status_code, html.status_code, json.status_code) == (401, 401, 401)
    assert volumes.json()["error"]["title"] == "Unauthorized"
    assert html.headers["Content-Type"].startswith("text/html")
    assert json.json()["code"] == "401 Unauthorized"


def test_the_gateway_of_huawei_tells_apart_why_it_refuses_a_token(
    huawei_cloud: CloudSandbox, connect: Connect
) -> None:
    api = connect(huawei_cloud)
    huawei_cloud.identity.token_lifetime = timedelta(0)
    expired = api.token("export")
    refusals = []
    for token in ("", "garbage", expired):
        api.session.headers["X-Auth-Token"] = token
        answer = api("GET", "/volume/v2/{pid}/cloudvolumes/detail")
        body = answer.json()
        refusals.append((answer.status_code, body["error_code"], body["error_msg"][-24:]))
    assert refusals == [
        (401, "APIGW.0301", ": x-auth-token not found"),
        (401, "APIGW.0301", "ation: decrypt token fail"[-24:]),
        (401, "APIGW.0307", "e token must be updated."),
    ]


def test_a_revoked_token_opens_nothing(cloud: CloudSandbox, connect: Connect) -> None:
    api = connect(cloud)
    token = api.session.headers["X-Auth-Token"]
    path, headers = "/identity/v3/auth/tokens", {"X-Subject-Token": token}
    assert api("GET", path, headers=headers).status_code == 200
    assert api("DELETE", path, headers=headers).status_code == 204
    assert api("GET", "/image/v2/images").status_code == 401


def test_versions_are_told_without_a_token(openstack_cloud: CloudSandbox) -> None:
    statuses = [
        requests.get(openstack_cloud.url + path, timeout=5).status_code
        for path in ("/identity", "/identity/v3", "/volume", "/volume/v3", "/image")
    ]
    assert statuses == [300, 200, 300, 200, 300]


def test_huawei_has_no_version_documents(huawei_cloud: CloudSandbox, connect: Connect) -> None:
    answer = connect(huawei_cloud)("GET", "/volume/v3")
    assert (answer.status_code, answer.json()["error_code"]) == (404, "APIGW.0101")
    assert huawei_cloud.dialect is Dialect.HUAWEI
