"""The image service as a plain OpenStack's Glance v2 answers it."""

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from tests.sandbox.answers import (
    GLANCE_UNAUTHORIZED,
    Refusal,
    challenge,
    glance_error,
    schema_error,
)
from tests.sandbox.identity import Identity, Unauthenticated
from tests.sandbox.image_documents import glance_document, member_document
from tests.sandbox.image_listing import (
    TIMES,
    BadListing,
    Filter,
    after_marker,
    at_time,
    in_order,
    listed,
    one_of,
    orders,
    visible,
    whole_number,
)
from tests.sandbox.image_patch import BadPatch, apply_patch
from tests.sandbox.things import SandboxImage, Visibility
from tests.sandbox.wire import Answer, BadJson, Request, Route, Router, json_answer
from tests.sandbox.world import World

ABSENT = "The resource could not be found."
MEMBER_STATUSES = frozenset({"pending", "accepted", "rejected", "all"})
DEFAULT_PAGE = 25
MAX_PAGE = 1000
MAX_TAGS = 128
PATCH_TYPE = "application/openstack-images-v2.1-json-patch"
PAGING = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir"})
VERSIONS = (
    "2.15",
    "2.13",
    "2.12",
    "2.11",
    "2.10",
    "2.9",
    "2.7",
    "2.6",
    "2.5",
    "2.4",
    "2.3",
    "2.2",
    "2.1",
    "2.0",
)


class Glance:
    """Answers below `{url}`, which is the address without a version."""

    def __init__(self, world: World, identity: Identity, url: str) -> None:
        self._world = world
        self._identity = identity
        self._url = url
        self._open = Router(Route("GET", "/", self._versions), Route("GET", "/v2", self._versions))
        self._router = Router(
            Route("GET", "/v2/images", self.list_images),
            Route("GET", "/v2/images/{image_id}", self._show),
            Route("DELETE", "/v2/images/{image_id}", self._delete),
            Route("PATCH", "/v2/images/{image_id}", self.patch),
            Route("PUT", "/v2/images/{image_id}/tags/{tag}", self.add_tag),
            Route("DELETE", "/v2/images/{image_id}/tags/{tag}", self.remove_tag),
            Route("GET", "/v2/images/{image_id}/members", self.members),
        )

    def handle(self, request: Request) -> Answer:
        """Answer one request."""
        answer = self._open.dispatch(request)
        if answer is not None:
            return answer
        try:
            self._identity.holder(request)
        except Unauthenticated as error:
            refusal = glance_error(request, 401, GLANCE_UNAUTHORIZED)
            headers = refusal.answer.with_headers(WWW_Authenticate=challenge(request))
            raise Refusal(headers) from error
        try:
            answer = self._router.dispatch(request)
        except Refusal as refusal:
            answer = refusal.answer
        if answer is None:
            answer = glance_error(request, 404, ABSENT).answer
        return answer.with_headers(X_Openstack_Request_Id=request.id)

    def _versions(self, _: Request) -> Answer:
        links = [{"rel": "self", "href": f"{self._url}/v2/"}]
        versions = [
            {
                "id": f"v{version}",
                "status": "CURRENT" if version == VERSIONS[0] else "SUPPORTED",
                "links": links,
            }
            for version in VERSIONS
        ]
        return json_answer(300, {"versions": versions})

    def list_images(self, request: Request) -> Answer:
        """Answer one page; an unknown filter matches nothing, as a property nobody has."""
        try:
            limit = min(whole_number(request.argument("limit"), DEFAULT_PAGE), MAX_PAGE)
            found = in_order(self._matching(request), orders(request.arguments))
            images = after_marker(found, request.argument("marker"))[:limit]
        except BadListing as error:
            raise glance_error(request, 400, str(error)) from error
        arguments = [pair for pair in request.arguments if pair[0] != "marker"]
        document: dict[str, Any] = {
            "images": [glance_document(image) for image in images],
            "first": _listing(arguments),
            "schema": "/v2/schemas/images",
        }
        if limit and len(images) == limit:
            document["next"] = _listing([*arguments, ("marker", images[-1].id)])
        return json_answer(200, document)

    def _matching(self, request: Request) -> list[SandboxImage]:
        project_id = self._world.project_id
        arguments = [pair for pair in request.arguments if pair[0] not in PAGING]
        by_visibility = any(name == "visibility" for name, _ in arguments)
        shown = visible if by_visibility else listed
        filters = [_filter(name, text) for name, text in arguments]
        return [
            image
            for image in self._world.images.values()
            if shown(image, project_id) and all(passes(image) for passes in filters)
        ]

    def image(self, request: Request) -> SandboxImage:
        """Return the image in the path, or refuse with 404."""
        image_id = request.parameters["image_id"]
        image = self._world.images.get(image_id)
        if image is None or not visible(image, self._world.project_id):
            raise glance_error(request, 404, f"No image found with ID {image_id}")
        return image

    def _own_image(self, request: Request, action: str) -> SandboxImage:
        image = self.image(request)
        if image.owner != self._world.project_id:
            message = f"You are not authorized to complete {action} action."
            raise glance_error(request, 403, message)
        return image

    def _show(self, request: Request) -> Answer:
        return json_answer(200, glance_document(self.image(request)))

    def _delete(self, request: Request) -> Answer:
        image_id = request.parameters["image_id"]
        image = self._world.images.get(image_id)
        if image is None or not visible(image, self._world.project_id):
            raise glance_error(request, 404, f"Failed to find image {image_id} to delete")
        self._own_image(request, "delete_image")
        if image.protected:
            message = f"Image {image_id} is protected and cannot be deleted."
            raise glance_error(request, 403, message)
        self._world.forget_image(image_id)
        return _no_content()

    def patch(self, request: Request) -> Answer:
        """Change an image; only the media type of JSON patches is taken."""
        image = self._own_image(request, "modify_image")
        if request.header("Content-Type").partition(";")[0].strip() != PATCH_TYPE:
            raise glance_error(request, 415, f"Use the media type {PATCH_TYPE}.")
        try:
            apply_patch(image, request.json())
        except BadJson as error:
            raise glance_error(request, 400, "The request body is not JSON.") from error
        except BadPatch as error:
            raise glance_error(request, error.status, str(error)) from error
        image.updated_at = self._world.clock.now()
        return json_answer(200, glance_document(image))

    def add_tag(self, request: Request) -> Answer:
        """Tag an image with a word."""
        image = self._own_image(request, "modify_image")
        tag = request.parameters["tag"]
        if len(tag) > 255:
            raise glance_error(request, 400, _tag_too_long(tag))
        if tag not in image.tags:
            if len(image.tags) >= MAX_TAGS:
                message = f"The limit of {MAX_TAGS} tags has been exceeded."
                raise glance_error(request, 413, message)
            image.tags.append(tag)
            image.updated_at = self._world.clock.now()
        return _no_content()

    def remove_tag(self, request: Request) -> Answer:
        """Take a word off an image."""
        image = self._own_image(request, "modify_image")
        tag = request.parameters["tag"]
        if tag not in image.tags:
            raise glance_error(request, 404, ABSENT)
        image.tags.remove(tag)
        image.updated_at = self._world.clock.now()
        return _no_content()

    def members(self, request: Request) -> Answer:
        """List the projects that the image is shared with; another project sees only itself."""
        image = self.image(request)
        if image.visibility is not Visibility.SHARED:
            message = f"Not allowed to list members for image {image.id}: Only shared images have"
            raise glance_error(request, 403, f"{message} members.")
        own = image.owner == self._world.project_id
        shown = [each for each in image.members if own or each == self._world.project_id]
        documents = [member_document(image, each) for each in shown]
        return json_answer(200, {"members": documents, "schema": "/v2/schemas/members"})


WORDS: Mapping[str, Callable[[SandboxImage], str]] = {
    "id": lambda image: image.id,
    "name": lambda image: image.name,
    "owner": lambda image: image.owner,
    "status": lambda image: image.status,
    "disk_format": lambda image: image.disk_format,
    "container_format": lambda image: image.container_format,
}
FLAGS: Mapping[str, Callable[[SandboxImage], bool]] = {
    "protected": lambda image: image.protected,
    "os_hidden": lambda _: False,
}
SIZES: Mapping[str, Callable[[int, int], bool]] = {
    "size_min": operator.ge,
    "size_max": operator.le,
}


def _filter(name: str, text: str) -> Filter:
    """Read one filter of a listing. Raises BadListing."""
    match name:
        case "tag":
            return lambda image: text in image.tags
        case "visibility":
            return _visibility_filter(text)
        case "member_status":
            if text not in MEMBER_STATUSES:
                raise BadListing(f"Invalid status: {text}")
            return lambda _: True
        case _ if name in FLAGS:
            flag, wanted = FLAGS[name], _truth(name, text)
            return lambda image: flag(image) is wanted
        case _ if name in TIMES:
            moment, in_time = TIMES[name], at_time(text)
            return lambda image: in_time(moment(image))
        case _ if name in SIZES:
            compare, limit = SIZES[name], _number(text)
            return lambda image: compare(image.size_bytes or 0, limit)
        case _ if name in WORDS:
            word, is_wanted = WORDS[name], one_of(text)
            return lambda image: is_wanted(word(image))
        case _:
            return lambda image: image.properties.get(name) == text


def _visibility_filter(text: str) -> Filter:
    if text == "all":
        return lambda _: True
    if text not in set(Visibility):
        raise BadListing(f"Invalid visibility value: {text}")
    return lambda image: image.visibility == text


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadListing("Unable to filter on a range with a non-numeric value.") from error


def _truth(name: str, text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        message = f"Invalid value '{text}' for '{name}' filter."
        raise BadListing(f"{message} Valid values are 'true' or 'false'.")
    return text.lower() == "true"


def _tag_too_long(tag: str) -> str:
    schema = "    {'type': 'string', 'maxLength': 255}"
    path = "properties.tags.items"
    why = schema_error(f"{tag!r} is too long", path, "maxLength", schema, tag)
    return f"Provided object does not match schema 'image': {why}"


def _listing(arguments: Sequence[tuple[str, str]]) -> str:
    return f"/v2/images?{urlencode(arguments)}" if arguments else "/v2/images"


def _no_content() -> Answer:
    return Answer(204, b"", {"Content-Type": "text/html; charset=UTF-8"})
