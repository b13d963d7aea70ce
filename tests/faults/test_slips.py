"""Slips, taken back within the grace: nothing is lost, even if no cleanup ran meanwhile.

Each is made, stands for a day, is taken back and made again before any cleanup runs, and is taken
back for good before its own grace is over. The config is as reckless as it can be about orphans.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import DAY, DB, HOUR, Site, WrappedCloud, reasons, results
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.connections import Connections
from volume_images.dialect import Dialect
from volume_images.model import Tick, Volume
from volume_images.protocols import Cloud, World
from volume_images.report import CloudResult, Function, ImageResult, Report
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

RECKLESS = {"after": "1h", "keep": 0}
DAYS = (26, 27, 28, 29)
OURS = sorted(f"day-{day}" for day in DAYS)
Document = dict[str, Any]


@pytest.fixture
def site(cleanup_stack: SandboxStack) -> Site:
    """Return a site with four images, all of which the config keeps."""
    site = Site.at_rest(cleanup_stack)
    for day in DAYS:
        site.plant(day)
    site.stack.write_config(careful(site))
    return site


def careful(site: Site) -> Document:
    return site.document(retention={"keep_last": 9}) | {"orphans": RECKLESS}


def retention_edit(document: Document) -> None:
    document["policies"]["daily"]["retention"] = {"keep_last": 1}


def policy_renamed(document: Document) -> None:
    document["policies"] = {"nightly": document["policies"]["daily"]}


def policy_removed(document: Document) -> None:
    weekly = document["policies"].pop("daily") | {"select": {"backup": "weekly"}}
    document["policies"] = {"weekly": weekly}


def prefix_changed(document: Document) -> None:
    """Change it to a prefix under which somebody else keeps images."""
    document["prefix"] = "other"
    retention_edit(document)


def volume_mistyped(document: Document) -> None:
    document["volumes"][0]["id"] = DB.replace("1", "7")


def tag_mistyped(document: Document) -> None:
    document["volumes"][0]["tags"] = {"backup": "dialy"}


def orphans_hastened(document: Document) -> None:
    tag_mistyped(document)
    document["orphans"] = {"after": "1h", "keep": 0}


def another_former_prefix(document: Document) -> None:
    """Take somebody else's images in."""
    document["former_prefixes"] = ["other"]
    retention_edit(document)


SLIPS = [
    retention_edit,
    policy_renamed,
    policy_removed,
    prefix_changed,
    volume_mistyped,
    tag_mistyped,
    orphans_hastened,
    another_former_prefix,
]


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.__name__)
def test_a_slip_of_the_config_loses_nothing(site: Site, slip: Callable[[Document], None]) -> None:
    for day in DAYS:
        site.plant(day, f"other-{day}", prefix="other")
    before = sorted(site.images)
    mistaken = careful(site)
    slip(mistaken)
    site.clean()

    site.stack.write_config(mistaken)
    site.clean_after(HOUR)
    slipped = site.clean_after(DAY)
    site.stack.write_config(careful(site))
    site.let_pass(HOUR)
    site.stack.write_config(mistaken)
    again = [site.clean_after(hours * HOUR) for hours in (2, 23, 24, 20)]
    site.stack.write_config(careful(site))
    reverted = [site.clean_after(DAY) for _ in range(2)]

    assert "announced" in results(slipped).values()  # else it was no slip
    assert "announced" in results(again[-1]).values()
    assert sorted(site.images) == before
    assert site.deletes() == []
    assert results(reverted[-1]) == dict.fromkeys(OURS, "kept")


def test_a_slip_that_is_not_taken_back_deletes_after_its_own_grace(site: Site) -> None:
    """The other side of the same: what stands is carried out."""
    site.stack.write_config(site.document(retention={"keep_last": 1}))
    for _ in range(4):
        site.clean_after(DAY)

    assert site.deletes() == OURS[:3]


def test_a_cloud_removed_from_the_config_loses_nothing(site: Site) -> None:
    mistaken = site.document(retention={"keep_last": 1})
    without = site.document()
    without["clouds"] = {"other": without["clouds"]["sandbox"] | {"project": "elsewhere"}}
    site.stack.write_config(mistaken)
    site.clean()
    site.clean_after(DAY)
    before = site.state()
    site.stack.write_config(without)
    gone = site.clean_after(HOUR)
    unchanged = site.state() == before
    site.stack.write_config(mistaken)
    back = [site.clean_after(time) for time in (DAY, DAY, DAY - HOUR)]

    assert [one.cloud for one in gone.clouds] == ["other"]
    assert unchanged
    assert results(back[0])["day-26"] == "announced"
    assert site.deletes() == []


def discovering(site: Site) -> Document:
    document = careful(site)
    document["volumes"] = []
    document["discover"] = [{"cloud": "sandbox", "tags": {"backup": "daily"}}]
    return document


def with_empty_listing(world: World) -> World:
    """Let the cloud list no volume at all, though it has them."""

    class Empty:
        def __init__(self, real: Any) -> None:  # noqa: ANN401
            self.get = real.get

        def all(self) -> Sequence[Volume]:
            return []

    def opened(name: str, refused_secret: str = "") -> Cloud:
        cloud = world.open_cloud(name, refused_secret)
        return WrappedCloud(cloud, cloud.images, seen=Empty(cloud.volumes))

    return replace(world, open_cloud=opened)


def test_a_discovery_that_answers_empty_makes_no_orphans(site: Site) -> None:
    site.stack.write_config(discovering(site))
    site.clean()

    empty = [site.clean_after(DAY, change=with_empty_listing) for _ in range(5)]

    assert [set(results(one).values()) for one in empty] == [{"kept"}] * 5
    assert site.deletes() == []


def test_volumes_that_lose_their_tags_lose_no_image(site: Site) -> None:
    """What was exported in between shows that they had them back, though no cleanup saw it."""
    site.stack.write_config(discovering(site))
    volume = site.stack.cloud.world.volumes[DB]
    tags = dict(volume.tags)
    site.clean()

    volume.tags.clear()
    site.clean_after(HOUR)
    slipped = site.clean_after(DAY)
    volume.tags.update(tags)
    at = site.stack.cloud.clock.now().astimezone(UTC).replace(hour=2, minute=0, second=0)
    site.plant(1 + (at - datetime(2026, 2, 1, tzinfo=UTC)).days, "in-between")
    site.let_pass(HOUR)
    volume.tags.clear()
    again = [site.clean_after(time) for time in (2 * HOUR, DAY, DAY, 20 * HOUR)]
    volume.tags.update(tags)
    reverted = site.clean_after(DAY)

    assert set(results(slipped).values()) == {"announced"}
    assert results(again[0]) == dict.fromkeys([*OURS, "in-between"], "kept")
    assert site.deletes() == []
    assert set(results(reverted).values()) == {"kept"}


@pytest.mark.parametrize("jump", [4 * DAY, -4 * DAY], ids=["forward", "back"])
def test_our_clock_alone_jumps_and_nothing_is_judged_by_it(site: Site, jump: timedelta) -> None:
    site.stack.write_config(site.document(retention={"keep_last": 1}))
    site.clean()
    before = site.state()
    with CloudSandbox(dialect=Dialect.OPENSTACK, volumes=1) as elsewhere:
        elsewhere.clock.set(site.stack.cloud.clock.now() + jump)
        environment = {**site.stack.env, "VOLUME_IMAGES_CLOCK_URL": elsewhere.clock_url}
        settings = Settings.parse(environment)
        world = connect(settings, Function.CLEANUP, Connections())
        report = cleanup_run(world, Tick(), limits=RunLimits())

    assert [one.result for one in report.clouds] == [CloudResult.CLOCK_SKEW]
    assert report.safety_stops
    assert site.state().groups == before.groups
    assert site.deletes() == []


@pytest.mark.parametrize("jump", [5 * DAY, -5 * DAY], ids=["forward", "back"])
def test_all_clocks_jump_and_the_wait_starts_again(site: Site, jump: timedelta) -> None:
    """As where the cloud's and ours follow one wrong server."""
    site.let_pass(10 * DAY)  # else the newest images would lie in the future afterwards
    site.stack.write_config(site.document(retention={"keep_last": 1}))
    site.clean()
    site.clean_after(DAY)
    site.let_pass(jump)
    jumped = site.clean()
    site.let_pass(-jump)
    back = site.clean_after(HOUR)

    for report in (jumped, back):
        assert [results(report)[f"day-{day}"] for day in (26, 27, 28)] == ["announced"] * 3
        assert reports_whole_grace(report)
    assert site.deletes() == []


def reports_whole_grace(report: Report) -> bool:
    """Whether everything announced has all of its wait before it."""
    return all(
        datetime.fromisoformat(str(one.details["deletes_at"])) - report.started_at >= 3 * DAY
        for one in report.outcomes
        if one.result is ImageResult.ANNOUNCED
    )


def second_deployment(site: Site, document: Document) -> Callable[[], Report]:
    """Set up another deployment, with a store and a config of its own, on the same project."""
    s3, bucket = site.stack.aws.s3, site.stack.config_bucket
    s3.put_object(Bucket=bucket, Key="second.yaml", Body=json.dumps(document).encode())
    settings = Settings.parse(
        {
            **site.stack.env,
            "VOLUME_IMAGES_DEPLOYMENT": "second",
            "VOLUME_IMAGES_CONFIG": f"s3://{bucket}/second.yaml",
            "VOLUME_IMAGES_STORE": f"s3://{site.stack.state_bucket}/second",
        }
    )
    connections = Connections()

    def clean() -> Report:
        world = connect(settings, Function.CLEANUP, connections)
        return cleanup_run(world, Tick(), limits=RunLimits())

    return clean


@pytest.mark.parametrize("slip", [retention_edit, policy_removed], ids=lambda slip: slip.__name__)
def test_a_second_deployment_never_announces_what_the_first_has_tagged(
    site: Site, slip: Callable[[Document], None]
) -> None:
    ours = site.world().deployment_id
    for image in site.images.values():
        image.tags.append(f"vi-{ours}")
    document = careful(site)
    slip(document)
    second = second_deployment(site, document)

    for _ in range(5):
        site.let_pass(DAY)
        assert reasons(second()) == dict.fromkeys(OURS, f"unknown: deployment {ours}")

    assert site.deletes() == []


def test_a_second_deployment_that_covers_nothing_here_judges_no_untagged_image(
    site: Site,
) -> None:
    """Its prefix is the same, and its rule for orphans reckless: but it never made these."""
    document = careful(site)
    policy_removed(document)
    second = second_deployment(site, document)

    for _ in range(5):
        site.let_pass(DAY)
        assert set(results(second()).values()) == {"kept"}

    assert site.deletes() == []


def test_a_second_deployment_with_other_rules_that_is_stopped_in_time_loses_nothing(
    site: Site,
) -> None:
    document = careful(site)
    retention_edit(document)

    waiting = second_deployment(site, document)()
    site.let_pass(2 * DAY)
    first = site.clean()

    assert results(waiting)["day-26"] == "announced"
    assert set(results(first).values()) == {"kept"}
    assert site.deletes() == []


def test_a_config_replaced_while_the_run_judges_stops_its_deletions(site: Site) -> None:
    """Somebody takes a slip back in the very minute in which it would be carried out."""
    site.stack.write_config(site.document(retention={"keep_last": 1}))
    for _ in range(3):
        site.clean_after(DAY)
    site.let_pass(DAY)

    def corrected_meanwhile(world: World) -> World:
        site.stack.write_config(careful(site))
        return world

    report = site.clean(change=corrected_meanwhile)

    due = {one.image_id for one in report.outcomes if one.result is ImageResult.ANNOUNCED}
    assert due == {"day-26", "day-27", "day-28"}
    assert site.deletes() == []
    assert results(site.clean()) == dict.fromkeys(OURS, "kept")
