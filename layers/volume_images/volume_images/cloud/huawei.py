"""The huawei dialect: EVS and IMS of Huawei Cloud and Open Telekom Cloud."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from volume_images.cloud.endpoints import Service
from volume_images.cloud.fields import Entry, part
from volume_images.cloud.hosts import host_name
from volume_images.cloud.images import PIN_TAG, RESTORE_PIN_TAG, created_filter, image_from
from volume_images.cloud.listings import Page
from volume_images.cloud.session import CloudSession, Params
from volume_images.cloud.volumes import volume_from
from volume_images.errors import CloudUnavailable
from volume_images.model import ExportRequest, Image, ImageMark, RestorePin, Volume

# EVS allows up to 1,000; IMS names no maximum, 500 is its default.
VOLUMES_PAGE = 1000
IMAGES_PAGE = 500
DEPLOYMENT_TAG = "vi-deployment="


@dataclass(frozen=True, slots=True)
class HuaweiVolumes:
    """EVS: its own listing knows tags and a total, the export is a call in Cinder's form."""

    service: Service
    project_id: str

    def listing(self) -> tuple[str, Params]:
        """Address and first page ("Querying Details About All Disks")."""
        url = f"{self.service.base}/v2/{self.project_id}/cloudvolumes/detail"
        return url, {"limit": str(VOLUMES_PAGE), "offset": "0"}

    def page(self, answer: Entry, asked: Params) -> Page[Volume]:
        """Read a page. An offset beyond the total is an error to EVS, so the total ends a walk."""
        items = [self.volume(entry) for entry in answer.entries("volumes")]
        total = answer.optional_whole("count")
        offset = int(asked["offset"]) + len(items)
        ended = not items or (total is not None and offset >= total)
        following = None if ended else {**asked, "offset": str(offset)}
        return Page(items, following, total)

    def volume(self, entry: Entry) -> Volume:
        """Read one volume; `encrypted` is not kept up to date there, the metadata is."""
        encrypted = entry.texts("metadata").get("__system__encrypted") == "1"
        return volume_from(entry, tags=_tags(entry), encrypted=encrypted)

    def volume_url(self, volume_id: str) -> str:
        """Address of one volume; Open Telekom Cloud names the same call otherwise."""
        on_otc = host_name(self.service.base).endswith(".otc.t-systems.com")
        collection = "os-vendor-volumes" if on_otc else "cloudvolumes"
        return f"{self.service.base}/v2/{self.project_id}/{collection}/{part(volume_id)}"

    def action_url(self, volume_id: str) -> str:
        """Address of the export ("Exporting EVS Disk Data as an Image"), v3 unless given."""
        version = self.service.version or "v3"
        return f"{self.service.base}/{version}/{self.project_id}/volumes/{part(volume_id)}/action"

    def extra_fields(self, request: ExportRequest) -> Mapping[str, str]:
        """Return what only this dialect sends."""
        return {"__os_type": request.os_type} if request.os_type else {}

    def messages_url(self) -> str | None:
        """EVS records no messages."""
        return None

    def creation_url(self) -> str:
        """Address under which volumes are created and removed, in Cinder's form."""
        return f"{self.service.base}/{self.service.version or 'v3'}/{self.project_id}/volumes"

    def hindrance(self) -> str | None:
        """Nothing is known of one."""
        return None


@dataclass(frozen=True, slots=True)
class HuaweiImages:
    """IMS: a listing without links, deletion in Glance's form."""

    service: Service
    project_id: str

    def listing(self, created_since: datetime | None) -> tuple[str, Params]:
        """Address and first page ("Querying Images")."""
        return f"{self.service.base}/v2/cloudimages", {
            "owner": self.project_id,
            "__imagetype": "private",
            "limit": str(IMAGES_PAGE),
            "sort_key": "created_at",
            "sort_dir": "desc",
            **created_filter(created_since),
        }

    def page(self, answer: Entry, asked: Params) -> Page[Image]:
        """Read a page; only an empty one is the end."""
        items = [self.image(entry) for entry in answer.entries("images")]
        return Page(items, {**asked, "marker": items[-1].id} if items else None)

    def image(self, entry: Entry) -> Image:
        """Read one image; tags are `key=value` here, and the real size is a string."""
        tags = entry.words("tags")
        deployments = [tag.removeprefix(DEPLOYMENT_TAG) for tag in tags if _names_deployment(tag)]
        return image_from(
            entry,
            size_bytes=entry.optional_whole("__image_size"),
            pinned=any(tag == PIN_TAG or tag.startswith(f"{PIN_TAG}=") for tag in tags),
            restore_pins=[_restore_pin(tag) for tag in tags],
            deployment=deployments[0] if deployments else None,
        )

    def read(self, session: CloudSession, image_id: str) -> Image:
        """Read one image; raises NotFound only on the service's own word."""
        answer = session.read(f"{self.service.base}/v2/cloudimages", {"id": image_id})
        images = [self.image(entry) for entry in answer.entries("images")]
        if not images:
            # An empty listing proves nothing: only Glance's form answers 404 for an id.
            return self.image(session.read(self.image_url(image_id)))
        if images[0].id != image_id:
            raise CloudUnavailable(f"{answer.where}: answered another image than {image_id}")
        return images[0]

    def image_url(self, image_id: str) -> str:
        """Address of one image, in Glance's form: DELETE and members are only there."""
        return f"{self.service.base}/v2/images/{part(image_id)}"

    def mark(self, session: CloudSession, image_id: str, mark: ImageMark) -> None:
        """Tag an image as ours, in four tags."""
        self._tag(session, image_id, _mark_tags(mark))

    def pin(self, session: CloudSession, image_id: str) -> None:
        """Tag an image; only the key counts, and a tag has a value here."""
        self._tag(session, image_id, {PIN_TAG: "1"})

    def unpin(self, session: CloudSession, image_id: str) -> None:
        """Remove a tag by its key ("Deleting an Image Tag"), whatever value a person gave it."""
        session.delete(f"{self._tags_url(image_id)}/{PIN_TAG}")

    def set_restore_pin(self, session: CloudSession, image_id: str, pin: RestorePin) -> None:
        """Tag an image: the key is the run's own, so that restores side by side do not meet."""
        key, value = _restore_tag(pin)
        self._tag(session, image_id, {key: value})

    def drop_restore_pin(self, session: CloudSession, image_id: str, pin: RestorePin) -> None:
        """Remove that tag."""
        key, _ = _restore_tag(pin)
        session.delete(f"{self._tags_url(image_id)}/{part(key)}")

    def room(self, session: CloudSession) -> int | None:
        """Read what is left of the quota of private images ("Querying Image Quotas")."""
        answer = session.read(f"{self.service.base}/v1/cloudimages/quota")
        for entry in answer.entry("quotas").entries("resources"):
            if entry.text("type") == "image":
                return max(0, entry.whole("quota") - entry.whole("used"))
        return None

    def _tag(self, session: CloudSession, image_id: str, tags: Mapping[str, str]) -> None:
        """Set tags ("Batch Adding or Deleting Image Tags"): a key that is there is replaced."""
        named = [{"key": key, "value": value} for key, value in tags.items()]
        document = {"action": "create", "tags": named}
        session.change("POST", f"{self._tags_url(image_id)}/action", document)

    def _tags_url(self, image_id: str) -> str:
        return f"{self.service.base}/v2/{self.project_id}/images/{part(image_id)}/tags"


def _mark_tags(mark: ImageMark) -> Mapping[str, str]:
    """Write a mark as tags; their values hold letters, digits, `-` and `_` alone."""
    return {
        "vi-deployment": mark.deployment_id,
        "vi-policy": mark.group.policy_segment.replace(".", "_"),
        "vi-volume": mark.group.volume_id,
        "vi-slot": f"{mark.slot:%Y%m%dT%H%M%SZ}",
    }


def _tags(entry: Entry) -> Mapping[str, str]:
    """Read tags: a map in EVS's listing, a list of keys and values in its tag calls."""
    if isinstance(entry.values.get("tags"), list):
        return {tag.text("key"): tag.text("value") for tag in entry.entries("tags")}
    return entry.texts("tags")


def _restore_tag(pin: RestorePin) -> tuple[str, str]:
    """Spell a pin as key and value: a key holds 36 characters at most."""
    time, _, number = pin.run_id.partition("-")
    return f"{RESTORE_PIN_TAG}{number}", time


def _restore_pin(tag: str) -> RestorePin | None:
    key, _, time = tag.partition("=")
    if not key.startswith(RESTORE_PIN_TAG):
        return None
    return RestorePin.parse(f"{time}-{key.removeprefix(RESTORE_PIN_TAG)}")


def _names_deployment(tag: str) -> bool:
    return tag.startswith(DEPLOYMENT_TAG)
