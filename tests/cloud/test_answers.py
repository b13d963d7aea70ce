"""Every error body of these clouds becomes one error of the tree, in one clean line."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests.structures import CaseInsensitiveDict

from volume_images.cloud.answers import Answer, clean, error_of, http_date, json_object, retry_after
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    CredentialError,
    LostAnswer,
    NotFound,
    Refused,
    Throttled,
)

NOW = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)


def answer(status: int, body: object = None, **headers: str) -> Answer:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer("GET https://evs.example/v3/p", status, CaseInsensitiveDict(named), text)


def error(status: int, body: object = None, **headers: str) -> CloudError:
    return error_of(answer(status, body, **headers), hidden=("hush-hush",), now=NOW)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "message"),
    [
        (404, {"error": {"code": "EVS.5404", "message": "gone"}}, NotFound, "EVS.5404", "gone"),
        (400, {"error": {"code": "EVS.5400", "message": "bad"}}, Refused, "EVS.5400", "bad"),
        (400, {"error": {"code": "IMG.0144", "message": "none"}}, NotFound, "IMG.0144", "none"),
        (400, {"error": {"code": "IMG.0028", "message": "no"}}, Refused, "IMG.0028", "no"),
        (400, {"error": {"code": "IMG.0060", "message": "slow"}}, Throttled, "IMG.0060", "slow"),
        (
            400,
            {"error": {"code": "Common.0013", "message": "old"}},
            CredentialError,
            "Common.0013",
            "old",
        ),
        (
            401,
            {"error": {"code": 401, "message": "who?", "title": "Unauthorized"}},
            CredentialError,
            "",
            "who?",
        ),
        (403, {"error_msg": "quota", "error_code": "IAM.0002"}, Refused, "IAM.0002", "quota"),
        (400, {"badRequest": {"code": 400, "message": "no"}}, Refused, "badRequest", "no"),
        (404, {"itemNotFound": {"code": 404, "message": "x"}}, NotFound, "itemNotFound", "x"),
        (409, {"conflictingRequest": {"message": "x"}}, Refused, "conflictingRequest", "x"),
        (413, {"overLimit": {"code": 413, "message": "x"}}, Throttled, "overLimit", "x"),
        (413, {"overLimit": {"message": "x", "retryAfter": "7"}}, Throttled, "overLimit", "x"),
        (413, {"overLimit": {"message": "x", "retryAfter": "0"}}, Refused, "overLimit", "x"),
        (413, {"error": {"code": "EVS.5413", "message": "x"}}, Refused, "EVS.5413", "x"),
        (
            500,
            {"computeFault": {"code": 500, "message": "x"}},
            CloudUnavailable,
            "computeFault",
            "x",
        ),
        (
            401,
            {"error_code": "APIGW.0307", "error_msg": "The token must be updated"},
            CredentialError,
            "APIGW.0307",
            "The token must be updated",
        ),
        (429, {"error_code": "APIGW.0308", "error_msg": "x"}, Throttled, "APIGW.0308", "x"),
        (404, {"error_code": "APIGW.0101", "error_msg": "no API"}, Refused, "APIGW.0101", "no API"),
        (403, {"code": "STS5.1", "message": "x"}, Refused, "STS5.1", "x"),
        (400, {"errorCode": "X.1", "errorMsg": "y"}, Refused, "X.1", "y"),
        (
            403,
            {"message": "Protected.<br /><br />\n\n\n", "code": "403 Forbidden", "title": "F"},
            Refused,
            "",
            "Protected.",
        ),
        (503, {}, Throttled, "", "answered a body that cannot be understood"),
        (400, {"a": {"b": {"code": "C.1", "message": "deep"}}}, Refused, "C.1", "deep"),
    ],
)
def test_each_body_shape_gives_type_code_and_message(
    status: int, body: object, kind: type[CloudError], code: str, message: str
) -> None:
    found = error(status, body)
    assert (type(found), found.status, found.code) == (kind, status, code)
    assert found.message == f"GET https://evs.example/v3/p: {message}"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, CloudUnavailable),
        (400, Refused),
        (401, CredentialError),
        (403, Refused),
        (404, CloudUnavailable),
        (408, CloudUnavailable),
        (429, Throttled),
        (500, CloudUnavailable),
        (502, CloudUnavailable),
        (503, Throttled),
        (504, CloudUnavailable),
    ],
)
@pytest.mark.parametrize(
    ("body", "said"), [(b"<html>oops</html>", "an HTML page"), (b" ", "an empty body")]
)
def test_pages_and_empty_bodies_have_the_meaning_of_their_status(
    status: int, kind: type[CloudError], body: bytes, said: str
) -> None:
    """A page with 404 does not prove that the image is gone: a proxy has pages, too."""
    found = error(status, body)
    assert type(found) is kind
    assert said in found.message


@pytest.mark.parametrize("name", ["X-Request-Id", "x-openstack-request-id", "x-compute-request-id"])
def test_the_request_id_is_kept_whichever_header_carries_it(name: str) -> None:
    assert error(500, {}, **{name: "req-1"}).request_id == "req-1"


def test_the_gateway_puts_the_request_id_into_the_body() -> None:
    assert error(401, {"error_code": "APIGW.0301", "request_id": "abc"}).request_id == "abc"


def test_a_request_id_that_is_none_is_left_out() -> None:
    assert error(500, {"request_id": 7}, X_Request_Id="a b\tc").request_id == ""


def test_retry_after_is_seconds_or_a_date() -> None:
    later = (NOW + timedelta(seconds=90)).strftime("%a, %d %b %Y %H:%M:%S GMT")
    waits = [error(429, {}, Retry_After=text) for text in ("12", later, "soon", "")]
    assert [e.retry_after for e in waits if isinstance(e, Throttled)] == [12, 90, None, None]


def test_cinder_says_in_the_body_when_to_come_back() -> None:
    waits = [
        error(413, {"overLimit": {"code": 413, "message": "x", "retryAfter": told}})
        for told in ("7", 7, "soon", None, [7])
    ]
    assert [e.retry_after for e in waits if isinstance(e, Throttled)] == [7, 7, None, None, None]


def test_a_full_quota_of_cinder_is_no_matter_of_pace() -> None:
    """It answers 413 with a Retry-After of 0 (`QuotaError`, cinder/exception.py)."""
    full = {"overLimit": {"code": 413, "message": "Maximum number of volumes allowed (10)"}}
    assert type(error(413, full, Retry_After="0")) is Refused


def test_retry_after_is_bounded_and_never_negative() -> None:
    assert retry_after("9" * 50, NOW) == 86_400
    assert retry_after("Sun, 01 Mar 2026 00:00:00 GMT", NOW) == 0


@pytest.mark.parametrize("text", ["", "nonsense", "Sun, 99 Mar 2026 00:00:00 GMT"])
def test_a_date_that_is_none_is_none(text: str) -> None:
    assert http_date(text) is None


def test_a_failed_signature_does_not_echo_the_canonical_request() -> None:
    body = {
        "error_code": "APIGW.0301",
        "error_msg": "Incorrect IAM authentication information: verify aksk signature fail,"
        " canonicalRequest:GET|/v2/cloudimages/|limit=1|host:ims|x-sdk-date:2026|secret-header",
    }
    message = error(401, body).message
    assert message.endswith("verify aksk signature fail")


def test_secrets_and_tokens_that_come_back_in_a_message_are_struck_out() -> None:
    token = "gAAAA" + "x" * 200
    found = error(400, {"badRequest": {"message": f"bad hush-hush and {token}"}})
    assert found.message.endswith("bad *** and ***")


@given(st.text(max_size=2000))
def test_a_message_is_one_short_printable_line(text: str) -> None:
    line = clean(text, ("hush",))
    assert len(line) <= 300
    assert line.isprintable()
    assert "hush" not in line


@given(
    st.sampled_from([200, 301, 400, 401, 403, 404, 413, 429, 500, 503]),
    st.binary(max_size=50)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(["error", "code", "message", "error_code", "errorMsg", "x"]),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    ),
)
def test_no_body_is_too_strange_to_be_an_error(status: int, body: object) -> None:
    found = error(status, body)
    assert found.status == status
    assert not isinstance(found, LostAnswer)


def test_a_nested_bomb_is_no_json() -> None:
    assert isinstance(error(500, b"[" * 100_000), CloudUnavailable)


def test_a_success_must_hold_a_json_object() -> None:
    assert json_object(answer(200, {"a": 1})).values == {"a": 1}
    for body in (b"", b"<html>", b"[1]", b"\xff\xfe"):
        with pytest.raises(CloudUnavailable, match="instead of JSON"):
            json_object(answer(200, body))
