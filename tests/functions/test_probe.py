"""Trying a cloud out, in both dialects: what it finds, and that nothing of it stays."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.cloud.scripted import TLS
from tests.sandbox.clock import START
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.fates import Fate, ImageFate
from tests.sandbox.seeds import plant_volumes
from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import open_cloud
from volume_images.config.schema import CloudConfig
from volume_images.dialect import Dialect
from volume_images.errors import CloudUnavailable, LostAnswer
from volume_images.model import Exchange, GroupKey, ImageMark, NewVolume, VolumeStatus
from volume_images.probe.card import Sightings, StepName, Verdict
from volume_images.probe.questions import answers
from volume_images.probe.transcript import transcript
from volume_images.probe.trying import REMOVAL_PATIENCE, Trial, try_out

pytestmark = pytest.mark.slow

DB = "16369c5d-384d-4e64-b37a-56d898769362"
NAME = "vi-probe-20260302T020500Z-5f0c1a9e"
MARK = ImageMark(
    deployment_id="a1b2c3d4e5f6",
    group=GroupKey("probe", requested=True, volume_id="new"),
    slot=datetime(2026, 3, 2, 2, tzinfo=UTC),
)


@dataclass
class QuickClock:
    """The sandbox's clock; waiting moves it, and may do more: `then` happens at each wait."""

    sandbox: CloudSandbox
    then: Callable[[int], None] = lambda _: None
    waits: int = 0

    def now(self) -> datetime:
        return self.sandbox.clock.now()

    def monotonic(self) -> float:
        return self.now().timestamp()

    def sleep(self, seconds: float) -> None:
        self.waits += 1
        self.sandbox.clock.advance(timedelta(seconds=seconds))
        self.then(self.waits)


@dataclass
class Site:
    sandbox: CloudSandbox
    exchanges: list[Exchange] = field(default_factory=list)

    def config(self, **changes: Any) -> CloudConfig:  # noqa: ANN401
        return CloudConfig(
            **{
                "dialect": self.sandbox.dialect,
                "region": self.sandbox.region,
                "project": self.sandbox.project_name,
                "requests_per_second": 1e6,
                **changes,
            }
        )

    def probe(
        self,
        then: Callable[[int], None] = lambda _: None,
        *,
        volume_id: str = "",
        wrap: Callable[[Any], Any] = lambda cloud: cloud,
        **config: Any,  # noqa: ANN401
    ) -> Sightings:
        clock = QuickClock(self.sandbox, then)
        settings = self.config(**config)
        secret = parse_secret(json.dumps(self.sandbox.secret("restore")), "x")
        cloud = open_cloud(settings, secret, clock=clock, tls=TLS, record=self.exchanges.append)
        trial = Trial(
            cloud_name="lab",
            config=settings,
            name=NAME,
            size_gib=10,
            mark=MARK,
            volume_id=volume_id,
        )
        return try_out(wrap(cloud), trial, clock, self.exchanges)

    def remains(self) -> list[str]:
        world = self.sandbox.world
        things = [*world.volumes.values(), *world.images.values()]
        return [thing.name for thing in things if thing.name.startswith("vi-probe")]


@pytest.fixture(scope="module", params=list(Dialect))
def running(request: pytest.FixtureRequest) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=request.param, volumes=3) as sandbox:
        yield sandbox


@pytest.fixture
def site(running: CloudSandbox) -> Site:
    running.clock.set(START)
    world = running.world
    for held in (world.exports, world.images, world.volumes, world.jobs):
        held.clear()
    plant_volumes(world, 3)
    world.tags_active_images_only = False
    return Site(running)


def said(seen: Sightings, question: str) -> str:
    return next(one.seen for one in answers(seen) if question in one.question)


def test_a_small_volume_goes_there_and_back_and_nothing_stays(site: Site) -> None:
    seen = site.probe()
    assert seen.passed
    assert [step.name for step in seen.steps] == list(StepName)
    assert {step.verdict for step in seen.steps} == {Verdict.PASSED, Verdict.NOTED}
    assert (site.remains(), seen.left) == ([], ())
    assert len(site.sandbox.world.volumes) == 3
    statuses = [glimpse.image for glimpse in seen.glimpses]
    assert list(dict.fromkeys(statuses))[:3] == ["queued", "saving", "active"]


def test_bytes_are_compared_where_the_cloud_hashes_them(site: Site) -> None:
    compared = site.probe().step(StepName.COMPARE)
    assert compared is not None
    by_bytes = site.sandbox.dialect is Dialect.OPENSTACK  # vhd has a time of its own in it
    assert ("byte for byte" in compared.said) is by_bytes


def test_a_volume_that_came_back_with_other_bytes_fails(site: Site) -> None:
    def spoil(_: int) -> None:
        for volume in site.sandbox.world.volumes.values():
            if volume.name.endswith("-restored"):
                volume.content = "other bytes"

    seen = site.probe(spoil)
    assert seen.passed is (site.sandbox.dialect is Dialect.HUAWEI)
    assert site.remains() == []


def test_a_given_volume_is_left_as_it_was(site: Site) -> None:
    seen = site.probe(volume_id=DB)
    assert seen.passed
    assert seen.size_gib == 40
    assert site.sandbox.world.volumes[DB].status == VolumeStatus.AVAILABLE
    assert site.remains() == []


def test_an_attached_volume_is_exported_by_force(site: Site) -> None:
    volume = site.sandbox.world.volumes[DB]
    volume.server_id, volume.status = "server-1", VolumeStatus.IN_USE
    seen = site.probe(volume_id=DB)
    assert seen.passed
    assert said(seen, "force").startswith("passed: image")
    assert volume.status == VolumeStatus.IN_USE


def test_a_volume_that_is_not_there_fails_and_makes_nothing(site: Site) -> None:
    seen = site.probe(volume_id="00000000-0000-4000-8000-000000000000")
    assert not seen.passed
    assert [step.name for step in seen.steps][-2:] == [StepName.SOURCE, StepName.REMOVE]
    assert "POST" not in {one.method for one in seen.exchanges}


def test_a_failed_export_is_told_and_everything_removed(site: Site) -> None:
    def fail(_: int) -> None:
        for export in site.sandbox.world.exports:
            export.fate = Fate(image=ImageFate.FAILED)

    seen = site.probe(fail)
    follow = seen.step(StepName.FOLLOW)
    assert follow is not None
    assert follow.verdict is Verdict.FAILED
    assert "the image vanished" in follow.said
    assert (seen.passed, site.remains()) == (False, [])


@pytest.mark.parametrize("wait", [1, 4, 8, 12, 16])
def test_an_interrupted_probe_removes_what_it_made(site: Site, wait: int) -> None:
    def interrupt(number: int) -> None:
        if number == wait:
            raise KeyboardInterrupt

    seen = site.probe(interrupt)
    assert not seen.passed
    assert seen.steps[-1].verdict is Verdict.PASSED or "interrupted" in seen.steps[-1].said
    if seen.steps[-1].verdict is Verdict.PASSED:
        assert (site.remains(), seen.left) == ([], ())


def test_a_removal_that_is_interrupted_says_what_to_look_for(site: Site) -> None:
    def interrupt(_: int) -> None:
        raise KeyboardInterrupt

    seen = site.probe(interrupt)
    assert not seen.passed
    assert seen.left == (f"whatever has a name that begins {NAME}",)


@dataclass(frozen=True)
class Losing:
    """A cloud whose answer to the creation of a volume is lost, after it was carried out."""

    real: Any

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    @property
    def restoring(self) -> Any:  # noqa: ANN401
        return self

    def create(self, volume: NewVolume) -> str:
        self.real.restoring.create(volume)
        raise LostAnswer("no answer")

    def delete(self, volume_id: str) -> bool:
        return bool(self.real.restoring.delete(volume_id))


def test_what_was_made_without_an_answer_is_found_by_its_name_and_removed(site: Site) -> None:
    seen = site.probe(wrap=Losing)
    assert (seen.passed, site.remains(), seen.left) == (False, [], ())


@dataclass(frozen=True)
class Stubborn:
    """A cloud that removes no image."""

    real: Any

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    @property
    def images(self) -> Any:  # noqa: ANN401
        return StubbornImages(self.real.images)


@dataclass(frozen=True)
class StubbornImages:
    real: Any

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    def delete(self, image_id: str) -> bool:
        raise CloudUnavailable(f"{image_id}: not today", status=500)


def test_what_cannot_be_removed_is_named_and_the_probe_fails(site: Site) -> None:
    seen = site.probe(wrap=Stubborn)
    assert not seen.passed
    assert all(thing.startswith("image ") and "not today" in thing for thing in seen.left)
    assert seen.left
    assert {name for name in site.remains() if name.endswith("-restored")} == set()


def test_all_removals_share_one_patience(site: Site) -> None:
    """A cloud that went away in the middle must not hold a person for hours."""
    seen = site.probe(wrap=Stubborn)
    removal = seen.step(StepName.REMOVE)
    assert removal is not None
    assert removal.seconds <= REMOVAL_PATIENCE + 1


def test_every_open_question_is_answered_or_said_to_be_open(site: Site) -> None:
    seen = site.probe()
    huawei = site.sandbox.dialect is Dialect.HUAWEI
    assert len(answers(seen)) == 10
    assert "queued -> saving -> active" in said(seen, "exported image")
    assert said(seen, "cannot be exported now").startswith("400 ")
    assert said(seen, "Which export call") == "POST .../v3/.../action: 202"
    assert "s for 10 GiB: passed" in said(seen, "How long does an export")
    assert "not tried" in said(seen, "force")
    assert "shown by the image" in said(seen, "unfinished image")
    assert ("quota" in said(seen, "may the project hold")) is huawei
    assert "is taken" in said(seen, "page")
    assert "127.0.0.1" in said(seen, "services")


def test_a_cloud_that_tags_only_finished_images_passes_and_says_so(site: Site) -> None:
    site.sandbox.world.tags_active_images_only = True
    seen = site.probe()
    assert seen.passed
    refused = "IMG.0046" in said(seen, "unfinished image")
    assert refused is (site.sandbox.dialect is Dialect.HUAWEI)


def test_the_transcript_holds_no_secret_and_nothing_of_others(site: Site) -> None:
    site.sandbox.world.plant_image(name="payroll-golden", created_at=START)
    written = transcript(site.probe(), "1.0")
    for secret in site.sandbox.secret("restore").values():
        if secret not in (site.sandbox.auth_url, site.sandbox.domain_name):
            assert secret not in written
    assert "gAAAA" not in written  # how every token of the sandbox begins
    for other in ("payroll-golden", "db01-data", DB):
        assert other not in written
    assert "of others)" in written
    assert NAME in written
    assert "result: passed" in written


def test_an_image_job_is_tried_on_an_attached_disk() -> None:
    with CloudSandbox(dialect=Dialect.HUAWEI, volumes=3) as sandbox:
        volume = sandbox.world.volumes[DB]
        volume.server_id, volume.status = "server-1", VolumeStatus.IN_USE
        site = Site(sandbox)
        seen = site.probe(volume_id=DB, strategy="ims_job")
        assert seen.passed
        assert said(seen, "Which export call") == "POST .../v2/.../action: 200"
        assert site.remains() == []
