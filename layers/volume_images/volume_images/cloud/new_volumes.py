"""Creating and removing volumes: only what restores holds this."""

from contextlib import suppress

from volume_images.cloud.fields import part
from volume_images.cloud.session import CloudSession
from volume_images.cloud.volumes import VolumeDialect
from volume_images.errors import NotFound
from volume_images.model import NewVolume

ACCEPTED = 202


class NewVolumes:
    """Makes volumes, empty or from images, and removes them: Cinder's calls in both dialects."""

    def __init__(self, session: CloudSession, dialect: VolumeDialect) -> None:
        self._session = session
        self._dialect = dialect

    def create(self, volume: NewVolume) -> str:
        """POST a new volume, once, and return its id (Block Storage API, "Create a volume")."""
        fields: dict[str, object] = {"name": volume.name, "size": volume.size_gib}
        optional = {
            "imageRef": volume.image_id,
            "availability_zone": volume.zone,
            "volume_type": volume.volume_type,
        }
        fields |= {key: value for key, value in optional.items() if value}
        return self._session.post_once(
            self._dialect.creation_url(),
            {"volume": fields},
            lambda answer: answer.entry("volume").identifier("id"),
        )

    def make_exportable(self, volume_id: str) -> None:
        """Take the note off a new volume that would keep it from being exported itself."""
        key = self._dialect.hindrance()
        if key is None:
            return
        with suppress(NotFound):  # there is no such note: so much the better
            self._session.change(
                "POST",
                self._dialect.action_url(volume_id),
                {"os-unset_image_metadata": {"key": key}},
            )

    def delete(self, volume_id: str) -> bool:
        """DELETE; False when it was not there any more. It goes on after the answer."""
        try:
            self._session.delete(f"{self._dialect.creation_url()}/{part(volume_id)}", done=ACCEPTED)
        except NotFound:
            return False
        return True
