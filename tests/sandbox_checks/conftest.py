"""A sandbox in each dialect, and a plain HTTP client with a token for it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tests.sandbox.cloud_server import CloudSandbox
from volume_images.dialect import Dialect

DB01 = "16369c5d-384d-4e64-b37a-56d898769362"


class Api:
    """Plain HTTP with a user's token; paths begin at the service: `/image/v2/images`."""

    def __init__(self, cloud: CloudSandbox, role: str = "export") -> None:
        self.cloud = cloud
        self.session = requests.Session()
        self.session.headers["X-Auth-Token"] = self.token(role)

    def token(self, role: str) -> str:
        secret = self.cloud.secret(role)
        domain = {"name": secret["domain"]}
        user = {"name": secret["username"], "password": secret["password"], "domain": domain}
        scope = {"project": {"name": self.cloud.project_name, "domain": domain}}
        auth = {
            "identity": {"methods": ["password"], "password": {"user": user}},
            "scope": scope,
        }
        answer = self.session.post(
            f"{self.cloud.auth_url}/auth/tokens", json={"auth": auth}, timeout=5
        )
        assert answer.status_code == 201, answer.text
        return answer.headers["X-Subject-Token"]

    def __call__(self, method: str, path: str, **arguments: Any) -> requests.Response:  # noqa: ANN401 - requests' own
        path = path.replace("{pid}", self.cloud.project_id)
        return self.session.request(method, self.cloud.url + path, timeout=5, **arguments)

    def export(
        self,
        volume_id: str = DB01,
        version: str = "v3",
        headers: dict[str, str] | None = None,
        **options: object,
    ) -> requests.Response:
        path = f"/volume/{version}/{{pid}}/volumes/{volume_id}/action"
        body = {"os-volume_upload_image": {"image_name": "x", **options}}
        return self("POST", path, json=body, headers=headers)


@pytest.fixture(params=list(Dialect))
def cloud(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=request.param) as cloud:
        yield cloud


@pytest.fixture
def openstack_cloud() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.OPENSTACK, volumes=5) as cloud:
        yield cloud


@pytest.fixture
def huawei_cloud() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.HUAWEI, volumes=5) as cloud:
        yield cloud


@pytest.fixture
def connect() -> Iterator[Callable[..., Api]]:
    opened: list[Api] = []

    def open_api(cloud: CloudSandbox, role: str = "export") -> Api:
        opened.append(Api(cloud, role))
        return opened[-1]

    yield open_api
    for api in opened:
        api.session.close()
