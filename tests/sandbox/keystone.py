"""The identity service: tokens, catalogue, projects (Keystone v3; Huawei's IAM speaks the same)."""

from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from tests.sandbox.answers import Refusal, keystone_error
from tests.sandbox.identity import (
    DOMAIN_ID,
    Identity,
    Malformed,
    NotDelegated,
    ScopeForbidden,
    Token,
    Unauthenticated,
    UnknownCredential,
    WithoutAuth,
    WrongCredentials,
)
from tests.sandbox.wire import Answer, BadJson, Request, Route, Router, json_answer

DENIED = "The request you have made requires authentication."
NO_SUCH_PATH = b"""\
<!doctype html>
<html lang=en>
<title>404 Not Found</title>
<h1>Not Found</h1>
<p>The requested URL was not found on the server. If you entered the URL manually please check \
your spelling and try again.</p>
"""
MALFORMED = (
    "Expecting to find {} in request body. The server could not comply with the request since it"
    " is either malformed or otherwise incorrect. The client is assumed to be in error."
)


class Keystone:
    """Answers below `{url}`; `services` are the (type, name, address) of its catalogue."""

    def __init__(
        self, identity: Identity, url: str, region: str, services: tuple[tuple[str, str, str], ...]
    ) -> None:
        self._identity = identity
        self._url = url
        self._region = region
        self._services = (*services, ("identity", "keystone", f"{url}/v3"))
        self.router = Router(
            Route("GET", "/", self._versions),
            Route("GET", "/v3", self._version),
            Route("POST", "/v3/auth/tokens", self._issue),
            Route("GET", "/v3/auth/tokens", self._validate),
            Route("DELETE", "/v3/auth/tokens", self._revoke),
            Route("GET", "/v3/auth/catalog", self._catalog),
            Route("GET", "/v3/auth/projects", self._projects),
            Route("GET", "/v3/projects", self._projects),
            Route("GET", "/v3/projects/{project_id}", self._project),
        )

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        try:
            answer = self.router.dispatch(request)
        except Refusal as refusal:
            answer = refusal.answer
        if answer is None:
            answer = Answer(404, NO_SUCH_PATH, {"Content-Type": "text/html; charset=utf-8"})
        if answer.status == HTTPStatus.UNAUTHORIZED:
            answer = answer.with_headers(WWW_Authenticate=f'Keystone uri="{self._url}/v3"')
        return answer.with_headers(Vary="X-Auth-Token", x_openstack_request_id=request.id)

    def _version_document(self) -> dict[str, Any]:
        media_type = "application/vnd.openstack.identity-v3+json"
        return {
            "id": "v3.14",
            "status": "stable",
            "updated": "2020-04-07T00:00:00Z",
            "links": [{"rel": "self", "href": f"{self._url}/v3/"}],
            "media-types": [{"base": "application/json", "type": media_type}],
        }

    def _versions(self, _: Request) -> Answer:
        return json_answer(
            300, {"versions": {"values": [self._version_document()]}}, Location=f"{self._url}/v3/"
        )

    def _version(self, _: Request) -> Answer:
        return json_answer(200, {"version": self._version_document()})

    def _issue(self, request: Request) -> Answer:
        try:
            token = self._identity.authenticate(request.json(), request.header("X-Auth-Token"))
        except BadJson as error:
            raise keystone_error(400, MALFORMED.format("valid JSON")) from error
        except WithoutAuth as error:
            raise keystone_error(400, MALFORMED.format("auth")) from error
        except Malformed as error:
            raise keystone_error(400, str(error)) from error
        except WrongCredentials as error:
            raise keystone_error(401, DENIED) from error
        except UnknownCredential as error:
            message = f"Could not find Application Credential: {error}."
            raise keystone_error(404, message) from error
        except NotDelegated as error:
            message = "You are not authorized to perform the requested action."
            raise keystone_error(403, message) from error
        except ScopeForbidden as error:
            message = "Application credentials cannot request a scope."
            raise keystone_error(403, message) from error
        without_catalog = request.argument("nocatalog") is not None
        document = self._token_document(token, with_catalog=not without_catalog)
        return json_answer(201, {"token": document}, X_Subject_Token=token.id)

    def _validate(self, request: Request) -> Answer:
        self._holder(request)
        subject = request.header("X-Subject-Token")
        try:
            token = self._identity.validate(subject)
        except Unauthenticated as error:
            raise keystone_error(404, "Failed to validate token") from error
        document = self._token_document(token, with_catalog=True)
        return json_answer(200, {"token": document}, X_Subject_Token=token.id)

    def _revoke(self, request: Request) -> Answer:
        self._holder(request)
        self._identity.revoke(request.header("X-Subject-Token"))
        return Answer(204)

    def _catalog(self, request: Request) -> Answer:
        self._holder(request)
        links = {"self": f"{self._url}/v3/auth/catalog"}
        return json_answer(200, {"catalog": self._catalog_document(), "links": links})

    def _projects(self, request: Request) -> Answer:
        self._holder(request)
        name = request.argument("name")
        found = [self._project_document()] if name in {None, self._identity.project.name} else []
        links = {"self": f"{self._url}{request.path}", "previous": None, "next": None}
        return json_answer(200, {"projects": found, "links": links})

    def _project(self, request: Request) -> Answer:
        self._holder(request)
        project_id = request.parameters["project_id"]
        if project_id != self._identity.project.id:
            raise keystone_error(404, f"Could not find project: {project_id}.")
        return json_answer(200, {"project": self._project_document()})

    def _project_document(self) -> dict[str, Any]:
        project = self._identity.project
        return {
            "id": project.id,
            "name": project.name,
            "domain_id": DOMAIN_ID,
            "parent_id": DOMAIN_ID,
            "enabled": True,
            "is_domain": False,
            "description": "",
            "links": {"self": f"{self._url}/v3/projects/{project.id}"},
        }

    def _holder(self, request: Request) -> Token:
        try:
            return self._identity.holder(request)
        except Unauthenticated as error:
            raise keystone_error(401, DENIED) from error

    def _token_document(self, token: Token, *, with_catalog: bool) -> Mapping[str, Any]:
        project = self._identity.project
        user = token.user
        document: dict[str, Any] = {
            "methods": [token.method],
            "user": {
                "domain": project.domain,
                "id": user.id,
                "name": user.name,
                "password_expires_at": None,
            },
            "audit_ids": [token.id[-22:]],
            "expires_at": _instant(token.expires_at),
            "issued_at": _instant(token.issued_at),
        }
        if token.scoped:
            roles = ["reader", "member", *(["admin"] if user.admin else [])]
            document["project"] = {
                "domain": project.domain,
                "id": project.id,
                "name": project.name,
            }
            document["is_domain"] = False
            document["roles"] = [{"id": f"role-{name}", "name": name} for name in roles]
            document["catalog"] = self._catalog_document() if with_catalog else []
        if token.method == "assume_role":
            operator = self._identity.operator
            domain = {"id": "operations", "name": operator.domain_name}
            asker = {"id": operator.id, "name": operator.name, "domain": domain}
            document["assumed_by"] = {"user": asker}
        if token.method == "application_credential":
            document["application_credential"] = {
                "id": user.credential_id,
                "name": f"{user.name}-credential",
                "restricted": True,
            }
        return document

    def _catalog_document(self) -> list[dict[str, Any]]:
        return [
            {
                "id": f"service-{kind}",
                "type": kind,
                "name": name,
                "endpoints": [
                    {
                        "id": f"endpoint-{kind}-{interface}",
                        "interface": interface,
                        "region": self._region,
                        "region_id": self._region,
                        "url": url,
                    }
                    for interface in ("public", "internal")
                ],
            }
            for kind, name, url in self._services
        ]


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
