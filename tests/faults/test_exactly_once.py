"""One image of each slot, whoever dies, doubles, or loses an answer or a state."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier
from typing import Any

import pytest

from tests.support.export_site import DB, LOG, MINUTE, STATE_KEY, WEB, ExportCall, ExportSite, said
from volume_images.errors import CloudUnavailable, LostAnswer
from volume_images.model import ExportAnswer, ExportRequest
from volume_images.report import CloudResult, Report
from volume_images.settings import Settings


def test_two_runs_at_the_same_moment_make_one_image_of_each_volume(site: ExportSite) -> None:
    barrier = Barrier(2)

    def run(_: int) -> Report:
        world = site.world()
        barrier.wait()
        return site.run(world=world)

    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(run, range(2)))
    assert sorted(image.volume_id for image in site.images()) == sorted([DB, WEB, LOG])
    assert sum(report.counts["started"] for report in reports) == 3


class Killed(BaseException):
    """The process is gone: nothing of ours catches it."""


def test_a_run_killed_right_after_its_posts_is_found_by_the_next(site: ExportSite) -> None:
    all_sent = Barrier(3)

    def killed(export: ExportCall, one: ExportRequest) -> ExportAnswer:
        export(one)
        all_sent.wait()
        raise Killed

    with pytest.raises(Killed):
        site.run(world=site.meddled(killed))
    assert len(site.images()) == 3
    assert [entry.image_id for entry in site.state().under_way.values()] == [""] * 3

    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] * 3
    assert site.posts() == 3


def test_a_run_killed_before_its_posts_is_made_good(site: ExportSite) -> None:
    def killed(_: object, __: ExportRequest) -> ExportAnswer:
        raise Killed

    with pytest.raises(Killed):
        site.run(world=site.meddled(killed))
    assert said(site.run()) == [("deferred", "intended")] * 3
    site.let_pass(11 * MINUTE)
    assert said(site.run()) == [("unknown", "answer_lost")] * 3
    site.let_pass(60 * MINUTE)
    assert site.run().counts["started"] == 3


def test_an_answer_lost_after_the_work_was_done_is_found_by_name(site: ExportSite) -> None:
    def lost(export: ExportCall, one: ExportRequest) -> ExportAnswer:
        export(one)
        raise LostAnswer("reset")

    report = site.run(world=site.meddled(lost))
    assert said(report) == [("started", "answer_lost")] * 3
    assert {one.image_id for one in report.outcomes} == {image.id for image in site.images()}


def test_an_answer_lost_before_the_work_is_unknown_and_not_posted_again_at_once(
    site: ExportSite,
) -> None:
    def lost(_: object, __: ExportRequest) -> ExportAnswer:
        raise LostAnswer("reset")

    assert said(site.run(world=site.meddled(lost))) == [("unknown", "answer_lost")] * 3
    site.let_pass(15 * MINUTE)
    site.run()
    assert site.posts() == 0
    site.let_pass(60 * MINUTE)
    assert site.run().counts["started"] == 3


def test_a_cloud_that_dies_after_the_posts_hides_nothing_of_those_it_answered(
    site: ExportSite,
) -> None:
    """The listing after a lost answer fails, too: the other answers are written down."""
    lost: list[str] = []

    def dying(export: ExportCall, one: ExportRequest) -> ExportAnswer:
        answer = export(one)
        if one.volume_id == DB:
            lost.append(answer.image_id)
            raise LostAnswer("reset")
        return answer

    world = site.meddled(dying)
    opened = world.open_cloud

    def open_cloud(name: str, refused_secret: str = "") -> Any:  # noqa: ANN401
        cloud = opened(name, refused_secret)

        class Images:
            """Images that cannot be listed any more once an answer was lost."""

            def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401
                if lost and attribute == "all":
                    raise CloudUnavailable("no route to host")
                return getattr(cloud.images, attribute)

        class Dying:
            """The cloud, with these images."""

            images = Images()

            def __getattr__(self, attribute: str) -> Any:  # noqa: ANN401
                return getattr(cloud, attribute)

        return Dying()

    report = site.run(world=replace(world, open_cloud=open_cloud))
    assert said(report) == [
        ("started", "accepted"),
        ("started", "accepted"),
        ("unknown", "answer_lost"),
    ]
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] * 3
    assert site.posts() == 3


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"version": 1, "records": 3}'])
def test_a_damaged_state_gives_way_to_the_version_before(site: ExportSite, body: bytes) -> None:
    site.run()
    site.write_state(body)
    site.let_pass(2 * MINUTE)
    report = site.run()
    assert "state lost" in report.red[0]
    assert site.posts() == 3
    assert report.counts["failed"] == 0
    assert site.run().red == ()


def test_a_lost_state_costs_no_second_image(site: ExportSite) -> None:
    site.run()
    site.stack.aws.s3.delete_object(Bucket=site.stack.state_bucket, Key=STATE_KEY)
    assert said(site.run()) == [("deferred", "uploading")] * 3
    site.let_pass(2 * MINUTE)
    assert said(site.run()) == [("done", "active")] * 3
    site.stack.aws.s3.delete_object(Bucket=site.stack.state_bucket, Key=STATE_KEY)
    report = site.run()
    assert said(report) == [("done", "already_exported")] * 3
    assert "state lost" in report.red[0]
    assert site.posts() == 3


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b'{"version": 1, "deployment": "ffffffffffff"}', "belongs to deployment ffffffffffff"),
        (b'{"version": 2, "deployment": "%s"}', "newer than this release"),
    ],
)
def test_a_state_of_another_deployment_or_release_is_left_alone(
    site: ExportSite, body: bytes, says: str
) -> None:
    ours = Settings.parse(site.stack.env).deployment_id.encode()
    site.write_state(body.replace(b"%s", ours))
    report = site.run()
    assert says in report.red[0]
    assert report.clouds[0].result is CloudResult.NO_STATE
    assert site.calls() == 0
