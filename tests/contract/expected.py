"""What each dialect answers, where they differ: data, so that the tests are the same for all."""

from dataclasses import dataclass

from volume_images.dialect import Dialect
from volume_images.errors import CloudError, CredentialError, NotFound, Refused


@dataclass(frozen=True, slots=True)
class Refusal:
    """One refusal: its error, and the cloud's own words. `{}` is the id that was asked about."""

    kind: type[CloudError]
    status: int
    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """The answers of one dialect."""

    disk_format: str
    foreign_disk_format: str
    tells_virtual_size: bool
    tells_least_disk: bool
    longest_name: int
    unknown_volume: Refusal
    bad_disk_format: Refusal
    bad_container_format: Refusal
    name_too_long: Refusal
    uploading: Refusal
    uploading_with_force: Refusal
    attached: Refusal
    wrong_password: Refusal
    unknown_credential: Refusal
    protected: Refusal
    public_of_others: Refusal


OPENSTACK_DENIED = Refusal(
    CredentialError, 401, "", "The request you have made requires authentication."
)

EXPECTED = {
    # From the answers of release 2025.2.
    Dialect.OPENSTACK: Expected(
        disk_format="qcow2",
        foreign_disk_format="zvhd2",
        tells_virtual_size=True,
        tells_least_disk=False,
        longest_name=255,
        unknown_volume=Refusal(NotFound, 404, "itemNotFound", "Volume {} could not be found."),
        bad_disk_format=Refusal(
            Refused,
            400,
            "badRequest",
            "Invalid input for field/attribute disk_format. Value: zvhd2. 'zvhd2' is not one of"
            " ['raw', 'vmdk', 'vdi', 'qcow2', 'vhd', 'vhdx', 'ploop']",
        ),
        bad_container_format=Refusal(
            Refused,
            400,
            "badRequest",
            # Our client cuts what it shows of a message at 300 characters.
            "Unable to set 'container_format' to 'box'. Reason: 'box' is not one of [None, 'ami',"
            " 'ari', 'aki', 'bare', 'ovf', 'ova', 'docker', 'compressed'] Failed validating"
            " 'enum' in schema['properties']['container_format']: {'type': ['null', 'string'],"
            " 'description': 'Format of the container', 'enum': [No...",
        ),
        name_too_long=Refusal(
            Refused,
            400,
            "badRequest",
            # It masks whatever is as long as a token.
            "Invalid input for field/attribute image_name. Value: *** *** is too long",
        ),
        uploading=Refusal(
            Refused, 400, "badRequest", "Invalid volume: Volume {} status must be available"
        ),
        uploading_with_force=Refusal(
            Refused,
            400,
            "badRequest",
            "Invalid volume: Volume {} status must be available or in-use",
        ),
        attached=Refusal(
            Refused, 400, "badRequest", "Invalid volume: Volume {} status must be available"
        ),
        wrong_password=OPENSTACK_DENIED,
        unknown_credential=Refusal(
            CredentialError, 404, "", "Could not find Application Credential: {}."
        ),
        protected=Refusal(Refused, 403, "", "Image {} is protected and cannot be deleted."),
        public_of_others=Refusal(
            Refused, 403, "", "You are not authorized to complete delete_image action."
        ),
    ),
    # From the API references of EVS, IMS and the API gateway.
    Dialect.HUAWEI: Expected(
        disk_format="zvhd2",
        foreign_disk_format="vdi",
        tells_virtual_size=False,
        tells_least_disk=True,
        longest_name=128,
        unknown_volume=Refusal(NotFound, 404, "EVS.5404", "Volume {} could not be found."),
        bad_disk_format=Refusal(
            Refused,
            400,
            "EVS.5400",
            "Invalid input received: disk_format must be one of vhd, zvhd, zvhd2, raw, qcow2",
        ),
        bad_container_format=Refusal(
            Refused,
            400,
            "EVS.5400",
            "Invalid input received: container_format must be one of ami, ari, aki, ovf, bare",
        ),
        name_too_long=Refusal(
            Refused,
            400,
            "EVS.5400",
            "Invalid input received: image_name must be 1 to 128 letters, digits, '-', '.', '_' or"
            " spaces",
        ),
        uploading=Refusal(
            Refused, 400, "EVS.5400", "Invalid volume: Volume {} status must be available."
        ),
        uploading_with_force=Refusal(
            Refused,
            400,
            "EVS.5400",
            "Invalid volume: Volume {} status must be available or in-use.",
        ),
        attached=Refusal(
            Refused, 400, "EVS.5400", "Invalid volume: Volume {} status must be available."
        ),
        wrong_password=OPENSTACK_DENIED,
        unknown_credential=Refusal(
            CredentialError, 404, "", "Could not find Application Credential: {}."
        ),
        protected=Refusal(Refused, 400, "IMG.0028", "Image {} is protected."),
        public_of_others=Refusal(Refused, 400, "IMG.0094", "A public image cannot be changed."),
    ),
}
