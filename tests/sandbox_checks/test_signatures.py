"""The sandbox's gateway takes the official signer's requests, and no others."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import requests
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest

from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.faults import Skew
from tests.sandbox.signatures import AccessKey

Change = Callable[[dict[str, str]], object]


def signed(
    cloud: CloudSandbox, key: AccessKey, *, path: str = "", off: timedelta = timedelta()
) -> SdkRequest:
    credentials = BasicCredentials(key.id, key.secret, cloud.project_id)
    if key.security_token:
        credentials.with_security_token(key.security_token)
    return credentials.sign_request(
        SdkRequest(
            method="GET",
            schema="http",
            host=cloud.url.removeprefix("http://"),
            resource_path=path or f"/volume/v2/{cloud.project_id}/cloudvolumes/detail",
            query_params=[("limit", 10), ("name", "a b+c")],
            header_params={"X-Sdk-Date": f"{datetime.now(UTC) + off:%Y%m%dT%H%M%SZ}"},
            body="",
        )
    )


def sent(cloud: CloudSandbox, request: SdkRequest) -> tuple[int, str, str]:
    answer = requests.get(cloud.url + request.uri, headers=request.header_params, timeout=5)
    body = answer.json()
    return answer.status_code, body.get("error_code", ""), body.get("error_msg", "")


def test_permanent_and_temporary_keys_sign(huawei_cloud: CloudSandbox) -> None:
    permanent = huawei_cloud.identity.users["export"].access_key
    temporary = huawei_cloud.identity.temporary_key("export", timedelta(hours=1))
    for key in (permanent, temporary):
        assert sent(huawei_cloud, signed(huawei_cloud, key)) == (200, "", "")


def test_signed_and_unsigned_clocks_may_differ_by_a_quarter_of_an_hour(
    huawei_cloud: CloudSandbox,
) -> None:
    """Real time counts, and the sandbox's own clock, which tests move, does not."""
    key = huawei_cloud.identity.users["export"].access_key
    huawei_cloud.clock.advance(timedelta(days=100))
    answers = {
        minutes: sent(huawei_cloud, signed(huawei_cloud, key, off=timedelta(minutes=minutes)))[:2]
        for minutes in (-16, -14, 14, 16)
    }
    late = (401, "APIGW.0303")
    assert answers == {-16: late, -14: (200, ""), 14: (200, ""), 16: late}


def test_a_gateway_whose_clock_is_ahead_takes_good_signatures_for_old_ones(
    huawei_cloud: CloudSandbox,
) -> None:
    key = huawei_cloud.identity.users["export"].access_key
    with huawei_cloud.failing(Skew(seconds=1200)):
        assert sent(huawei_cloud, signed(huawei_cloud, key))[:2] == (401, "APIGW.0303")
    assert sent(huawei_cloud, signed(huawei_cloud, key))[0] == 200


CHANGES: dict[str, tuple[Change, str]] = {
    "another header": (
        lambda headers: headers.update({"X-Project-Id": "f" * 32}),
        "verify aksk signature fail, canonicalRequest:GET|/volume/v2/",
    ),
    "another date": (
        lambda headers: headers.update({"X-Sdk-Date": f"{datetime.now(UTC):%Y%m%dT%H%M}00Z"}),
        "verify aksk signature fail",
    ),
    "no date": (lambda headers: headers.pop("X-Sdk-Date"), "X-Sdk-Date is missing"),
    "another scheme": (
        lambda headers: headers.update({"Authorization": "SDK-HMAC-SM3 x"}),
        "Authorization format is incorrect",
    ),
    "fewer signed headers": (
        lambda headers: headers.update(
            {"Authorization": headers["Authorization"].replace("host;", "")}
        ),
        "SignedHeaders is incorrect",
    ),
    "another key": (
        lambda headers: headers.update(
            {"Authorization": "SDK-HMAC-SHA256 Access=X, SignedHeaders=host, Signature=" + "0" * 64}
        ),
        "Get secretKey failed,ak:X,err:ak not exist",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_was_changed_after_signing_is_refused(huawei_cloud: CloudSandbox, name: str) -> None:
    change, expected = CHANGES[name]
    request = signed(
        huawei_cloud,
        huawei_cloud.identity.users["export"].access_key,
        off=timedelta(minutes=-2),
    )
    change(request.header_params)
    status, code, message = sent(huawei_cloud, request)
    assert (status, code) == (401, "APIGW.0301")
    assert message.startswith(f"Incorrect IAM authentication information: {expected}")


def test_a_temporary_key_is_nothing_without_its_token_or_beyond_its_end(
    huawei_cloud: CloudSandbox,
) -> None:
    key = huawei_cloud.identity.temporary_key("export", timedelta(hours=1))
    bare = AccessKey(id=key.id, secret=key.secret)
    over = huawei_cloud.identity.temporary_key("export", timedelta(seconds=-1))
    messages = [sent(huawei_cloud, signed(huawei_cloud, each))[2] for each in (bare, over)]
    assert [message.partition("information: ")[2] for message in messages] == [
        "the security token is missing or not that of the access key",
        "the security token has expired",
    ]


def test_more_than_five_failures_in_a_row_lock_a_key(huawei_cloud: CloudSandbox) -> None:
    key = huawei_cloud.identity.users["export"].access_key
    wrong = AccessKey(id=key.id, secret="wrong")
    for _ in range(5):
        assert "verify aksk" in sent(huawei_cloud, signed(huawei_cloud, wrong))[2]
    assert sent(huawei_cloud, signed(huawei_cloud, key))[0] == 200
    for _ in range(6):
        sent(huawei_cloud, signed(huawei_cloud, wrong))
    locked = sent(huawei_cloud, signed(huawei_cloud, key))
    assert (locked[0], locked[1]) == (401, "APIGW.0301")
    assert locked[2].endswith("AK access failed to reach the limit,forbidden")


def test_a_signature_opens_one_project_and_iam(huawei_cloud: CloudSandbox) -> None:
    key = huawei_cloud.identity.users["export"].access_key
    other = signed(huawei_cloud, key, path=f"/volume/v2/{'f' * 32}/cloudvolumes/detail")
    answer = requests.get(huawei_cloud.url + other.uri, headers=other.header_params, timeout=5)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "Common.0018")
    assert sent(huawei_cloud, signed(huawei_cloud, key, path="/identity/v3/projects"))[0] == 200


def test_plain_openstack_knows_no_signatures(openstack_cloud: CloudSandbox) -> None:
    key = openstack_cloud.identity.users["export"].access_key
    path = f"/volume/v3/{openstack_cloud.project_id}/volumes/detail"
    request = signed(openstack_cloud, key, path=path)
    answer = requests.get(
        openstack_cloud.url + request.uri, headers=request.header_params, timeout=5
    )
    assert answer.status_code == 401
