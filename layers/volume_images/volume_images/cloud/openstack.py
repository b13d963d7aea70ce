"""The openstack dialect: plain Cinder and Glance."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import parse_qs, urlsplit

from volume_images.cloud.endpoints import Service
from volume_images.cloud.fields import Entry, part
from volume_images.cloud.images import PIN_TAG, RESTORE_PIN_TAG, created_filter, image_from
from volume_images.cloud.listings import Page
from volume_images.cloud.session import CloudSession, Params
from volume_images.cloud.volumes import volume_from
from volume_images.errors import CloudUnavailable
from volume_images.model import ExportRequest, Image, ImageMark, RestorePin, Volume

# `osapi_max_limit` of Cinder and `api_limit_max` of Glance.
PAGE = 1000
DEPLOYMENT_TAG = re.compile(r"vi-([0-9a-f]{12})")


@dataclass(frozen=True, slots=True)
class OpenstackVolumes:
    """Cinder v3; newer ones know addresses without the project, and still take these."""

    service: Service
    project_id: str

    def listing(self) -> tuple[str, Params]:
        """Address and first page (Block Storage API, "List accessible volumes with details")."""
        return f"{self._project_url()}/volumes/detail", {"limit": str(PAGE)}

    def page(self, answer: Entry, asked: Params) -> Page[Volume]:
        """Read a page: a link says that there is a next one; its host may be an internal one."""
        items = [self.volume(entry) for entry in answer.entries("volumes")]
        links = answer.optional_entries("volumes_links")
        more = bool(items) and any(link.text("rel") == "next" for link in links)
        return Page(items, {**asked, "marker": items[-1].id} if more else None)

    def volume(self, entry: Entry) -> Volume:
        """Read one volume; Cinder has no tags, its metadata takes their place."""
        encrypted = entry.flag("encrypted")
        return volume_from(entry, tags=entry.texts("metadata"), encrypted=encrypted)

    def volume_url(self, volume_id: str) -> str:
        """Address of one volume."""
        return f"{self._project_url()}/volumes/{part(volume_id)}"

    def action_url(self, volume_id: str) -> str:
        """Address of its actions; the export is one of them."""
        return f"{self.volume_url(volume_id)}/action"

    def extra_fields(self, _request: ExportRequest) -> Mapping[str, str]:
        """Nothing: Cinder refuses fields that it does not know, `__os_type` among them."""
        return {}

    def messages_url(self) -> str | None:
        """Address of the user messages."""
        return f"{self._project_url()}/messages"

    def creation_url(self) -> str:
        """Address under which volumes are created and removed."""
        return f"{self._project_url()}/volumes"

    def hindrance(self) -> str | None:
        """Cinder's note on whether the image's signature was verified.

        Where a volume has no other note of its image, Cinder sends Glance an empty `properties`
        with the next export, and Glance refuses that with 400 (seen on 2026.1, Cinder 27.0.0).
        """
        return "signature_verified"

    def _project_url(self) -> str:
        return f"{self.service.base}/{self.service.version or 'v3'}/{self.project_id}"


@dataclass(frozen=True, slots=True)
class OpenstackImages:
    """Glance v2."""

    service: Service
    project_id: str

    def listing(self, created_since: datetime | None) -> tuple[str, Params]:
        """Address and first page (Image API, "List images")."""
        return f"{self.service.base}/v2/images", {
            "owner": self.project_id,
            "limit": str(PAGE),
            "sort_key": "created_at",
            "sort_dir": "desc",
            **created_filter(created_since),
        }

    def page(self, answer: Entry, asked: Params) -> Page[Image]:
        """Read a page. Of its `next` only the marker is used: no address of an answer is."""
        items = [self.image(entry) for entry in answer.entries("images")]
        following = answer.text("next")
        if not following:
            return Page(items, None)
        return Page(items, {**asked, "marker": _marker(following, answer.where)})

    def image(self, entry: Entry) -> Image:
        """Read one image; tags are words here."""
        tags = entry.words("tags")
        deployments = [match[1] for tag in tags if (match := DEPLOYMENT_TAG.fullmatch(tag))]
        return image_from(
            entry,
            size_bytes=entry.optional_whole("size"),
            pinned=PIN_TAG in tags,
            restore_pins=[
                RestorePin.parse(tag.removeprefix(RESTORE_PIN_TAG))
                for tag in tags
                if tag.startswith(RESTORE_PIN_TAG)
            ],
            deployment=deployments[0] if deployments else None,
        )

    def read(self, session: CloudSession, image_id: str) -> Image:
        """Read one image."""
        answer = session.read(self.image_url(image_id))
        image = self.image(answer)
        if image.id != image_id:
            raise CloudUnavailable(f"{answer.where}: answered another image, {image.id}")
        return image

    def image_url(self, image_id: str) -> str:
        """Address of one image."""
        return f"{self.service.base}/v2/images/{part(image_id)}"

    def mark(self, session: CloudSession, image_id: str, mark: ImageMark) -> None:
        """Tag an image (Image API, "Add image tag"); the deployment alone: tags are words here."""
        session.change("PUT", f"{self.image_url(image_id)}/tags/vi-{part(mark.deployment_id)}")

    def pin(self, session: CloudSession, image_id: str) -> None:
        """Tag an image with a word."""
        session.change("PUT", f"{self.image_url(image_id)}/tags/{PIN_TAG}")

    def unpin(self, session: CloudSession, image_id: str) -> None:
        """Remove that word (Image API, "Delete image tag")."""
        session.delete(f"{self.image_url(image_id)}/tags/{PIN_TAG}")

    def set_restore_pin(self, session: CloudSession, image_id: str, pin: RestorePin) -> None:
        """Tag an image with a word of the run's own."""
        session.change("PUT", self._restore_pin_url(image_id, pin))

    def drop_restore_pin(self, session: CloudSession, image_id: str, pin: RestorePin) -> None:
        """Remove that word."""
        session.delete(self._restore_pin_url(image_id, pin))

    def room(self, _session: CloudSession) -> int | None:
        """Nothing: Glance tells nobody its limits."""
        return None

    def _restore_pin_url(self, image_id: str, pin: RestorePin) -> str:
        return f"{self.image_url(image_id)}/tags/{RESTORE_PIN_TAG}{part(pin.run_id)}"


def _marker(following: str, where: str) -> str:
    """Take the marker out of `next`, an address whose other parts we know better ourselves."""
    try:
        markers = parse_qs(urlsplit(following).query).get("marker", [])
    except ValueError:
        markers = []
    if not markers:
        raise CloudUnavailable(f"{where}: the address of the next page holds no marker")
    return markers[0]
