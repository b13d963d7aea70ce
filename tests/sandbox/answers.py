"""The error bodies of the clouds, each in the shape of the service that sends it."""

import html
import uuid
from http import HTTPStatus

from tests.sandbox.wire import Answer, Request, json_answer


class Refusal(Exception):
    """A handler's way to end a request early, with the answer it ends in."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        super().__init__(f"{answer.status}: {answer.body.decode(errors='replace')}")


def schema_error(why: str, path: str, keyword: str, schema: str, value: object) -> str:
    """Write what the jsonschema library says of a value, whole, as Glance passes it on."""
    within = "".join(f"[{part!r}]" for part in path.split("."))
    at = within.replace("['properties']", "").replace("['items']", "[0]")
    return (
        f"{why}\n\nFailed validating {keyword!r} in schema{within}:\n{schema}\n\n"
        f"On instance{at}:\n    {value!r}"
    )


def keystone_error(status: int, message: str) -> Refusal:
    """Keystone, and Huawei's IAM for its token calls: the code is a number."""
    title = HTTPStatus(status).phrase
    error = {"code": status, "message": message, "title": title}
    return Refusal(json_answer(status, {"error": error}))


def cinder_error(status: int, kind: str, message: str) -> Refusal:
    """Cinder: one key that names the kind, as in `itemNotFound`."""
    return Refusal(json_answer(status, {kind: {"code": status, "message": message}}))


def over_limit(message: str, wait: str | None) -> Refusal:
    """Cinder: too much, or too many of something; it may say how many seconds to wait.

    A full quota, that of images included, is told so too, with 0 (QuotaError in its exceptions).
    """
    told: dict[str, int | str] = {"code": 413, "message": message}
    if wait is None:
        return Refusal(json_answer(413, {"overLimit": told}))
    told["retryAfter"] = wait
    return Refusal(json_answer(413, {"overLimit": told}, Retry_After=wait))


def coded_error(status: int, code: str, message: str) -> Refusal:
    """EVS and IMS: `{"error": {"code": "EVS.5404", ...}}`."""
    return Refusal(json_answer(status, {"error": {"code": code, "message": message}}))


def gateway_error(status: int, code: str, message: str) -> Refusal:
    """Huawei's API gateway, in front of every service."""
    request_id = uuid.uuid4().hex
    body = {"error_code": code, "error_msg": message, "request_id": request_id}
    return Refusal(json_answer(status, body, X_Request_Id=request_id))


def glance_error(request: Request, status: int, message: str) -> Refusal:
    """Glance: HTML, unless the client accepts JSON; then JSON with HTML in its message."""
    title = HTTPStatus(status).phrase
    if "application/json" in request.header("Accept"):
        document = {
            "message": f"{message}<br /><br />\n\n\n",
            "code": f"{status} {title}",
            "title": title,
        }
        return Refusal(json_answer(status, document))
    return html_error(status, message)


def html_error(status: int, message: str) -> Refusal:
    """WebOb, the library below Cinder and Glance: what no part of theirs has put in words."""
    title = HTTPStatus(status).phrase
    page = (
        f"<html>\n <head>\n  <title>{status} {title}</title>\n </head>\n"
        f" <body>\n  <h1>{status} {title}</h1>\n"
        f"  {html.escape(message)}<br /><br />\n\n\n\n </body>\n</html>"
    )
    return Refusal(Answer(status, page.encode(), {"Content-Type": "text/html; charset=UTF-8"}))


def challenge(request: Request) -> str:
    """Say, in a `WWW-Authenticate` header, where tokens are issued."""
    return f'Keystone uri="http://{request.header("Host")}/identity"'


def keystone_unauthorized(request: Request) -> Refusal:
    """Say 401 as Keystone's middleware does in front of Cinder."""
    error = {
        "code": 401,
        "title": "Unauthorized",
        "message": "The request you have made requires authentication.",
    }
    return Refusal(json_answer(401, {"error": error}, WWW_Authenticate=challenge(request)))


GLANCE_UNAUTHORIZED = (
    "This server could not verify that you are authorized to access the document you requested."
    " Either you supplied the wrong credentials (e.g., bad password), or your browser does not"
    " understand how to supply the credentials required."
)
