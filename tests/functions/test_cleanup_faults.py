"""What cleanup does when clouds, clocks, the store and other runs misbehave: nothing too early."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from tests.sandbox.cloud_server import PROJECT_ID
from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import (
    DAY,
    DB,
    HOUR,
    STATE_KEY,
    Passing,
    Site,
    WrappedCloud,
    results,
    with_images,
)
from volume_images.cleanup.state import CleanupState
from volume_images.errors import (
    CloudError,
    CloudUnavailable,
    Conflict,
    CredentialError,
    IncompleteListing,
    StoreError,
)
from volume_images.model import GroupKey, Image, Volume
from volume_images.protocols import Cloud, Store, StoredObject, World
from volume_images.report import CloudResult, FreshnessState, ImageResult

DAILY = GroupKey("daily", requested=False, volume_id=DB)


@pytest.fixture
def site(cleanup_stack: SandboxStack) -> Site:
    return Site.at_rest(cleanup_stack, grace_days=1)


@pytest.fixture
def due(site: Site) -> Site:
    """Return a site where one image is due at the next run."""
    site.stand_for_the_grace(26, 27, 28, 29)
    return site


class PassingStore:
    """A store, unchanged; what a test derives from it goes wrong in one way."""

    def __init__(self, real: Store) -> None:
        self.real = real

    def config(self) -> StoredObject:
        return self.real.config()

    def config_versions(self, since: str) -> Sequence[bytes] | None:
        return self.real.config_versions(since)

    def state(self, key: str) -> StoredObject | None:
        return self.real.state(key)

    def earlier_states(self, key: str) -> Sequence[bytes]:
        return self.real.earlier_states(key)

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        return self.real.replace_state(key, body, version)

    def write_report(self, key: str, body: bytes) -> str:
        return self.real.write_report(key, body)


def with_store(wrap: Callable[[Store], Store]) -> Callable[[World], World]:
    """Let a run use its store through something that goes wrong."""
    return lambda world: replace(world, store=wrap(world.store))


def closed(error: Exception) -> Callable[[World], World]:
    """Let the cloud be one that cannot be opened."""

    def opened(_name: str, _refused_secret: str = "") -> Cloud:
        raise error

    return lambda world: replace(world, open_cloud=opened)


def damage(site: Site, body: bytes) -> None:
    site.stack.aws.s3.put_object(Bucket=site.stack.state_bucket, Key=STATE_KEY, Body=body)


class Broken(Passing):
    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        raise IncompleteListing(f"since {created_since}: it went backwards three times")


def test_an_incomplete_listing_leaves_the_cloud_alone_and_stops_the_run_safely(due: Site) -> None:
    before = due.state()

    report = due.clean(change=with_images(Broken))

    (cloud,) = report.clouds
    assert cloud.result is CloudResult.INCOMPLETE_LISTING
    assert report.safety_stops == ("sandbox: since None: it went backwards three times",)
    assert report.outcomes == ()
    assert due.deletes() == []
    assert due.state() == before


@pytest.mark.parametrize("skew", [timedelta(minutes=6), timedelta(minutes=-6)])
def test_clocks_that_disagree_leave_the_cloud_alone(due: Site, skew: timedelta) -> None:
    report = due.clean(change=with_images(Passing, skew))

    (cloud,) = report.clouds
    assert cloud.result is CloudResult.CLOCK_SKEW
    assert "0:06:00" in cloud.reason
    assert report.safety_stops == (f"sandbox: {cloud.reason}",)
    assert due.deletes() == []


def test_the_config_can_lengthen_the_least_grace_and_not_shorten_it(due: Site) -> None:
    least = timedelta(hours=72)

    report = due.clean(change=lambda world: replace(world, minimum_grace=least))

    (waits,) = (one for one in report.outcomes if one.result is ImageResult.ANNOUNCED)
    since = datetime.fromisoformat(str(waits.details["since"]))
    assert datetime.fromisoformat(str(waits.details["deletes_at"])) == since + least
    assert due.deletes() == []


def test_one_cloud_without_a_credential_stops_no_other_and_is_not_red(due: Site) -> None:
    document = due.document()
    document["clouds"]["other"] = document["clouds"]["sandbox"] | {"project": "elsewhere"}
    due.stack.write_config(document)

    report = due.clean()

    assert {one.cloud: one.result for one in report.clouds} == {
        "sandbox": CloudResult.SERVED,
        "other": CloudResult.NO_CREDENTIAL,
    }
    assert report.red == ()
    assert results(report)["day-26"] == "deleted"


def test_a_skew_of_five_minutes_is_nothing(due: Site) -> None:
    report = due.clean(change=with_images(Passing, timedelta(minutes=5)))

    assert results(report)["day-26"] == "deleted"


def test_the_volumes_of_a_dead_cloud_age_all_the_same(due: Site) -> None:
    due.let_pass(2 * DAY)

    report = due.clean(change=closed(CloudUnavailable("no answer")))

    (entry,) = report.freshness
    assert (entry.state, entry.stale) == (FreshnessState.STALE, True)
    assert report.red == ("no cloud could be judged: sandbox: no answer",)


def test_a_volume_that_was_never_seen_behind_a_dead_cloud_becomes_stale_too(site: Site) -> None:
    dead = CloudUnavailable("no answer")
    first = site.clean(change=closed(dead))
    late = site.clean_after(2 * DAY, change=closed(dead))

    assert [entry.stale for entry in (*first.freshness, *late.freshness)] == [False, True]


def test_a_cloud_that_is_dead_for_a_while_does_not_restart_the_wait(site: Site) -> None:
    for day in (26, 27, 28, 29):
        site.plant(day)
    site.clean()
    site.clean_after(DAY - HOUR, change=closed(CloudUnavailable("no answer")))

    report = site.clean_after(HOUR)

    assert results(report)["day-26"] == "deleted"


def test_a_refused_credential_is_told_and_not_tried_again_for_an_hour(site: Site) -> None:
    refused = CredentialError("wrong password", status=401)
    refused.refused, refused.fingerprint = True, "abc"
    tried: list[str] = []

    def run() -> CloudResult:
        def opened(_name: str, refused_secret: str = "") -> Cloud:
            tried.append(refused_secret)
            raise refused

        (cloud,) = site.clean(change=lambda world: replace(world, open_cloud=opened)).clouds
        return cloud.result

    first, second = run(), run()
    site.let_pass(HOUR + timedelta(seconds=2))
    run()

    assert (first, second) == (CloudResult.NO_CREDENTIAL, CloudResult.NO_CREDENTIAL)
    assert tried == ["", "abc", ""]


def test_a_credential_that_works_again_is_forgotten_as_refused(site: Site) -> None:
    refused = CredentialError("wrong password", status=401)
    refused.refused, refused.fingerprint = True, "abc"
    site.clean(change=closed(refused))

    site.clean()

    assert site.state().refused_secret == ""
    assert site.state().refused_secret_at is None


@pytest.mark.parametrize(
    ("error", "result"),
    [
        (CloudUnavailable("gateway lost"), CloudResult.UNAVAILABLE),
        (CredentialError("token revoked"), CloudResult.NO_CREDENTIAL),
    ],
)
def test_an_outage_amid_the_deletions_is_told_of_the_cloud(
    due: Site, error: CloudError, result: CloudResult
) -> None:
    class Failing(Passing):
        def delete(self, image_id: str) -> bool:  # noqa: ARG002
            raise error

    report = due.clean(change=with_images(Failing))

    (cloud,) = report.clouds
    assert (cloud.result, cloud.reason) == (result, str(error))
    assert results(report)["day-26"] == "not_deleted"
    assert report.red == ()
    assert results(due.clean())["day-26"] == "deleted"


def test_an_image_that_changed_is_told_once(due: Site) -> None:
    due.images["day-26"].members.append("somebody")

    first, second = due.clean(), due.clean()

    assert {one.image_id: one.result for one in first.changed} == {"day-26": ImageResult.CHANGED}
    assert results(second)["day-26"] == "changed"
    assert second.changed == ()


def with_volumes(seen: Sequence[Volume], by_id: Mapping[str, Volume]) -> Callable[[World], World]:
    """Let the cloud list other volumes than it has by id."""

    class Elsewhere:
        def all(self) -> Sequence[Volume]:
            return seen

        def get(self, volume_id: str) -> Volume | None:
            return by_id.get(volume_id)

    def change(world: World) -> World:
        def opened(name: str, refused_secret: str = "") -> Cloud:
            cloud = world.open_cloud(name, refused_secret)
            return WrappedCloud(cloud, cloud.images, seen=Elsewhere())

        return replace(world, open_cloud=opened)

    return change


def test_a_volume_that_the_listing_lacks_is_asked_for_before_it_counts_as_gone(due: Site) -> None:
    """It is discovered by its tags: unlisted and forgotten, its images would become orphans."""
    tagged = Volume(id=DB, name="db", status="in-use", size_gib=40, tags={"backup": "daily"})
    document = due.document()
    document["volumes"] = []
    document["discover"] = [{"cloud": "sandbox", "tags": {"backup": "daily"}}]
    due.stack.write_config(document)
    due.clean(change=with_volumes([tagged], {}))

    unlisted = due.clean(change=with_volumes([], {DB: tagged}))
    gone = due.clean(change=with_volumes([], {}))

    assert {one.reason for one in unlisted.outcomes} == {f"keep_last {n}/3" for n in (1, 2, 3)}
    assert {one.reason for one in gone.outcomes} == {
        "orphan: policy daily does not cover this volume"
    }


def test_a_volume_that_is_gone_but_configured_is_still_judged(due: Site) -> None:
    assert results(due.clean(change=with_volumes([], {})))["day-26"] == "deleted"


def test_a_config_that_cannot_be_used_stops_cleanup(due: Site) -> None:
    fault = "config.yaml: prefix: not a string"

    report = due.clean(change=lambda world: replace(world, config_fault=fault))

    assert report.red == (f"nothing is judged or deleted: {fault}",)
    assert (report.outcomes, report.clouds) == ((), ())
    assert due.deletes() == []


def test_a_damaged_state_lets_every_wait_start_again_and_says_so(due: Site) -> None:
    damage(due, b"\xff not json")

    report = due.clean()

    (said,) = report.red
    assert said.startswith(f"{STATE_KEY}: damaged")
    assert results(report)["day-26"] == "announced"
    assert due.deletes() == []
    assert due.clean().red == ()


def test_the_state_of_another_deployment_is_neither_used_nor_replaced(due: Site) -> None:
    body = due.state().model_copy(update={"deployment": "ffffffffffff"}).model_dump_json().encode()
    damage(due, body)

    report = due.clean()

    assert "belongs to deployment ffffffffffff" in report.red[0]
    assert due.deletes() == []
    assert due.state().deployment == "ffffffffffff"


def test_a_run_that_loses_its_write_merges_into_the_newer_state_and_believes_that(
    due: Site,
) -> None:
    """The other run did not have the image: it is announced anew, and not deleted."""

    class Raced(PassingStore):
        lost = False

        def replace_state(self, key: str, body: bytes, version: str | None) -> str:
            if not self.lost:
                self.lost = True
                newer = due.state()
                groups = {
                    name: record.without(frozenset({"day-26"}))
                    for name, record in newer.groups.items()
                }
                damage(due, newer.model_copy(update={"groups": groups}).model_dump_json().encode())
            return super().replace_state(key, body, version)

    report = due.clean(change=with_store(Raced))

    assert results(report)["day-26"] == "announced"
    assert due.deletes() == []
    assert "day-26" in due.state().group(PROJECT_ID, DAILY).announced


def test_a_run_that_always_loses_deletes_nothing(due: Site) -> None:
    class Beaten(PassingStore):
        def replace_state(self, key: str, body: bytes, version: str | None) -> str:
            raise Conflict(f"{key}: replaced meanwhile by version {version}, {len(body)} bytes")

    report = due.clean(change=with_store(Beaten))

    (cloud,) = report.clouds
    assert cloud.result is CloudResult.CONFLICT
    assert due.deletes() == []


def test_without_a_written_state_nothing_is_deleted(due: Site) -> None:
    class ReadOnly(PassingStore):
        def replace_state(self, key: str, body: bytes, version: str | None) -> str:
            raise StoreError(f"{key}: access denied at {version}, {len(body)} bytes")

    report = due.clean(change=with_store(ReadOnly))

    assert "access denied" in report.red[0]
    assert due.deletes() == []


def test_deletions_that_cannot_be_written_down_are_told_all_the_same(due: Site) -> None:
    class ThenReadOnly(PassingStore):
        writes = 0

        def replace_state(self, key: str, body: bytes, version: str | None) -> str:
            self.writes += 1
            if self.writes > 1:
                raise StoreError("access denied")
            return super().replace_state(key, body, version)

    report = due.clean(change=with_store(ThenReadOnly))

    assert report.red == ("sandbox: what was deleted is not written down: access denied",)
    assert results(report)["day-26"] == "deleted"
    assert results(due.clean()) == {"day-27": "kept", "day-28": "kept", "day-29": "kept"}


def test_when_config_versions_cannot_be_read_nothing_is_deleted(due: Site) -> None:
    class Forgetful(PassingStore):
        def config_versions(self, since: str) -> Sequence[bytes] | None:
            raise StoreError(f"versions since {since}: access denied")

    due.edit(max_age="50h")
    report = due.clean(change=with_store(Forgetful))

    assert "access denied" in report.red[0]
    assert due.deletes() == []


@pytest.mark.parametrize(
    "fault", [lambda site: site.edit(max_age="50h"), lambda site: site.edit(catch_up="2h")]
)
def test_an_edit_that_decides_nothing_about_retention_does_not_delay_deletion(
    due: Site, fault: Callable[[Site], None]
) -> None:
    fault(due)

    assert results(due.clean())["day-26"] == "deleted"


def test_a_config_in_between_that_did_not_parse_restarts_the_wait(due: Site) -> None:
    due.stack.write_config({"version": 1, "prefix": 7})
    due.edit()

    assert results(due.clean())["day-26"] == "announced"


def test_two_runs_side_by_side_end_as_one_would(due: Site) -> None:
    """The second starts from the state before the first wrote, and lists before it deletes."""

    class Racing(Passing):
        raced = False

        def all(self, created_since: datetime | None = None) -> Sequence[Image]:
            seen = super().all(created_since)
            if not Racing.raced:
                Racing.raced = True
                due.clean()
            return seen

    report = due.clean(change=with_images(Racing))

    assert results(report)["day-26"] in ("gone", "announced")
    assert sorted(due.images) == ["day-27", "day-28", "day-29"]
    due.clean()
    assert due.state().groups == {}


def test_a_state_that_nothing_changed_in_is_not_written(site: Site) -> None:
    site.plant(29)
    site.clean()
    before = site.state().mark

    site.clean()

    assert isinstance(site.state(), CleanupState)
    assert site.state().mark == before
