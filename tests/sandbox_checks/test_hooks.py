"""The hook around every request: it hears, it can stop the world, and it can lose an answer."""

from collections.abc import Callable, Iterator

import boto3
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ConnectionClosedError

from tests.sandbox.aws_server import ACCESS_KEY, CLIENT_CONFIG, SECRET_KEY, AwsSandbox
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.wire import HangUp, Request
from tests.sandbox_checks.conftest import Api
from volume_images.dialect import Dialect

VOLUMES = "/volume/v3/{pid}/volumes/detail"


class StopAt:
    """Stops the world at one call: from then on nothing is answered any more."""

    def __init__(self, call: int, *, worked: bool) -> None:
        self.call = call
        self.worked = worked
        self.heard: list[str] = []

    def before(self, request: Request) -> None:
        self.heard.append(f"{request.method} {request.sent_path}")
        calls = len(self.heard)
        if calls > self.call or (calls == self.call and not self.worked):
            raise HangUp

    def after(self, _: Request) -> None:
        if self.worked and len(self.heard) >= self.call:
            raise HangUp


@pytest.fixture(scope="module")
def shared_cloud() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.OPENSTACK) as cloud:
        yield cloud


@pytest.mark.parametrize(("worked", "exports"), [(False, 0), (True, 1)])
def test_the_world_stops_before_or_after_the_work_of_one_call(
    shared_cloud: CloudSandbox, connect: Callable[..., Api], *, worked: bool, exports: int
) -> None:
    shared_cloud.reset()
    api = connect(shared_cloud)
    shared_cloud.hook = hook = StopAt(2, worked=worked)
    assert api("GET", VOLUMES).status_code == 200
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        api.export()
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        api("GET", VOLUMES)
    shared_cloud.hook = None
    assert len(shared_cloud.world.exports) == exports
    assert hook.heard[0] == f"GET /volume/v3/{shared_cloud.project_id}/volumes/detail"
    assert api("GET", VOLUMES).status_code == 200


def test_the_clock_is_no_call_to_the_cloud(shared_cloud: CloudSandbox) -> None:
    shared_cloud.hook = StopAt(1, worked=False)
    assert requests.get(shared_cloud.clock_url, timeout=5).status_code == 200
    shared_cloud.hook = None


@pytest.mark.parametrize(("worked", "bodies"), [(False, [b"old"]), (True, [b"old", b"new"])])
def test_a_write_to_s3_is_stopped_before_or_after_its_work(
    *, worked: bool, bodies: list[bytes]
) -> None:
    with AwsSandbox() as aws:
        bucket = aws.create_bucket(f"hooked-{aws.account_id}")
        aws.s3.put_object(Bucket=bucket, Key="state", Body=b"old")
        aws.hook = StopAt(1, worked=worked)
        answer = _put_once(aws, bucket)
        aws.hook = None
        versions = aws.s3.list_object_versions(Bucket=bucket)["Versions"]
        read = [
            aws.s3.get_object(Bucket=bucket, Key="state", VersionId=each["VersionId"])
            for each in versions
        ]
        assert sorted(each["Body"].read() for each in read) == sorted(bodies)
    assert answer == "no answer"


def _put_once(aws: AwsSandbox, bucket: str) -> str:
    """Write without the client's usual retries."""
    once = CLIENT_CONFIG.merge(Config(retries={"total_max_attempts": 1}))
    s3 = boto3.client(
        "s3",
        endpoint_url=aws.url,
        region_name=aws.region,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        config=once,
    )
    try:
        s3.put_object(Bucket=bucket, Key="state", Body=b"new")
    except ConnectionClosedError:
        return "no answer"
    finally:
        s3.close()
    return "answer"
