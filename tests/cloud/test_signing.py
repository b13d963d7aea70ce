"""SDK-HMAC-SHA256 is signed as the vendor's own package signs it, to the letter."""

from datetime import UTC, datetime
from random import Random
from urllib.parse import quote

import pytest
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from volume_images.cloud.signing import (
    Signable,
    authorization,
    canonical_path,
    canonical_query,
    date_text,
    signature,
)

AK = "AKIDEXAMPLE00000001A"
SK = "SKexample/0123456789+abcdefghijklmnopqrst"
PID = "0123456789abcdef0123456789abcdef"
DATE = "20240227T120000Z"
EVS = "evs.eu-west-101.myhuaweicloud.com"
IMS = "ims.eu-west-101.myhuaweicloud.com"
IAM = "iam.myhuaweicloud.com"
IMAGE = "c5333daa-fbc8-4d1d-bf79-b0567bb45d15"
JSON = {"Content-Type": "application/json"}
PROJECT = {"X-Project-Id": PID}
EXPORT_BODY = (
    b'{"os-volume_upload_image":{"image_name":"vol-1.20240227","force":true,'
    b'"container_format":"bare","disk_format":"zvhd2","__os_type":"linux"}}'
)
LISTING = (
    ("__imagetype", "private"),
    ("limit", "500"),
    ("created_at", "lt:2024-02-01T00:00:00Z"),
    ("tag", "managed-by=evs export"),
    ("status", "active"),
)


def request(
    method: str,
    host: str,
    path: str,
    *,
    query: tuple[tuple[str, str], ...] = (),
    headers: dict[str, str] | None = None,
    body: bytes = b"",
) -> Signable:
    signed = {"Host": host, "X-Sdk-Date": DATE, **(headers or {})}
    return Signable(method=method, path=path, query=query, headers=signed, body=body)


VECTORS = {
    "an export": (
        request(
            "POST",
            EVS,
            f"/v3/{PID}/volumes/16369c5d-384d-4e64-b37a-56d898769362/action",
            headers={**JSON, **PROJECT},
            body=EXPORT_BODY,
        ),
        "af3154700e4f43ea91a9a222353647b5b43f9e41c8197e9d78b192ca98a9f85a",
    ),
    "a listing with a query": (
        request("GET", IMS, "/v2/cloudimages", query=LISTING, headers=PROJECT),
        "aedb9e2b800cca434efce876aeb080108a76735281defb7a0d7f57e53839ef4f",
    ),
    "a deletion with a temporary key": (
        request(
            "DELETE",
            IMS,
            f"/v2/images/{IMAGE}",
            headers={**JSON, **PROJECT, "X-Security-Token": "STSTOKENEXAMPLE=="},
        ),
        "4a8b5156b7b9501afc170a54387cf388edd02bed73aedfb21be19b244e180232",
    ),
    "a look-up of a project": (
        request(
            "GET",
            IAM,
            "/v3/projects",
            query=(("name", "eu-west-101"),),
            headers={"X-Domain-Id": "fedcba9876543210fedcba9876543210"},
        ),
        "6f8d6b933b1e35af6357a3dbfd5bd7608999c1f4af46cd7c94e777fe1f53c642",
    ),
    "a path that must be encoded": (
        request("PUT", IMS, f"/v2/images/{IMAGE}/tags/k%20%C3%A9~x", headers=PROJECT),
        "039c31c107bc039c23b07a58fdf0dd8a4b3bcc38d609399fafdb318e43f5e82f",
    ),
    "a look-up without the account's id": (
        request("GET", IAM, "/v3/projects", query=(("name", "eu-west-101"),)),
        "157acd6829719b91a320595e52e527a65a213ed558fa504490b3398c6cd4326d",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_known_requests_have_their_known_signatures(name: str) -> None:
    signable, expected = VECTORS[name]
    assert signature(signable, SK) == expected


def test_the_example_of_the_signing_guide() -> None:
    """The API Request Signing Guide publishes key, date, and both hashes of this request."""
    example = Signable(
        method="GET",
        path="/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs",
        query=(("limit", "2"), ("marker", "13551d6b-755d-4757-b956-536f674975c0")),
        headers={
            "Host": "service.region.example.com",
            "Content-Type": "application/json",
            "X-Sdk-Date": "20191115T033655Z",
        },
    )
    assert signature(example, "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc") == (
        "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe"
    )


def officially(signable: Signable, key: str, secret: str) -> str:
    """Have the vendor's package sign the same request."""
    theirs = SdkRequest(
        method=signable.method,
        schema="https",
        host=signable.headers["Host"],
        resource_path=signable.path,
        query_params=list(signable.query),
        header_params={name: text for name, text in signable.headers.items() if name != "Host"},
        body=signable.body,
    )
    signed = BasicCredentials(key, secret, None).sign_request(theirs)
    return str(signed.header_params["Authorization"])


LETTERS = "abcXYZ019-_.~ /%+&=?#:;,!*'()[]{}@$\"\\|<>^`éß漢🙂\t"


def text(random: Random, longest: int, letters: str = LETTERS) -> str:
    return "".join(random.choices(letters, k=random.randrange(longest)))


def any_request(random: Random) -> Signable:
    parts = [quote(text(random, 12), safe=random.choice(["", "~", "/:@"])) for _ in range(4)]
    query = [(text(random, 8), text(random, 16)) for _ in range(random.randrange(6))]
    headers = {"Host": random.choice([EVS, IMS, f"{IAM}:8443"]), "X-Sdk-Date": DATE}
    if random.random() < 0.5:
        headers["Content-Type"] = random.choice(["application/json", "application/json;charset=u"])
    if random.random() < 0.5:
        headers["X-Security-Token"] = "t" + text(random, 200, "abcXYZ019+/=")
    if random.random() < 0.7:
        headers["X-Project-Id"] = PID
    return Signable(
        method=random.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"]),
        path="/" + "/".join(parts[: random.randrange(5)]),
        query=tuple(query),
        headers=headers,
        body=random.randbytes(random.choice([0, 0, 1, 300])),
    )


def test_two_thousand_random_requests_are_signed_as_the_vendor_s_package_does() -> None:
    random = Random(20_240_227)  # noqa: S311 - the same requests every time
    for _ in range(2000):
        signable = any_request(random)
        secret = "k" + text(random, 40, "abcXYZ019+/=")
        assert authorization(signable, AK, secret) == officially(signable, AK, secret), signable


@given(path=st.text(max_size=20), pairs=st.lists(st.tuples(st.text(max_size=5), st.text())))
@examples(50)
def test_paths_and_queries_are_ascii_and_in_one_form(
    path: str, pairs: list[tuple[str, str]]
) -> None:
    canonical = canonical_path(f"/{path}")
    assert canonical.isascii()
    assert canonical.endswith("/")
    assert canonical_query(pairs) == canonical_query(reversed(pairs))


def test_a_header_s_case_and_outer_spaces_do_not_count() -> None:
    one = Signable(method="get", path="/", headers={"host": " h ", "X-Sdk-Date": DATE})
    other = Signable(method="GET", path="/", headers={"Host": "h", "X-Sdk-Date": DATE})
    assert authorization(one, AK, SK) == authorization(other, AK, SK)


def test_the_authorization_names_key_and_headers_and_holds_no_secret() -> None:
    signable, expected = VECTORS["a listing with a query"]
    assert authorization(signable, AK, SK) == (
        f"SDK-HMAC-SHA256 Access={AK}, SignedHeaders=host;x-project-id;x-sdk-date,"
        f" Signature={expected}"
    )


def test_dates_are_written_in_the_short_form() -> None:
    assert date_text(datetime(2024, 2, 27, 12, tzinfo=UTC)) == DATE
