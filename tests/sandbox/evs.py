"""Block storage as Huawei Cloud's EVS answers it: Cinder's calls in v2 and v3, and its own."""

import ast
import uuid
from collections.abc import Mapping
from typing import Any

from tests.sandbox.answers import Refusal, cinder_error, coded_error, gateway_error
from tests.sandbox.export_options import ACTION, ExportOptions, evs_options
from tests.sandbox.identity import Identity, Unauthenticated
from tests.sandbox.things import SandboxVolume
from tests.sandbox.volume_creation import SMALLEST_GIB_OF_EVS, create, remove
from tests.sandbox.volume_documents import (
    cloud_volume_document,
    upload_document,
    volume_document,
)
from tests.sandbox.volume_listing import MAX_PAGE, matching, number, page
from tests.sandbox.wire import Answer, BadJson, Request, Route, Router, json_answer
from tests.sandbox.world import World
from volume_images.dialect import Dialect
from volume_images.model import VolumeStatus

MAX_EXPORT_GIB = 1024
ARGUMENT_CODES = {"limit": "EVS.1023", "sort_key": "EVS.1039", "sort_dir": "EVS.1040"}


class Evs:
    """Answers below `{url}`, in front of which stands the API gateway."""

    def __init__(self, world: World, identity: Identity) -> None:
        self._world = world
        self._identity = identity
        routes = [
            route
            for version in ("/v2", "/v3")
            for route in (
                Route("GET", version + "/{project_id}/volumes/detail", self._detail),
                Route("GET", version + "/{project_id}/volumes/{volume_id}", self._show),
                Route("POST", version + "/{project_id}/volumes", self._create),
                Route("DELETE", version + "/{project_id}/volumes/{volume_id}", self._delete),
                Route("POST", version + "/{project_id}/volumes/{volume_id}/action", self._action),
            )
        ]
        self._router = Router(
            *routes,
            Route("GET", "/v2/{project_id}/cloudvolumes/detail", self._cloud_detail),
            Route("GET", "/v2/{project_id}/cloudvolumes/{volume_id}", self._cloud_show),
            Route("GET", "/v2/{project_id}/os-vendor-volumes/{volume_id}", self._cloud_show),
            Route("GET", "/v2/{project_id}/cloudvolumes/{volume_id}/tags", self._tags),
            Route("GET", "/v2/{project_id}/os-vendor-volumes/{volume_id}/tags", self._tags),
        )

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        check_gateway(self._identity, request)
        try:
            answer = self._router.dispatch(request)
        except Refusal as refusal:
            answer = refusal.answer
        if answer is None:
            raise gateway_error(404, "APIGW.0101", "The API does not exist.")
        return answer.with_headers(X_Request_Id=uuid.uuid4().hex)

    def _page(self, request: Request) -> tuple[list[SandboxVolume], int]:
        check_project(self._world, self._identity, request)
        found = self._with_ids(request, matching(self._world.volumes, request, _bad_argument))
        limit = number(request, "limit", MAX_PAGE, _bad_argument)
        offset = number(request, "offset", 0, _bad_argument)
        if limit > MAX_PAGE:
            raise coded_error(400, "EVS.2142", f"limit must not be above {MAX_PAGE}")
        marker = request.argument("marker")
        volumes = page(found, marker=marker, offset=offset, limit=limit)
        if volumes is None:
            raise coded_error(400, "EVS.1024", f"Marker {marker} is not the id of a volume")
        return volumes, len(found)

    @staticmethod
    def _with_ids(request: Request, found: list[SandboxVolume]) -> list[SandboxVolume]:
        ids, one = request.argument("ids"), request.argument("id")
        if ids is not None:
            try:
                wanted = set(ast.literal_eval(ids))
            except (ValueError, SyntaxError, TypeError) as error:
                raise _bad_argument("ids", "not a list like ['a','b']") from error
            return [volume for volume in found if volume.id in wanted]
        return [volume for volume in found if one in {None, volume.id}]

    def _detail(self, request: Request) -> Answer:
        volumes, total = self._page(request)
        url, project_id = _internal_url(request), self._world.project_id
        document: dict[str, Any] = {
            "volumes": [
                volume_document(each, project_id=project_id, url=url, dialect=Dialect.HUAWEI)
                for each in volumes
            ]
        }
        if volumes and len(volumes) < total:
            # The documents' samples name a host inside the cloud: nobody can follow it.
            href = f"{url}/{project_id}/volumes/detail?marker={volumes[-1].id}"
            document["volumes_links"] = [{"rel": "next", "href": href}]
        return json_answer(200, document)

    def _cloud_detail(self, request: Request) -> Answer:
        volumes, total = self._page(request)
        documents = [self._cloud_document(request, each) for each in volumes]
        return json_answer(200, {"count": total, "volumes": documents})

    def _cloud_document(self, request: Request, volume: SandboxVolume) -> dict[str, Any]:
        return cloud_volume_document(
            volume, project_id=self._world.project_id, url=_internal_url(request)
        )

    def _find(self, request: Request) -> SandboxVolume | None:
        check_project(self._world, self._identity, request)
        return self._world.volumes.get(request.parameters["volume_id"])

    def _cinder_volume(self, request: Request) -> SandboxVolume:
        volume = self._find(request)
        if volume is None:
            message = f"Volume {request.parameters['volume_id']} could not be found."
            raise cinder_error(404, "itemNotFound", message)
        return volume

    def _cloud_volume(self, request: Request) -> SandboxVolume:
        volume = self._find(request)
        if volume is None:
            volume_id = request.parameters["volume_id"]
            raise coded_error(404, "EVS.5404", f"Volume {volume_id} could not be found.")
        return volume

    def _show(self, request: Request) -> Answer:
        document = self._cinder_document(request, self._cinder_volume(request))
        return json_answer(200, {"volume": document})

    def _create(self, request: Request) -> Answer:
        check_project(self._world, self._identity, request)
        volume = create(request, self._world, smallest_gib=SMALLEST_GIB_OF_EVS)
        return json_answer(202, {"volume": self._cinder_document(request, volume)})

    def _delete(self, request: Request) -> Answer:
        return remove(self._cinder_volume(request), self._world)

    def _cinder_document(self, request: Request, volume: SandboxVolume) -> dict[str, Any]:
        return volume_document(
            volume,
            project_id=self._world.project_id,
            url=_internal_url(request),
            dialect=Dialect.HUAWEI,
        )

    def _cloud_show(self, request: Request) -> Answer:
        volume = self._cloud_volume(request)
        return json_answer(200, {"volume": self._cloud_document(request, volume)})

    def _tags(self, request: Request) -> Answer:
        volume = self._cloud_volume(request)
        pairs = [{"key": key, "value": value} for key, value in volume.tags.items()]
        return json_answer(200, {"tags": pairs})

    def _action(self, request: Request) -> Answer:
        check_project(self._world, self._identity, request)
        try:
            body = request.json()
        except BadJson as error:
            raise coded_error(400, "EVS.5400", "Malformed request body") from error
        if not isinstance(body, Mapping) or list(body) != [ACTION]:
            raise coded_error(400, "EVS.5400", "There is no such action in the request body")
        return self._upload(self._cloud_volume(request), evs_options(body[ACTION]))

    def _upload(self, volume: SandboxVolume, options: ExportOptions) -> Answer:
        forced = options.force
        allowed = [VolumeStatus.AVAILABLE, *([VolumeStatus.IN_USE] if forced else [])]
        if volume.status not in allowed:
            statuses = " or ".join(allowed)
            message = f"Invalid volume: Volume {volume.id} status must be {statuses}."
            raise coded_error(400, "EVS.5400", message)
        if volume.size_gib > MAX_EXPORT_GIB:
            message = f"Invalid volume: Volume {volume.id} is larger than {MAX_EXPORT_GIB} GB."
            raise coded_error(400, "EVS.5400", message)
        if self._world.own_images() >= self._world.image_quota:
            raise coded_error(400, "IMG.0015", "The image quota is exceeded.")
        told = volume.image_metadata.get("__os_type", "")
        chosen = options.os_type if volume.status == VolumeStatus.AVAILABLE else "linux"
        image = self._world.start_export(
            volume,
            name=options.image_name,
            disk_format=options.disk_format,
            container_format=options.container_format,
            visibility=options.visibility,
            properties={"__os_type": (told or chosen).capitalize()},
        )
        document = upload_document(volume, image, options, Dialect.HUAWEI)
        return json_answer(202, {ACTION: document})


def check_gateway(identity: Identity, request: Request) -> None:
    """Refuse, as the API gateway does, a request without a token that is good now."""
    try:
        identity.holder(request)
    except Unauthenticated as error:
        if error.expired:
            raise gateway_error(401, "APIGW.0307", "The token must be updated.") from error
        why = "x-auth-token not found" if error.missing else "decrypt token fail"
        message = f"Incorrect IAM authentication information: {why}"
        raise gateway_error(401, "APIGW.0301", message) from error


def check_project(world: World, identity: Identity, request: Request) -> None:
    """Refuse a project in the path that is not the token's."""
    scoped = identity.holder(request).scoped
    if not scoped or request.parameters["project_id"] != world.project_id:
        message = "The project ID in the URI is inconsistent with that in the token."
        raise coded_error(400, "Common.0018", message)


def _internal_url(request: Request) -> str:
    version = request.path.split("/")[1]
    return f"https://volume.localdomain.com:8776/{version}"


def _bad_argument(name: str, why: str) -> Refusal:
    return coded_error(400, ARGUMENT_CODES.get(name, "EVS.5400"), why)
