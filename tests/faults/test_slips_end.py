"""Waits end: what hinders single runs does not keep expired images for ever. And lost memory."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import DAY, HOUR, STATE_KEY, Passing, Site, results, with_images
from volume_images.errors import IncompleteListing
from volume_images.model import Image, Tick
from volume_images.report import CloudResult, ImageResult

DAYS = (26, 27, 28, 29)
ELSEWHERE = Tick(policies=frozenset({"weekly"}))
HERE = Tick(policies=frozenset({"daily"}))


@pytest.fixture
def site(cleanup_stack: SandboxStack) -> Site:
    """Return a site with four images, of which one is expired, and two policies."""
    site = Site.at_rest(cleanup_stack)
    for day in DAYS:
        site.plant(day)
    policies = site.document()["policies"]
    weekly = policies["daily"] | {"select": {"backup": "weekly"}}
    site.edit_document(policies={**policies, "weekly": weekly})
    return site


class Broken(Passing):
    def all(self, created_since: datetime | None = None) -> Sequence[Image]:
        raise IncompleteListing(f"since {created_since}: it went backwards three times")


@pytest.mark.parametrize("every", [6, 12])
def test_a_cloud_whose_listing_fails_once_a_day_has_its_expired_images_deleted_in_time(
    site: Site, every: int
) -> None:
    broken: list[CloudResult] = []
    site.clean()
    for hour in range(every, 73, every):
        fails = hour % 24 == 0 and hour < 72
        report = site.clean_after(every * HOUR, change=with_images(Broken if fails else Passing))
        broken += [one.result for one in report.clouds if one.result is not CloudResult.SERVED]

    assert broken == [CloudResult.INCOMPLETE_LISTING] * 2
    assert site.deletes() == ["day-26"]


@pytest.mark.parametrize("narrowed", [ELSEWHERE, HERE], ids=["elsewhere", "here"])
def test_runs_narrowed_to_one_policy_in_between_neither_end_nor_lengthen_the_wait(
    site: Site, narrowed: Tick
) -> None:
    site.clean()
    for _ in range(2):
        site.clean_after(12 * HOUR, trigger=narrowed)
        site.clean_after(12 * HOUR)
    site.clean_after(23 * HOUR, trigger=narrowed)
    early = site.deletes()
    site.clean_after(HOUR)

    assert early == []
    assert site.deletes() == ["day-26"]


def test_a_policy_that_only_narrowed_runs_look_at_has_its_images_deleted_in_time(
    site: Site,
) -> None:
    for _ in range(4):
        site.clean_after(DAY, trigger=HERE)

    assert site.deletes() == ["day-26"]


def test_what_stands_announced_is_told_with_its_hour_and_counted(site: Site) -> None:
    first = site.clean()
    later = site.clean_after(DAY)

    for report in (first, later):
        (announced,) = [one for one in report.outcomes if one.result is ImageResult.ANNOUNCED]
        deletes_at = datetime.fromisoformat(str(announced.details["deletes_at"]))
        assert announced.image_id == "day-26"
        assert abs(deletes_at - first.started_at - 3 * DAY) < HOUR / 60
        assert report.counts["announced"] == 1


def test_a_lost_state_lets_every_wait_start_again(site: Site) -> None:
    site.clean()
    for _ in range(2):
        site.clean_after(DAY)
    site.stack.aws.s3.delete_object(Bucket=site.stack.state_bucket, Key=STATE_KEY)

    lost = site.clean_after(DAY)
    waiting = [site.clean_after(DAY), site.clean_after(DAY)]

    assert results(lost)["day-26"] == "announced"
    assert [results(one)["day-26"] for one in waiting] == ["announced"] * 2
    assert site.deletes() == []
    assert results(site.clean_after(DAY))["day-26"] == "deleted"


def test_a_state_of_a_newer_release_is_neither_used_nor_replaced(site: Site) -> None:
    site.clean()
    s3, bucket = site.stack.aws.s3, site.stack.state_bucket
    newer = site.state().model_copy(update={"version": 99}).model_dump_json().encode()
    s3.put_object(Bucket=bucket, Key=STATE_KEY, Body=newer)

    reports = [site.clean_after(DAY) for _ in range(4)]

    assert all("newer than this release knows" in one.red[0] for one in reports)
    assert site.deletes() == []
    assert s3.get_object(Bucket=bucket, Key=STATE_KEY)["Body"].read() == newer


def test_of_a_damaged_state_an_earlier_version_is_no_reason_to_delete(site: Site) -> None:
    """It may announce what was withdrawn after it was written."""
    for _ in range(3):
        site.clean_after(DAY)
    site.let_pass(DAY)
    site.stack.aws.s3.put_object(
        Bucket=site.stack.state_bucket, Key=STATE_KEY, Body=b'{"version": 1, "groups":'
    )

    report = site.clean()

    assert "every wait starts again" in report.red[0]
    assert results(report)["day-26"] == "announced"
    assert site.deletes() == []
