"""Which images are ours, and which of those are good: by name, owner, status, time and size."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from volume_images.config.schema import Config
from volume_images.model import GroupKey, Image, Volume
from volume_images.recognition import GIB, Identity, ImageState, identity, recognise

VOLUME_ID = "16369c5d-384d-4e64-b37a-56d898769362"
PROJECT = "b2e6e1a4f6f84b6a9c2f8a0f6d5c4b3a"
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
NAME = f"acme-demo_daily_db01-data_{VOLUME_ID}_20260302T020000Z"

US = Identity(
    prefixes=frozenset({"acme-demo", "acme"}),
    project_id=PROJECT,
    deployments=frozenset({"0123456789ab", "fedcba987654"}),
    renamed={"nightly": "daily"},
)
VOLUME = Volume(id=VOLUME_ID, name="db01-data", status="in-use", size_gib=40)
IMAGE = Image(
    id="a1",
    name=NAME,
    status="active",
    owner=PROJECT,
    created_at=SLOT + timedelta(minutes=5),
    disk_format="qcow2",
    virtual_bytes=40 * GIB,
    size_bytes=7 * GIB,
)


def state_of(image: Image, volume: Volume | None = VOLUME) -> tuple[ImageState, str]:
    recognised = recognise(image, US, {volume.id: volume} if volume else {})
    assert recognised is not None
    return recognised.state, recognised.why


def test_the_identity_is_that_of_the_config_former_names_included() -> None:
    config = Config.model_validate(
        {
            "prefix": "acme-demo",
            "former_prefixes": ["acme"],
            "clouds": {"otc": {"dialect": "huawei", "region": "eu-de", "project": "eu-de_backup"}},
            "policies": {
                "daily": {
                    "select": {"backup": "daily"},
                    "retention": {"keep_last": 3},
                    "formerly": ["nightly"],
                }
            },
            "former_deployments": ["fedcba987654"],
        }
    )

    assert identity(config, PROJECT, "0123456789ab") == US


def test_an_image_of_ours_is_recognised_with_its_group() -> None:
    recognised = recognise(IMAGE, US, {VOLUME.id: VOLUME})

    assert recognised is not None
    assert recognised.image == IMAGE
    assert str(recognised.name) == NAME
    assert recognised.group == GroupKey("daily", requested=False, volume_id=VOLUME_ID)
    assert (recognised.state, recognised.why) == (ImageState.GOOD, "")


@pytest.mark.parametrize(
    "stranger",
    [
        replace(IMAGE, name="my golden image"),
        replace(IMAGE, name=NAME.replace("acme-demo", "acme-demo2")),
        replace(IMAGE, name=NAME + "-copy"),
        replace(IMAGE, owner="another-project"),
        replace(IMAGE, owner=""),
    ],
)
def test_another_name_prefix_or_owner_makes_a_stranger(stranger: Image) -> None:
    assert recognise(stranger, US, {VOLUME.id: VOLUME}) is None


def test_former_prefixes_and_policy_names_stay_in_todays_group() -> None:
    old = replace(IMAGE, name=NAME.replace("acme-demo_daily_", "acme_nightly.request_"))

    recognised = recognise(old, US, {VOLUME.id: VOLUME})

    assert recognised is not None
    assert recognised.name.policy == "nightly"
    assert recognised.group == GroupKey("daily", requested=True, volume_id=VOLUME_ID)


@pytest.mark.parametrize("deployment", [None, "0123456789ab", "fedcba987654"])
def test_untagged_images_and_those_of_former_deployments_are_ours(deployment: str | None) -> None:
    assert state_of(replace(IMAGE, deployment=deployment)) == (ImageState.GOOD, "")


@pytest.mark.parametrize("status", ["active", "killed", "queued"])
def test_an_image_of_another_deployment_is_unknown_whatever_its_status(status: str) -> None:
    foreign = replace(IMAGE, deployment="aaaaaaaaaaaa", status=status)

    assert state_of(foreign) == (ImageState.UNKNOWN, "deployment aaaaaaaaaaaa")


@pytest.mark.parametrize(
    ("status", "state", "why"),
    [
        ("queued", ImageState.PENDING, ""),
        ("saving", ImageState.PENDING, ""),
        ("uploading", ImageState.PENDING, ""),
        ("importing", ImageState.PENDING, ""),
        ("active", ImageState.GOOD, ""),
        ("killed", ImageState.FAILED, ""),
        ("deleted", ImageState.GONE, ""),
        ("pending_delete", ImageState.GONE, ""),
        ("deactivated", ImageState.UNKNOWN, "status deactivated"),
        ("", ImageState.UNKNOWN, "status "),
    ],
)
def test_each_status_has_one_meaning(status: str, state: ImageState, why: str) -> None:
    assert state_of(replace(IMAGE, status=status)) == (state, why)


def test_an_image_may_be_created_a_quarter_of_an_hour_before_its_slot_and_no_earlier() -> None:
    earliest = SLOT - timedelta(minutes=15)

    assert state_of(replace(IMAGE, created_at=earliest)) == (ImageState.GOOD, "")
    assert state_of(replace(IMAGE, created_at=earliest - timedelta(seconds=1))) == (
        ImageState.UNKNOWN,
        "created before its slot",
    )


@pytest.mark.parametrize(
    ("virtual", "min_disk", "disk_format", "size"),
    [
        (1, None, "qcow2", None),
        (40 * GIB, 99, "qcow2", 0),
        (None, 1, "zvhd2", 0),
        (None, 40, "zvhd2", None),
        (None, None, "raw", 1),
        (None, 0, "raw", 40 * GIB),
    ],
)
def test_the_most_telling_size_must_fit_the_volume(
    virtual: int | None, min_disk: int | None, disk_format: str, size: int | None
) -> None:
    image = replace(
        IMAGE,
        virtual_bytes=virtual,
        min_disk_gib=min_disk,
        disk_format=disk_format,
        size_bytes=size,
    )

    assert state_of(image) == (ImageState.GOOD, "")


@pytest.mark.parametrize(
    ("virtual", "min_disk", "disk_format", "size", "why"),
    [
        (0, 40, "qcow2", GIB, "virtual size 0 bytes does not fit a volume of 40 GiB"),
        (
            40 * GIB + 1,
            40,
            "raw",
            GIB,
            "virtual size 42949672961 bytes does not fit a volume of 40 GiB",
        ),
        (None, 41, "zvhd2", GIB, "min_disk 41 GiB does not fit a volume of 40 GiB"),
        (None, None, "raw", 0, "size 0 bytes does not fit a volume of 40 GiB"),
        (None, None, "raw", 41 * GIB, "size 44023414784 bytes does not fit a volume of 40 GiB"),
        (None, None, "qcow2", 0, "size 0 bytes"),
        (None, None, "raw", None, "no size given"),
        (None, 0, "qcow2", None, "no size given"),
    ],
)
def test_an_image_whose_size_does_not_fit_is_unknown(
    virtual: int | None, min_disk: int | None, disk_format: str, size: int | None, why: str
) -> None:
    image = replace(
        IMAGE,
        virtual_bytes=virtual,
        min_disk_gib=min_disk,
        disk_format=disk_format,
        size_bytes=size,
    )

    assert state_of(image) == (ImageState.UNKNOWN, why)


def test_a_cloud_that_tells_only_the_stored_size_is_believed_and_it_says_so() -> None:
    image = replace(IMAGE, virtual_bytes=None, size_bytes=1)

    assert state_of(image) == (ImageState.GOOD, "size only known to be above zero")


def test_without_its_volume_an_image_has_no_size_test_and_it_says_so() -> None:
    image = replace(IMAGE, virtual_bytes=0)

    assert state_of(image, None) == (ImageState.GOOD, "size not tested: the volume is gone")


@given(st.text(), st.text(), st.text(max_size=12), st.none() | st.integers(), st.booleans())
def test_whatever_a_cloud_answers_has_a_state(
    name: str,
    status: str,
    disk_format: str,
    size: int | None,
    named: bool,  # noqa: FBT001 - hypothesis passes by position
) -> None:
    image = replace(
        IMAGE,
        name=NAME if named else name,
        status=status,
        disk_format=disk_format,
        virtual_bytes=None,
        size_bytes=size,
    )

    recognised = recognise(image, US, {VOLUME.id: VOLUME})

    assert (recognised is not None) == named
