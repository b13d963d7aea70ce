"""Exported images come to say whose they are, and nothing depends on it."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.sandbox.seeds import OTHER_DEPLOYMENT
from tests.support.export_site import DAY, DB, MINUTE, ExportSite, said
from volume_images.dialect import Dialect
from volume_images.errors import CloudError, CloudUnavailable, Refused
from volume_images.metrics import Gauge
from volume_images.model import ImageMark, Tick
from volume_images.protocols import World
from volume_images.settings import Settings

ONE = Tick(volume_ids=frozenset({DB}))


@dataclass
class Unmarkable:
    """A cloud whose images take no tags while `error` is set; it counts who tries."""

    error: CloudError | None
    tries: int = 0

    def of(self, world: World) -> World:
        """Put it between a run and its cloud."""

        def opened(name: str, refused_secret: str = "") -> Any:  # noqa: ANN401
            return _Cloud(world.open_cloud(name, refused_secret), self)

        return replace(world, open_cloud=opened)


@dataclass(frozen=True)
class _Cloud:
    real: Any
    rule: Unmarkable

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    @property
    def images(self) -> Any:  # noqa: ANN401
        return _Images(self.real.images, self.rule)


@dataclass(frozen=True)
class _Images:
    real: Any
    rule: Unmarkable

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    def mark(self, image_id: str, mark: ImageMark) -> bool:
        self.rule.tries += 1
        if self.rule.error is not None:
            raise self.rule.error
        return bool(self.real.mark(image_id, mark))


def ours(site: ExportSite) -> str:
    deployment = Settings.parse(site.stack.env).deployment_id
    huawei = site.cloud.dialect is Dialect.HUAWEI
    return f"vi-deployment={deployment}" if huawei else f"vi-{deployment}"


def test_an_image_says_whose_it_is_as_soon_as_it_is_there(site: ExportSite) -> None:
    report = site.run()
    assert all(ours(site) in image.tags for image in site.images())
    assert report.gauges[Gauge.IMAGES_UNMARKED] == 0
    assert site.state().unmarked == {}


def test_on_ims_a_mark_tells_policy_volume_and_slot_too(site: ExportSite) -> None:
    site.run(ONE)
    (image,) = site.images()
    told = {f"vi-volume={DB}", "vi-policy=daily", "vi-slot=20260302T020000Z"}
    expected = told | {ours(site)} if site.cloud.dialect is Dialect.HUAWEI else {ours(site)}
    assert set(image.tags) == expected


def test_a_cloud_that_tags_only_finished_images_is_asked_again_then(site: ExportSite) -> None:
    refusing = Unmarkable(Refused("not now", status=400, code="IMG.0046"))
    started = site.run(ONE, world=refusing.of(site.world()))
    assert said(started) == [("started", "accepted")]
    assert started.gauges[Gauge.IMAGES_UNMARKED] == 1
    site.let_pass(MINUTE / 2)
    site.run(ONE, world=refusing.of(site.world()))
    assert refusing.tries == 1  # nobody asks for what was refused of an unfinished image

    site.let_pass(2 * MINUTE)
    refusing.error = None
    assert said(site.run(ONE, world=refusing.of(site.world()))) == [("done", "active")]
    assert (refusing.tries, site.state().unmarked) == (2, {})
    assert ours(site) in site.images()[0].tags


def test_ims_may_refuse_tags_of_unfinished_images(site: ExportSite) -> None:
    """Glance never does, so that there the image is marked at once."""
    site.cloud.world.tags_active_images_only = True
    waiting = site.run(ONE).gauges[Gauge.IMAGES_UNMARKED]
    assert waiting == (1 if site.cloud.dialect is Dialect.HUAWEI else 0)
    site.let_pass(2 * MINUTE)
    assert site.run(ONE).gauges[Gauge.IMAGES_UNMARKED] == 0
    assert ours(site) in site.images()[0].tags


@pytest.mark.parametrize(("error", "status"), [(Refused, 403), (CloudUnavailable, 502)])
def test_a_cloud_that_takes_no_tags_exports_all_the_same(
    site: ExportSite, error: type[CloudError], status: int
) -> None:
    broken = Unmarkable(error("no tags today", status=status))
    assert site.run(world=broken.of(site.world())).counts["started"] == 3
    site.let_pass(2 * MINUTE)
    settled = site.run(world=broken.of(site.world()))
    assert said(settled) == [("done", "active")] * 3
    assert settled.gauges[Gauge.IMAGES_UNMARKED] == 3
    assert {each.failure for each in site.state().unmarked.values()} <= {"", str(broken.error)}


def test_marks_that_failed_are_tried_within_the_hour_and_for_a_day(site: ExportSite) -> None:
    broken = Unmarkable(Refused("policy denies it", status=403))
    site.run(world=broken.of(site.world()))
    site.let_pass(2 * MINUTE)
    site.run(world=broken.of(site.world()))
    before = broken.tries
    site.let_pass(30 * MINUTE)
    site.run(world=broken.of(site.world()))
    assert broken.tries == before  # idle: nothing else is due
    site.let_pass(31 * MINUTE)
    site.run(world=broken.of(site.world()))
    assert broken.tries == before + 3
    site.edit(schedule="0 2 1 * *")
    site.run(world=broken.of(site.world()))  # from here on the edit is in force
    site.let_pass(DAY)
    site.run(world=broken.of(site.world()))
    assert site.state().unmarked == {}


def test_a_dry_run_marks_nothing(site: ExportSite) -> None:
    broken = Unmarkable(Refused("not now", status=400))
    site.run(world=broken.of(site.world()))
    site.let_pass(2 * MINUTE)
    tries = broken.tries
    site.run(Tick(dry_run=True), world=broken.of(site.world()))
    assert broken.tries == tries


def test_what_another_deployment_marked_keeps_its_mark_and_blocks_its_slot(
    site: ExportSite,
) -> None:
    """Two deployments with one prefix in one project are a mistake; it must cost no image."""
    site.run()
    name = next(image.name for image in site.images() if DB in image.name)
    site.reset()
    huawei = site.cloud.dialect is Dialect.HUAWEI
    tag = f"vi-deployment={OTHER_DEPLOYMENT}" if huawei else f"vi-{OTHER_DEPLOYMENT}"
    now = site.cloud.clock.now()
    image = site.cloud.world.plant_image(name=name, created_at=now, volume_id=DB, tags=[tag])
    (outcome,) = [one for one in site.run().outcomes if one.volume_id == DB]
    assert (outcome.result.value, outcome.reason) == ("unknown", "image_unknown")
    assert outcome.details["why"] == f"deployment {OTHER_DEPLOYMENT}"
    assert image.tags == [tag]
