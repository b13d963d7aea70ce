"""Restoring a volume, in both dialects: what is made of what, and nothing is left half done."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.support.restore_site import DB, WEB, RestoreSite, Watched, Wrapped
from volume_images.cleanup.state import VolumeFacts, empty_cleanup_state
from volume_images.errors import (
    CloudUnavailable,
    CredentialError,
    InputError,
    LostAnswer,
    Refused,
)
from volume_images.model import NewVolume, RestorePin, VolumeStatus
from volume_images.restore.making import PATIENCE, RestoreFailed


@pytest.fixture
def site(restore_site: RestoreSite) -> RestoreSite:
    restore_site.reset()
    return restore_site


def test_the_newest_image_becomes_a_volume_like_the_old_one(site: RestoreSite) -> None:
    watched = Watched()
    plan, volume = site.restore(watched=watched)

    (made,) = site.new_volumes()
    old = site.stack.cloud.world.volumes[DB]
    assert made.content == "db01-data on day 29"
    assert (made.size_gib, made.zone, made.volume_type) == (old.size_gib, old.zone, old.volume_type)
    assert (volume.id, volume.status) == (made.id, VolumeStatus.AVAILABLE)
    assert made.name == plan.new.name
    assert plan.slot == datetime(2026, 3, 1, 2, tzinfo=UTC)
    assert (watched.warnings, site.pins()) == ([], [])
    assert [look.status for look in watched.looks][-1] == "available"


def test_the_old_volume_is_never_touched(site: RestoreSite) -> None:
    before = replace(site.stack.cloud.world.volumes[DB])
    site.restore()
    changing = {
        seen.path for seen in site.stack.cloud.requests if seen.method not in ("GET", "HEAD")
    }
    assert site.stack.cloud.world.volumes[DB] == before
    assert not any(DB in path for path in changing)


def test_as_of_takes_the_image_that_was_captured_last_by_then(site: RestoreSite) -> None:
    site.restore(site.order(as_of=datetime(2026, 2, 28, 2, 3, tzinfo=UTC)))
    assert site.new_volumes()[0].content == "db01-data on day 28"


def test_an_image_may_be_named_and_the_new_volume_shaped(site: RestoreSite) -> None:
    images = site.stack.cloud.world.images.values()
    image = next(one for one in images if one.content == "db01-data on day 26")
    wishes = {"name": "db01-copy", "size_gib": 77, "zone": "z2", "volume_type": "SAS"}
    site.restore(site.order("", image=image.name, **wishes))
    (made,) = site.new_volumes()
    shape = (made.content, made.name, made.size_gib, made.zone, made.volume_type)
    assert shape == ("db01-data on day 26", "db01-copy", 77, "z2", "SAS")


def test_a_volume_that_is_gone_comes_back_as_cleanup_remembers_it(site: RestoreSite) -> None:
    del site.stack.cloud.world.volumes[DB]
    facts = VolumeFacts(zone="sandbox-1b", volume_type="SAS", size_gib=90)
    state = empty_cleanup_state("x").model_copy(update={"volumes": {DB: facts}})
    site.restore(site.order(state=state))
    (made,) = site.new_volumes()
    assert (made.zone, made.volume_type, made.size_gib) == ("sandbox-1b", "SAS", 90)


def test_without_config_and_state_the_name_of_an_image_is_enough(site: RestoreSite) -> None:
    del site.stack.cloud.world.volumes[DB]
    order = site.order(ours=None, zone="sandbox-1a", volume_type="SSD")
    plan, _ = site.restore(order)
    assert site.new_volumes()[0].content == "db01-data on day 29"
    assert (plan.new.size_gib, plan.warnings) == (40, ())


def test_an_image_that_is_not_good_is_restored_by_name_alone_and_with_a_warning(
    site: RestoreSite,
) -> None:
    volume = site.stack.cloud.world.volumes[DB]
    early = site.plant(30, volume)
    early.created_at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    chosen, _ = site.restore()
    asked, _ = site.restore(site.order(image=early.id, name="other"))
    assert (chosen.image.id == early.id, asked.image.id == early.id) == (False, True)
    assert asked.warnings == (f"image {early.id} is not good: unknown: created before its slot",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"image": "nothing"}, "no image of this id or name"),
        ({"image": "00000000-0000-4000-8000-000000000000"}, "no image of this id or name"),
        ({"volume_id": "00000000-0000-4000-8000-000000000000"}, "has no image of it that is ours"),
        ({"name": "db01-data"}, "a volume has this name already"),
        ({"size_gib": 1}, "needs 40 GiB at the least"),
        ({"as_of": datetime(2020, 1, 1, tzinfo=UTC)}, "no good image was captured until 2020"),
    ],
)
def test_what_cannot_be_restored_is_said_before_anything_is_made(
    site: RestoreSite, changes: dict[str, Any], said: str
) -> None:
    with pytest.raises(InputError, match=said):
        site.restore(site.order(**changes))
    assert (site.posts(), site.pins()) == (0, [])


def test_an_image_of_another_volume_is_not_taken_for_this_one(site: RestoreSite) -> None:
    images = site.stack.cloud.world.images.values()
    other = next(image for image in images if image.volume_id == WEB)
    with pytest.raises(InputError, match=f"it is of volume {WEB}, not of {DB}"):
        site.restore(site.order(image=other.id))


def test_the_image_is_pinned_with_run_and_time_while_it_is_read(site: RestoreSite) -> None:
    seen: list[list[str]] = []
    site.restore(then=lambda _: seen.append(site.pins()))
    ((pin,), *_) = seen
    assert pin.startswith("vi-restore-")
    assert "20260302T02" in pin
    assert site.pins() == []


@dataclass(frozen=True)
class Losing(Wrapped):
    """A cloud that loses the answer to the creation of a volume; `carries_out` it or not."""

    carries_out: bool

    @property
    def restoring(self) -> Any:  # noqa: ANN401
        return self

    def create(self, volume: NewVolume) -> str:
        if self.carries_out:
            self.real.restoring.create(volume)
        raise LostAnswer("no answer")

    def make_exportable(self, volume_id: str) -> None:
        self.real.restoring.make_exportable(volume_id)


def test_a_lost_answer_is_settled_by_the_name_and_never_by_a_second_post(site: RestoreSite) -> None:
    _, volume = site.restore(wrap=lambda cloud: Losing(cloud, carries_out=True))
    (made,) = site.new_volumes()
    assert (volume.id, site.posts(), site.pins()) == (made.id, 1, [])


def test_a_request_that_was_lost_is_not_repeated_and_the_name_is_told(site: RestoreSite) -> None:
    with pytest.raises(RestoreFailed, match=r"db01-data-restored-.*no volume of this name shows"):
        site.restore(wrap=lambda cloud: Losing(cloud, carries_out=False))
    assert (site.posts(), site.pins(), site.new_volumes()) == (0, [], [])


def test_a_volume_that_ends_in_error_is_told_and_the_pin_taken_off(site: RestoreSite) -> None:
    def fail(_: int) -> None:
        (made,) = site.new_volumes()
        made.status, made.ready_at = "error", None

    with pytest.raises(RestoreFailed, match="ended in status error"):
        site.restore(then=fail)
    assert site.pins() == []


def test_an_interrupted_restore_takes_its_pin_off(site: RestoreSite) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        site.restore(then=interrupt)
    assert (site.pins(), len(site.new_volumes())) == ([], 1)


@pytest.mark.slow
def test_a_volume_that_is_never_ready_is_waited_for_by_its_size(site: RestoreSite) -> None:
    def never(_: int) -> None:
        (made,) = site.new_volumes()
        made.ready_at = datetime(2999, 1, 1, tzinfo=UTC)

    with pytest.raises(RestoreFailed, match=f"not available after {PATIENCE + 40 * 60:.0f} s"):
        site.restore(then=never)


@dataclass(frozen=True)
class Away(Wrapped):
    """A cloud that is away at the first looks at a new volume."""

    looks: list[str]

    @property
    def volumes(self) -> Any:  # noqa: ANN401
        return self

    def all(self) -> Any:  # noqa: ANN401
        return self.real.volumes.all()

    def get(self, volume_id: str) -> Any:  # noqa: ANN401
        self.looks.append(volume_id)
        if len(self.looks) <= 3:
            raise CloudUnavailable("bad gateway", status=502)
        return self.real.volumes.get(volume_id)


def test_a_cloud_that_is_away_for_a_moment_is_asked_again(site: RestoreSite) -> None:
    _, volume = site.restore(wrap=lambda cloud: Away(cloud, []))
    assert volume.status == VolumeStatus.AVAILABLE


@dataclass(frozen=True)
class Untagged(Wrapped):
    """A cloud whose images this user may not tag."""

    @property
    def images(self) -> Any:  # noqa: ANN401
        return UntaggedImages(self.real.images)


@dataclass(frozen=True)
class UntaggedImages(Wrapped):
    def set_restore_pin(self, image_id: str, pin: RestorePin) -> bool:
        raise Refused(f"{image_id}: not for {pin.run_id}", status=403)

    def drop_restore_pin(self, image_id: str, pin: RestorePin) -> None:
        raise AssertionError(f"{image_id} is not pinned by {pin.run_id}")


@pytest.mark.slow
def test_who_may_not_tag_restores_all_the_same_and_is_told(site: RestoreSite) -> None:
    watched = Watched()
    site.restore(watched=watched, wrap=Untagged)
    (warning,) = watched.warnings
    assert "is not pinned, cleanup may delete it meanwhile: 403" in warning


@dataclass(frozen=True)
class Deleting(Wrapped):
    """A cloud whose image a cleanup deletes right before it is pinned."""

    site: RestoreSite

    @property
    def images(self) -> Any:  # noqa: ANN401
        return DeletingImages(self.real.images, self.site)


@dataclass(frozen=True)
class DeletingImages(Wrapped):
    site: RestoreSite

    def set_restore_pin(self, image_id: str, pin: RestorePin) -> bool:
        del self.site.stack.cloud.world.images[image_id]
        return bool(self.real.set_restore_pin(image_id, pin))


def test_an_image_that_cleanup_deleted_first_is_not_asked_for(site: RestoreSite) -> None:
    with pytest.raises(RestoreFailed, match="it was deleted meanwhile: restore another one"):
        site.restore(wrap=lambda cloud: Deleting(cloud, site))
    assert site.posts() == 0


def test_a_restored_volume_can_be_exported_itself(site: RestoreSite) -> None:
    site.restore()
    assert "signature_verified" not in site.new_volumes()[0].image_metadata


@dataclass(frozen=True)
class Unmended(Wrapped):
    """A cloud that lets this user make volumes, and nothing else with them."""

    @property
    def restoring(self) -> Any:  # noqa: ANN401
        return self

    def create(self, volume: NewVolume) -> str:
        return str(self.real.restoring.create(volume))

    def make_exportable(self, volume_id: str) -> None:
        raise CredentialError(f"{volume_id}: no rule allows it", status=401)


@pytest.mark.slow
def test_who_may_not_mend_a_volume_is_told_how_it_is_done(site: RestoreSite) -> None:
    watched = Watched()
    _, volume = site.restore(watched=watched, wrap=Unmended)
    (warning,) = watched.warnings
    assert f"unset --image-property signature_verified {volume.id}" in warning


@pytest.mark.slow
def test_a_volume_that_was_encrypted_and_is_not_is_told(site: RestoreSite) -> None:
    watched = Watched()
    facts = VolumeFacts(zone="a", volume_type="b", size_gib=40, encrypted=True)
    state = empty_cleanup_state("x").model_copy(update={"volumes": {DB: facts}})
    del site.stack.cloud.world.volumes[DB]
    _, volume = site.restore(site.order(state=state), watched)
    assert watched.warnings == [f"volume {volume.id}: it is not encrypted, and the old one was"]
