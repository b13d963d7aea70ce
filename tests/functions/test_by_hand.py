"""What people ask of cleanup's memory: forget, adopt, pin, against a cloud and S3 on loopback."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from threading import Barrier

import pytest

from tests.sandbox.cloud_server import PROJECT_ID
from tests.support.cleanup_site import DAY, DB, HOUR, Passing, Site, reasons, results, with_images
from volume_images.cleanup.by_hand import adopt, forget
from volume_images.cleanup.inquiry import explain_image
from volume_images.cleanup.pinning import set_pins
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, InputError
from volume_images.model import GroupKey, Image, Tick
from volume_images.protocols import Cloud, World
from volume_images.report import CloudResult, ImageResult

OLD = GroupKey("old", requested=False, volume_id=DB)
DAILY = GroupKey("daily", requested=False, volume_id=DB)
WHY = "orphan: no policy old in the config"


@pytest.fixture
def site(openstack_site: Site) -> Site:
    return openstack_site


@pytest.fixture
def orphaned(site: Site) -> Site:
    """Return a site with three images of a policy that left the config, and three of today's."""
    for day in (20, 21, 22):
        site.plant(day, policy="old")
    for day in (27, 28, 29):
        site.plant(day)
    return site


def test_a_forgotten_policy_is_announced_at_once_and_goes_after_the_grace(orphaned: Site) -> None:
    said = forget(orphaned.world(), "old", dry_run=False)
    waiting = [orphaned.clean_after(DAY), orphaned.clean_after(DAY)]
    last = orphaned.clean_after(DAY)

    assert results(said) == {f"day-{day}": "announced" for day in (20, 21, 22)}
    assert set(reasons(said).values()) == {f"{WHY}, forgotten"}
    assert all(one.details["deletes_at"] for one in said.outcomes)
    assert [results(one)["day-22"] for one in waiting] == ["announced", "announced"]
    assert [results(last)[f"day-{day}"] for day in (20, 21, 22)] == ["deleted"] * 3
    assert sorted(orphaned.images) == ["day-27", "day-28", "day-29"]
    orphaned.clean()
    assert orphaned.state().groups == {}


def test_a_volume_is_forgotten_only_where_nothing_covers_it(orphaned: Site) -> None:
    said = forget(orphaned.world(), DB, dry_run=False)

    assert results(said) == {f"day-{day}": "announced" for day in (20, 21, 22)}
    assert results(orphaned.clean())["day-27"] == "kept"


def test_what_the_config_covers_is_not_forgotten(site: Site) -> None:
    site.plant(29)

    with pytest.raises(InputError, match=r"daily: the config still covers it"):
        forget(site.world(), "daily", dry_run=False)
    with pytest.raises(InputError, match=r"the config still covers it"):
        forget(site.world(), DB, dry_run=False)

    assert results(site.clean()) == {"day-29": "kept"}


def test_what_has_no_image_cannot_be_forgotten(site: Site) -> None:
    with pytest.raises(InputError, match=r"older: there is no image of ours"):
        forget(site.world(), "older", dry_run=False)


def test_a_forgotten_policy_that_comes_back_in_time_loses_nothing(orphaned: Site) -> None:
    """Even if no cleanup runs while it is back, and it is removed again afterwards."""
    forget(orphaned.world(), "old", dry_run=False)
    orphaned.clean_after(DAY)
    policies = orphaned.document()["policies"]
    orphaned.edit_document(policies={**policies, "old": policies["daily"]})
    orphaned.let_pass(HOUR)
    orphaned.edit()
    again = orphaned.clean_after(HOUR)
    for _ in range(4):
        orphaned.clean_after(DAY)

    assert reasons(again)["day-20"] == WHY
    assert orphaned.deletes() == []


def test_the_wait_skipped_deletes_a_forgotten_volume_at_once(orphaned: Site) -> None:
    forget(orphaned.world(), "old", dry_run=False)

    orphaned.clean(without_wait=frozenset({DB}))

    assert orphaned.deletes() == ["day-20", "day-21", "day-22"]


def test_a_pinned_image_of_a_forgotten_policy_stays(either: Site) -> None:
    either.plant(20, policy="old")
    set_pins(either.world(), ["day-20"], pinned=True)

    said = forget(either.world(), "old", dry_run=False)

    assert reasons(said) == {"day-20": f"pinned, {WHY}, forgotten"}


def test_a_dry_run_forgets_nothing(orphaned: Site) -> None:
    said = forget(orphaned.world(), "old", dry_run=True)

    assert results(said)["day-20"] == "announced"
    assert not orphaned.has_state()


def test_a_cloud_that_could_not_be_looked_at_is_told(orphaned: Site) -> None:
    with_another_cloud(orphaned)

    said = forget(orphaned.world(), "old", dry_run=False)

    assert {one.cloud: one.result for one in said.clouds} == {
        "sandbox": CloudResult.SERVED,
        "other": CloudResult.NO_CREDENTIAL,
    }
    assert results(said)["day-20"] == "announced"


@pytest.mark.parametrize(
    "ask",
    [
        lambda world: forget(world, "old", dry_run=True),
        lambda world: adopt(world, ["day-29"], dry_run=True),
        lambda world: explain_image(world, "day-29"),
        lambda world: set_pins(world, ["day-29"], pinned=True),
    ],
    ids=["forget", "adopt", "explain", "pin"],
)
def test_no_cloud_is_waited_for_before_another_is_asked(
    orphaned: Site, ask: Callable[[World], object]
) -> None:
    with_another_cloud(orphaned)
    world, both_asked = orphaned.world(), Barrier(2, timeout=10)

    def opened(name: str, refused_secret: str = "") -> Cloud:
        both_asked.wait()
        return world.open_cloud(name, refused_secret)

    ask(replace(world, open_cloud=opened))
    assert not both_asked.broken


def with_another_cloud(site: Site) -> None:
    """Add a cloud to the config that lets nobody in."""
    document = site.document()
    document["clouds"]["other"] = document["clouds"]["sandbox"] | {"project": "elsewhere"}
    site.stack.write_config(document)


def test_an_image_of_another_deployment_is_adopted_and_goes_like_any_other(either: Site) -> None:
    huawei = either.stack.cloud.dialect is Dialect.HUAWEI
    foreign = "vi-deployment=ffffffffffff" if huawei else "vi-ffffffffffff"
    either.plant(20, "theirs", tags=[foreign])
    for day in (27, 28, 29):
        either.plant(day)
    before = either.clean()

    said = adopt(either.world(), ["theirs"], dry_run=False)
    for _ in range(3):
        either.clean_after(DAY)

    assert reasons(before)["theirs"] == "unknown: deployment ffffffffffff"
    assert results(said) == {"theirs": "announced"}
    assert either.deletes() == ["theirs"]
    assert either.state().groups == {}


def test_an_image_is_adopted_by_its_name_too_and_twice_without_harm(site: Site) -> None:
    odd = site.plant(29, "odd", size_gib=999)

    said = [adopt(site.world(), [odd.name], dry_run=False) for _ in range(2)]

    assert [reasons(one) for one in said] == [{"odd": "keep_last 1/3"}] * 2
    assert site.state().group(PROJECT_ID, DAILY).adopted.keys() == {"odd"}


def test_only_what_is_ours_by_name_and_owner_and_active_is_adopted_and_all_or_nothing(
    site: Site,
) -> None:
    site.plant(29, "odd", size_gib=999)
    site.plant(28, "stranger", prefix="acme")
    site.plant(27, "bad", status="killed")
    site.plant(26, "off", status="deactivated")
    twin = site.plant(25, "one", size_gib=999)
    site.plant(25, "two", size_gib=999)

    for wanted, why in [
        ("stranger", "no image of this name or id carries a name and an owner of ours"),
        ("bad", "the image is failed: only an active one is adopted"),
        ("off", "status is deactivated: only an active one is adopted"),
        (twin.name, "several images have this name: name one by its id: one, two"),
    ]:
        with pytest.raises(InputError, match=why):
            adopt(site.world(), ["odd", wanted], dry_run=False)

    assert not site.has_state()


def test_a_dry_run_adopts_nothing(site: Site) -> None:
    site.plant(29, "odd", size_gib=999)

    said = adopt(site.world(), ["odd"], dry_run=True)

    assert reasons(said) == {"odd": "keep_last 1/3"}
    assert reasons(site.clean())["odd"].startswith("unknown: ")


def test_a_pin_withdraws_an_announcement_and_without_it_the_wait_begins_anew(
    either: Site,
) -> None:
    name = either.plant(26).name
    either.stand_for_the_grace(27, 28, 29)

    pinned = set_pins(either.world(), [name], pinned=True)
    held = either.clean()
    unpinned = set_pins(either.world(), ["day-26"], pinned=False)
    again = either.clean()

    assert [(one.result, one.reason) for one in pinned.outcomes] == [(ImageResult.KEPT, "pinned")]
    assert [one.reason for one in unpinned.outcomes] == ["not pinned"]
    assert reasons(held)["day-26"] == "pinned"
    assert results(again)["day-26"] == "announced"
    assert either.deletes() == []


def test_only_images_of_ours_are_pinned_and_all_or_none(site: Site) -> None:
    site.plant(29)
    site.plant(28, "stranger", prefix="acme")
    site.plant(27, "one")
    twin = site.plant(27, "two")

    for wanted in ("stranger", "nobody"):
        with pytest.raises(InputError, match=f"{wanted}: no image of this name or id"):
            set_pins(site.world(), ["day-29", wanted], pinned=True)
    with pytest.raises(InputError, match="several images have this name"):
        set_pins(site.world(), ["day-29", twin.name], pinned=True)

    assert all(image.tags == [] for image in site.images.values())


def test_a_cloud_that_cannot_be_searched_keeps_no_image_elsewhere_from_its_pin(site: Site) -> None:
    site.plant(29)
    with_another_cloud(site)

    said = set_pins(site.world(), ["day-29"], pinned=True)

    assert site.images["day-29"].tags == ["vi-pin"]
    assert {one.cloud: one.result for one in said.clouds} == {
        "sandbox": CloudResult.SERVED,
        "other": CloudResult.NO_CREDENTIAL,
    }
    for ask in (partial(set_pins, pinned=True), partial(adopt, dry_run=False)):
        with pytest.raises(CloudUnavailable, match="nobody: not found, but not looked at: other: "):
            ask(site.world(), ["nobody"])


def test_several_names_are_looked_for_in_one_listing(site: Site) -> None:
    names = [site.plant(day).name for day in (27, 28, 29)]
    world = site.world()
    site.stack.cloud.requests.clear()

    set_pins(world, names, pinned=True)

    listings = [seen for seen in site.stack.cloud.requests if seen.path.endswith("/images")]
    assert len(listings) == 1
    assert all(image.pinned for image in world.open_cloud("sandbox").images.all())


def test_orphans_are_shrunk_by_the_configs_rule_after_their_time(site: Site) -> None:
    """The policy must have been seen in the config by a run: else the images may be others'."""
    for day in (26, 27, 28, 29):
        site.plant(day)
    site.edit(retention={"keep_last": 9})
    site.clean()
    policies = site.document()["policies"]
    site.edit_document(
        policies={"weekly": policies["daily"] | {"select": {"backup": "weekly"}}},
        orphans={"after": "1d", "keep": 2},
    )
    first = site.clean()
    announced = site.clean_after(DAY)
    for _ in range(3):
        site.clean_after(DAY)

    assert set(results(first).values()) == {"kept"}
    since = {datetime.fromisoformat(str(one.details["orphan_since"])) for one in first.outcomes}
    assert all(timedelta() <= first.finished_at - at < timedelta(minutes=1) for at in since)
    assert results(announced) == {
        "day-26": "announced",
        "day-27": "announced",
        "day-28": "kept",
        "day-29": "kept",
    }
    assert site.deletes() == ["day-26", "day-27"]


def test_a_renamed_policy_and_prefix_keep_their_series_in_one_group(site: Site) -> None:
    for day in (26, 27):
        site.plant(day, prefix="old", policy="nightly")
    for day in (28, 29):
        site.plant(day)
    policies = site.document(formerly=["nightly"])["policies"]
    site.edit_document(policies=policies, former_prefixes=["old"])

    assert reasons(site.clean(Tick(dry_run=True))) == {
        "day-26": "expired",
        "day-27": "keep_last 3/3",
        "day-28": "keep_last 2/3",
        "day-29": "keep_last 1/3",
    }


class Interrupted(Passing):
    """Let a person act once, between a run's reading of the state and its writing."""

    act: Callable[[], object]

    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        seen = super().all(created_since)
        act, type(self).act = type(self).act, lambda: None
        act()
        return seen


def test_what_a_person_asks_while_a_cleanup_runs_is_not_lost(orphaned: Site) -> None:
    """The run loses its write, and plans again with what the person wrote."""
    orphaned.plant(30, "odd", size_gib=999)
    Interrupted.act = lambda: (
        adopt(orphaned.world(), ["odd"], dry_run=False),
        forget(orphaned.world(), "old", dry_run=False),
    )

    report = orphaned.clean(change=with_images(Interrupted))

    assert reasons(report)["odd"] == "keep_last 1/3"
    assert reasons(report)["day-20"] == f"{WHY}, forgotten"
    assert results(report)["day-27"] == "announced"
