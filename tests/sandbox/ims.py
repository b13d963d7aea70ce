"""The image service as Huawei Cloud's IMS answers it: its own calls, and Glance's beside them."""

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from tests.sandbox.answers import Refusal, coded_error, gateway_error
from tests.sandbox.evs import check_gateway, check_project
from tests.sandbox.glance import Glance
from tests.sandbox.identity import Identity
from tests.sandbox.image_documents import image_type, ims_document
from tests.sandbox.image_listing import (
    TIMES,
    BadListing,
    Filter,
    after_marker,
    at_time,
    in_order,
    listed,
    orders,
    visible,
    whole_number,
)
from tests.sandbox.image_patch import BadPatch, apply_patch
from tests.sandbox.ims_jobs import ImsJobs
from tests.sandbox.things import SandboxImage, Visibility
from tests.sandbox.wire import Answer, BadJson, Request, Route, Router, json_answer
from tests.sandbox.world import World
from volume_images.model import PENDING_STATUSES, ImageStatus

DEFAULT_PAGE = 500
MAX_TAGS, MAX_KEY, MAX_VALUE = 10, 36, 43
PAGING = frozenset({"limit", "marker", "sort_key", "sort_dir", "enterprise_project_id"})
UPDATABLE = frozenset({"name", "min_ram", "max_ram", "enterprise_project_id"})


class Ims:
    """Answers below `{url}`, in front of which stands the API gateway."""

    def __init__(self, world: World, identity: Identity, url: str) -> None:
        self._world = world
        self._identity = identity
        glance = Glance(world, identity, url)
        jobs = ImsJobs(world)
        tags = "/v2/{project_id}/images/{image_id}/tags"
        self._router = Router(
            Route("GET", "/v2/cloudimages", self._cloud_images),
            Route("PATCH", "/v2/cloudimages/{image_id}", self._update),
            Route("POST", "/v2/cloudimages/action", jobs.start),
            Route("GET", "/v1/{project_id}/jobs/{job_id}", jobs.show),
            Route("GET", "/v1/cloudimages/quota", self._quota),
            Route("GET", "/v1/{project_id}/cloudimages/quota", self._quota),
            Route("GET", "/v2/images", glance.list_images),
            Route("GET", "/v2/images/{image_id}", self._show),
            Route("DELETE", "/v2/images/{image_id}", self._delete),
            Route("PATCH", "/v2/images/{image_id}", glance.patch),
            Route("PUT", "/v2/images/{image_id}/tags/{tag}", glance.add_tag),
            Route("DELETE", "/v2/images/{image_id}/tags/{tag}", glance.remove_tag),
            Route("GET", "/v2/images/{image_id}/members", glance.members),
            Route("GET", tags, self._tags),
            Route("POST", tags, self._add_tag),
            Route("POST", tags + "/action", self._tags_action),
            Route("DELETE", tags + "/{key}", self._remove_tag),
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

    def _cloud_images(self, request: Request) -> Answer:
        project_id = self._world.project_id
        arguments = [pair for pair in request.arguments if pair[0] not in PAGING]
        try:
            filters = [_filter(name, text, project_id) for name, text in arguments]
            limit = whole_number(request.argument("limit"), DEFAULT_PAGE)
            found = [
                image
                for image in self._world.images.values()
                if listed(image, project_id) and all(passes(image) for passes in filters)
            ]
            ordered = in_order(found, orders(request.arguments))
            images = after_marker(ordered, request.argument("marker"))[:limit]
        except BadListing as error:
            raise coded_error(400, "IMG.0001", str(error)) from error
        return json_answer(200, {"images": [ims_document(each, project_id) for each in images]})

    def _find(self, request: Request) -> SandboxImage | None:
        image = self._world.images.get(request.parameters["image_id"])
        return image if image and visible(image, self._world.project_id) else None

    def _image(self, request: Request, status: int = 404) -> SandboxImage:
        image = self._find(request)
        if image is None:
            image_id = request.parameters["image_id"]
            raise coded_error(status, "IMG.0027", f"Image {image_id} does not exist.")
        return image

    def _own_image(self, request: Request) -> SandboxImage:
        image = self._image(request, status=400)
        if image.owner != self._world.project_id:
            if image.visibility is Visibility.PUBLIC:
                raise coded_error(400, "IMG.0094", "A public image cannot be changed.")
            raise coded_error(400, "IMG.0092", "Only the owner of an image can change it.")
        return image

    def _show(self, request: Request) -> Answer:
        return json_answer(200, ims_document(self._image(request), self._world.project_id))

    def _delete(self, request: Request) -> Answer:
        image = self._own_image(request)
        if image.protected:
            raise coded_error(400, "IMG.0028", f"Image {image.id} is protected.")
        if image.status in PENDING_STATUSES:
            raise coded_error(400, "IMG.0090", f"Image {image.id} is being created.")
        self._world.forget_image(image.id)
        return Answer(204)

    def _update(self, request: Request) -> Answer:
        image = self._own_image(request)
        if image.status != ImageStatus.ACTIVE:
            raise coded_error(400, "IMG.0046", f"Image {image.id} is not active.")
        changes = _json(request)
        for change in changes if isinstance(changes, list) else []:
            name = str(change.get("path", "")).removeprefix("/")
            if not (name in UPDATABLE or name.startswith("__") or name.islower()):
                raise coded_error(400, "IMG.0035", f"Attribute {name} cannot be updated.")
            if name in {"protected", "visibility", "tags"}:
                raise coded_error(400, "IMG.0035", f"Attribute {name} cannot be updated.")
        try:
            apply_patch(image, changes)
        except BadPatch as error:
            raise coded_error(400, "IMG.0035", str(error)) from error
        image.updated_at = self._world.clock.now()
        return json_answer(200, ims_document(image, self._world.project_id))

    def _quota(self, _: Request) -> Answer:
        used = self._world.own_images()
        quota = self._world.image_quota
        resource = {"type": "image", "used": used, "quota": quota, "min": 1, "max": 1_000_000}
        return json_answer(200, {"quotas": {"resources": [resource]}})

    def _tagged_image(self, request: Request) -> SandboxImage:
        check_project(self._world, self._identity, request)
        image = self._own_image(request)
        if self._world.tags_active_images_only and image.status != ImageStatus.ACTIVE:
            raise coded_error(400, "IMG.0046", f"Image {image.id} is not active.")
        return image

    def _tags(self, request: Request) -> Answer:
        image = self._tagged_image(request)
        pairs = [tag.partition("=")[::2] for tag in image.tags]
        return json_answer(200, {"tags": [{"key": key, "value": value} for key, value in pairs]})

    def _add_tag(self, request: Request) -> Answer:
        image = self._tagged_image(request)
        body = _json(request)
        tag = body.get("tag") if isinstance(body, Mapping) else None
        _set_tags(image, [_pair(tag)])
        return Answer(204)

    def _tags_action(self, request: Request) -> Answer:
        image = self._tagged_image(request)
        match _json(request):
            case {"action": "create", "tags": [*tags]}:
                _set_tags(image, [_pair(tag) for tag in tags])
            case {"action": "delete", "tags": [*tags]}:
                doomed = {_pair(tag)[0] for tag in tags}
                image.tags = [tag for tag in image.tags if tag.partition("=")[0] not in doomed]
            case _:
                raise coded_error(400, "IMG.0001", "action must be create or delete, with tags")
        return Answer(204)

    def _remove_tag(self, request: Request) -> Answer:
        image = self._tagged_image(request)
        key = request.parameters["key"]
        kept = [tag for tag in image.tags if tag.partition("=")[0] != key]
        if len(kept) == len(image.tags):
            raise coded_error(404, "IMG.0116", f"Tag {key} does not exist.")
        image.tags = kept
        return Answer(204)


WORDS: Mapping[str, Callable[[SandboxImage], str]] = {
    "id": lambda image: image.id,
    "name": lambda image: image.name,
    "status": lambda image: image.status,
    "owner": lambda image: image.owner,
    "disk_format": lambda image: image.disk_format,
    "container_format": lambda image: image.container_format,
    "visibility": lambda image: image.visibility,
    "min_disk": lambda image: str(image.min_disk_gib),
    "protected": lambda image: str(image.protected).lower(),
    "__os_type": lambda image: image.properties.get("__os_type", "Linux"),
}


def _filter(name: str, text: str, project_id: str) -> Filter:
    """Read one filter of a listing. Raises BadListing."""
    match name:
        case "__imagetype":
            return lambda image: image_type(image, project_id) == text
        case "tag":
            return lambda image: text in image.tags
        case _ if name in TIMES:
            moment, in_time = TIMES[name], at_time(text)
            return lambda image: in_time(moment(image))
        case _ if name in WORDS:
            value = WORDS[name]
            return lambda image: value(image) == text
        case _:
            return lambda image: image.properties.get(name) == text


def _json(request: Request) -> Any:  # noqa: ANN401 - whatever the client sent
    try:
        return request.json()
    except BadJson as error:
        raise coded_error(400, "IMG.0001", "The request body is not JSON.") from error


def _pair(tag: object) -> tuple[str, str]:
    match tag:
        case {"key": str(key), "value": str(value)} if key and len(key) <= MAX_KEY:
            if len(value) <= MAX_VALUE:
                return key, value
    raise _bad_tag(f"A tag has a key of 1 to {MAX_KEY} and a value of up to {MAX_VALUE} characters")


def _set_tags(image: SandboxImage, pairs: list[tuple[str, str]]) -> None:
    tags = dict(tag.partition("=")[::2] for tag in image.tags) | dict(pairs)
    if len(tags) > MAX_TAGS:
        raise _bad_tag(f"An image has at most {MAX_TAGS} tags")
    image.tags = [f"{key}={value}" for key, value in tags.items()]


def _bad_tag(message: str) -> Refusal:
    return coded_error(400, "IMG.0115", message)
