"""The images of a cloud in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tests.faults.memory_project import MemoryProject
from tests.faults.trouble import Kind
from volume_images.dialect import Dialect
from volume_images.errors import LostAnswer, Refused
from volume_images.model import Image, ImageMark, RestorePin


@dataclass(frozen=True, slots=True)
class MemoryImages:
    """The images of a cloud."""

    cloud: MemoryProject

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        """List what the project owns."""
        self.cloud.listed()
        with self.cloud.late():
            return [
                self.cloud.image(image)
                for image in self.cloud.world.images.values()
                if image.owner == self.cloud.project_id
                and (created_since is None or image.created_at >= created_since)
            ]

    def get(self, image_id: str) -> Image | None:
        """Read one."""
        self.cloud.asked()
        image = self.cloud.world.images.get(image_id)
        return self.cloud.image(image) if image else None

    def members(self, image_id: str) -> Sequence[str]:
        """List those it is shared with."""
        self.cloud.asked()
        image = self.cloud.world.images.get(image_id)
        return tuple(image.members) if image else ()

    def delete(self, image_id: str) -> bool:
        """Remove one."""
        self.cloud.asked()
        is_lost = self.cloud.may_change()
        image = self.cloud.world.images.get(image_id)
        if image is not None and image.protected:
            raise Refused("it is protected", status=403)
        self.cloud.world.forget_image(image_id)
        if is_lost:
            raise LostAnswer("connection reset")
        return image is not None

    def mark(self, image_id: str, mark: ImageMark) -> bool:
        """Tag one."""
        self.cloud.asked()
        is_lost = self.cloud.may_change()
        image = self.cloud.world.images.get(image_id)
        if image is not None:
            tag = f"vi-{mark.deployment_id}"
            image.tags = [*(one for one in image.tags if one != tag), tag]
        if is_lost:
            raise LostAnswer("connection reset")
        return image is not None

    def pin(self, image_id: str) -> bool:
        """Pin nothing: people do, by hand."""
        raise NotImplementedError(image_id)

    def unpin(self, image_id: str) -> bool:
        """Unpin nothing."""
        raise NotImplementedError(image_id)

    def set_restore_pin(self, image_id: str, pin: RestorePin) -> bool:
        """Restore nothing."""
        raise NotImplementedError(image_id, pin)

    def drop_restore_pin(self, image_id: str, pin: RestorePin) -> None:
        """Restore nothing."""
        raise NotImplementedError(image_id, pin)

    def room(self) -> int | None:
        """Tell what a Huawei Cloud tells: whether the quota is full."""
        self.cloud.asked()
        if self.cloud.world.dialect is Dialect.OPENSTACK:
            return None
        return 0 if self.cloud.trouble.lasting(Kind.QUOTA_IS_FULL) else 1000
