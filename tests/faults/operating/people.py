"""People work in the cloud, on images and volumes."""

from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.faults.operating.machine import ANY, Operation
from volume_images.model import VolumeStatus


class People(Operation):
    """People work in the cloud."""

    @rule(number=ANY, pinned=st.booleans())
    def somebody_pins(self, number: int, pinned: bool) -> None:  # noqa: FBT001
        """Pin an image, or unpin it."""
        image = self.some_image(number)
        if image is not None:
            others = [tag for tag in image.tags if tag != self.place.pin]
            image.tags = [*others, *([self.place.pin] if pinned else [])]

    @rule(number=ANY)
    def somebody_deletes_an_image(self, number: int) -> None:
        """Delete an image by hand."""
        image = self.some_image(number)
        if image is not None:
            self.watch.look()
            self.world.forget_image(image.id)
            self.watch.changed_by_hand()

    @rule(number=ANY)
    def somebody_deletes_a_volume(self, number: int) -> None:
        """Delete a volume that is not being exported."""
        self.world.settle()
        volume = self.world.volumes.get(self.volume(number))
        if volume is not None and volume.status == VolumeStatus.AVAILABLE:
            self.world.forget_volume(volume.id)
            if volume.id in {one.id for one in self.found}:
                self.owing.left(volume.id, self.now)
                self.in_doubt()

    @rule(number=ANY)
    def somebody_extends_a_volume(self, number: int) -> None:
        """Make a volume larger."""
        volume = self.world.volumes.get(self.volume(number))
        if volume is not None:
            volume.size_gib += 5

    @rule(number=ANY, name=st.sampled_from(["db01", "db01[/x]", "</script>", ""]))
    def somebody_renames_a_volume(self, number: int, name: str) -> None:
        """Give a volume another name in the cloud."""
        volume = self.world.volumes.get(self.volume(number))
        if volume is not None:
            volume.name = name

    @rule()
    def somebody_frees_volumes(self) -> None:
        """Free the volumes that the cloud forgot while they were uploading."""
        self.free_volumes()
