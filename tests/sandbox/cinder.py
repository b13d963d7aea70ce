"""Block storage as a plain OpenStack's Cinder answers it (v3)."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from tests.sandbox.answers import (
    Refusal,
    cinder_error,
    html_error,
    keystone_unauthorized,
    over_limit,
    schema_error,
)
from tests.sandbox.export_options import ACTION, ExportOptions, cinder_options
from tests.sandbox.identity import Identity, Token, Unauthenticated
from tests.sandbox.things import SandboxVolume
from tests.sandbox.volume_creation import create, remove
from tests.sandbox.volume_documents import links, message_document, upload_document, volume_document
from tests.sandbox.volume_listing import MAX_PAGE, matching, number, page
from tests.sandbox.wire import Answer, BadJson, Request, Route, Router, json_answer
from tests.sandbox.world import World
from volume_images.dialect import Dialect
from volume_images.model import VolumeStatus

OLDEST, NEWEST = (3, 0), (3, 71)
VERSION = re.compile(r"volume (\d+)\.(\d+)")
MICROVERSION_OF_MESSAGES = (3, 3)
MICROVERSION_OF_MESSAGE_FILTERS = (3, 5)
NAMES_OF_SOURCE = frozenset({"image_id", "image_name"})
"""What a volume remembers of the image it was made from, and never hands on to another."""

NOTE_OF_SIGNATURE = "signature_verified"
NO_PROPERTIES = schema_error(
    "Unable to set 'properties' to {}. Reason: {} is not of type 'string'",
    "additionalProperties",
    "type",
    "    {'type': 'string'}",
    {},
).replace("On instance['additionalProperties']", "On instance['properties']")
"""What Glance says when the note of the signature is all that Cinder has to hand on."""


class Cinder:
    """Answers below `{url}`, which is the address without a version."""

    def __init__(self, world: World, identity: Identity, url: str) -> None:
        self._world = world
        self._identity = identity
        self._url = url
        self._open = Router(Route("GET", "/", self._versions), Route("GET", "/v3", self._version))
        self._router = Router(
            Route("GET", "/v3/{project_id}/volumes/detail", self._detail),
            Route("GET", "/v3/{project_id}/volumes", self._summary),
            Route("POST", "/v3/{project_id}/volumes", self._create),
            Route("DELETE", "/v3/{project_id}/volumes/{volume_id}", self._delete),
            Route("GET", "/v3/{project_id}/volumes/{volume_id}", self._show),
            Route("POST", "/v3/{project_id}/volumes/{volume_id}/action", self._action),
            Route("GET", "/v3/{project_id}/messages", self._messages),
        )

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        answer = self._open.dispatch(request)
        try:
            self._identity.holder(request)
        except Unauthenticated:
            answer = answer or keystone_unauthorized(request).answer
        answer = answer or self._by_project(request)
        return answer.with_headers(x_openstack_request_id=request.id)

    def _by_project(self, request: Request) -> Answer:
        """Answer below a project, in the microversion that was asked for."""
        asked = VERSION.fullmatch(request.header("OpenStack-API-Version"))
        try:
            answer = self._router.dispatch(request)
        except Refusal as refusal:
            answer = refusal.answer
        if answer is None:
            return html_error(404, "The resource could not be found.").answer
        major, minor = asked.groups() if asked else _microversion(request)
        return answer.with_headers(
            OpenStack_API_Version=f"volume {major}.{minor}",
            Vary="OpenStack-API-Version",
            x_compute_request_id=request.id,
        )

    def _versions(self, _: Request) -> Answer:
        return json_answer(300, {"versions": [self._version_document()]})

    def _version(self, _: Request) -> Answer:
        return json_answer(200, {"versions": [self._version_document()]})

    def _version_document(self) -> dict[str, Any]:
        media_type = "application/vnd.openstack.volume+json;version=3"
        return {
            "id": "v3.0",
            "status": "CURRENT",
            "version": f"{NEWEST[0]}.{NEWEST[1]}",
            "min_version": f"{OLDEST[0]}.{OLDEST[1]}",
            "updated": "2023-08-31T00:00:00Z",
            "links": [{"rel": "self", "href": f"{self._url}/v3/"}],
            "media-types": [{"base": "application/json", "type": media_type}],
        }

    def _holder(self, request: Request) -> Token:
        try:
            return self._identity.holder(request)
        except Unauthenticated as error:
            raise keystone_unauthorized(request) from error

    def _check_project(self, request: Request) -> None:
        _microversion(request)
        scoped = self._holder(request).scoped
        if not scoped or request.parameters["project_id"] != self._world.project_id:
            raise cinder_error(400, "badRequest", "Malformed request url")

    def _document(self, volume: SandboxVolume) -> dict[str, Any]:
        return volume_document(
            volume,
            project_id=self._world.project_id,
            url=f"{self._url}/v3",
            dialect=Dialect.OPENSTACK,
        )

    def _page(self, request: Request) -> tuple[list[SandboxVolume], dict[str, Any]]:
        self._check_project(request)
        found = matching(self._world.volumes, request, _bad_argument)
        limit = min(number(request, "limit", MAX_PAGE, _bad_argument), MAX_PAGE)
        offset = number(request, "offset", 0, _bad_argument)
        marker = request.argument("marker")
        volumes = page(found, marker=marker, offset=offset, limit=limit)
        if volumes is None:
            message = f"Volume {marker} could not be found."
            raise cinder_error(404, "itemNotFound", message)
        if not limit or len(volumes) < limit:
            return volumes, {}
        kept = [pair for pair in request.arguments if pair[0] not in {"marker", "offset"}]
        query = urlencode([*kept, ("marker", volumes[-1].id)])
        href = f"{self._url}{request.path}?{query}"
        return volumes, {"volumes_links": [{"rel": "next", "href": href}]}

    def _detail(self, request: Request) -> Answer:
        volumes, more = self._page(request)
        return json_answer(200, {"volumes": [self._document(each) for each in volumes], **more})

    def _summary(self, request: Request) -> Answer:
        volumes, more = self._page(request)
        documents = [
            {
                "id": volume.id,
                "name": volume.name,
                "links": links(volume, self._world.project_id, f"{self._url}/v3"),
            }
            for volume in volumes
        ]
        return json_answer(200, {"volumes": documents, **more})

    def _volume(self, request: Request) -> SandboxVolume:
        self._check_project(request)
        volume_id = request.parameters["volume_id"]
        volume = self._world.volumes.get(volume_id)
        if volume is None:
            message = f"Volume {volume_id} could not be found."
            raise cinder_error(404, "itemNotFound", message)
        return volume

    def _show(self, request: Request) -> Answer:
        return json_answer(200, {"volume": self._document(self._volume(request))})

    def _create(self, request: Request) -> Answer:
        self._check_project(request)
        volume = create(request, self._world, smallest_gib=1)
        return json_answer(202, {"volume": self._document(volume)})

    def _delete(self, request: Request) -> Answer:
        return remove(self._volume(request), self._world)

    def _action(self, request: Request) -> Answer:
        action, given = _single_action(request)
        match action:
            case "os-volume_upload_image":
                options = cinder_options(given, _microversion(request))
                return self._upload(request, self._volume(request), options)
            case "os-unset_image_metadata":
                return self._forget_note(self._volume(request), given)
            case "os-reset_status":
                return self._reset_status(request, self._volume(request), given)
            case _:
                raise cinder_error(
                    400,
                    "badRequest",
                    f"There is no such action: {action}. Verify the request body and"
                    " Content-Type header and try again.",
                )

    @staticmethod
    def _forget_note(volume: SandboxVolume, given: Any) -> Answer:  # noqa: ANN401 - from the client
        if volume.image_metadata.pop(given["key"], None) is None:
            message = f"Glance metadata for volume/snapshot {volume.id} cannot be found."
            raise cinder_error(404, "itemNotFound", message)
        return Answer(200, b"", {"Content-Type": "application/json"})

    def _upload(self, request: Request, volume: SandboxVolume, options: ExportOptions) -> Answer:
        if options.visibility == "public" and not self._holder(request).user.admin:
            raise _forbidden("volume_extension:volume_actions:upload_public")
        forced = options.force and self._world.force_upload
        allowed = [VolumeStatus.AVAILABLE, *([VolumeStatus.IN_USE] if forced else [])]
        if volume.status not in allowed:
            statuses = " or ".join(allowed)
            message = f"Invalid volume: Volume {volume.id} status must be {statuses}"
            raise cinder_error(400, "badRequest", message)
        if self._world.own_images() >= self._world.image_quota:
            raise over_limit("Image quota exceeded", wait="0")
        properties = {
            key: text for key, text in volume.image_metadata.items() if key not in NAMES_OF_SOURCE
        }
        noted = properties.pop(NOTE_OF_SIGNATURE, None)
        if noted is not None and not properties:
            raise cinder_error(400, "badRequest", NO_PROPERTIES)
        image = self._world.start_export(
            volume,
            name=options.image_name,
            disk_format=options.disk_format,
            container_format=options.container_format,
            visibility=options.visibility,
            protected=options.protected,
            properties=properties,
            request_id=request.id,
        )
        document = upload_document(volume, image, options, Dialect.OPENSTACK)
        return json_answer(202, {ACTION: document})

    def _reset_status(
        self,
        request: Request,
        volume: SandboxVolume,
        given: Any,  # noqa: ANN401 - from the client
    ) -> Answer:
        if not self._holder(request).user.admin:
            raise _forbidden("volume_extension:volume_admin_actions:reset_status")
        if not isinstance(given, Mapping) or not isinstance(given.get("status"), str):
            raise cinder_error(400, "badRequest", "Must specify 'status'")
        self._world.set_volume_status(volume.id, given["status"])
        return Answer(202, b"", {"Content-Type": "application/json"})

    def _messages(self, request: Request) -> Answer:
        self._check_project(request)
        microversion = _microversion(request)
        if microversion < MICROVERSION_OF_MESSAGES:
            raise cinder_error(404, "itemNotFound", "The resource could not be found.")
        wanted = request.argument("resource_uuid")
        if microversion < MICROVERSION_OF_MESSAGE_FILTERS:
            wanted = None
        found = [each for each in self._world.messages if wanted in {None, each.volume_id}]
        here = f"{self._url}/v3/{self._world.project_id}"
        newest_first = [message_document(each, here) for each in reversed(found)]
        return json_answer(200, {"messages": newest_first})


def _microversion(request: Request) -> tuple[int, int]:
    text = request.header("OpenStack-API-Version")
    match = VERSION.fullmatch(text)
    if match is None:
        return NEWEST if text == "volume latest" else OLDEST
    asked = (int(match[1]), int(match[2]))
    if not OLDEST <= asked <= NEWEST:
        message = (
            f"Version {asked[0]}.{asked[1]} is not supported by the API."
            f" Minimum is {OLDEST[0]}.{OLDEST[1]} and maximum is {NEWEST[0]}.{NEWEST[1]}."
        )
        raise cinder_error(406, "computeFault", message)
    return asked


def _single_action(request: Request) -> tuple[str, Any]:
    try:
        body = request.json()
    except BadJson as error:
        raise cinder_error(400, "badRequest", "Malformed request body") from error
    if not isinstance(body, Mapping) or len(body) != 1:
        raise cinder_error(400, "badRequest", "Malformed request body")
    [(action, given)] = body.items()
    return str(action), given


def _bad_argument(name: str, why: str) -> Refusal:
    of_paging = name in {"limit", "offset"}
    return cinder_error(400, "badRequest", why if of_paging else f"Invalid input received: {why}")


def _forbidden(rule: str) -> Refusal:
    return cinder_error(403, "forbidden", f"Policy doesn't allow {rule} to be performed.")
