"""`volume-images list`: every image of a volume, and what becomes of each."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from tests.cli.conftest import Cli
from tests.cli.status_site import SLOT, fleet, plant, volumes
from tests.sandbox.stack import SandboxStack
from volume_images.cli.commands.listing import find_volume
from volume_images.cli.output.volume import volume_text
from volume_images.errors import CloudUnavailable, InputError
from volume_images.overview.fleet import CloudView, FleetView
from volume_images.overview.images import ImageView
from volume_images.overview.volumes import Condition, Presence, SeriesView, VolumeView
from volume_images.recognition import ImageState
from volume_images.report import CloudOutcome, CloudResult, ImageResult

NOW = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
GONE = "9a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"


@pytest.fixture(scope="module")
def stack() -> Iterator[SandboxStack]:
    """Of the second volume there is a requested image, too; none of these tests changes it."""
    with fleet() as stack:
        plant(stack, volumes(stack)[1], 1, requested=True)
        stack.cloud.world.plant_image(
            name=f"acme-demo_daily_old-data_{GONE}_20260201T020000Z",
            created_at=datetime(2026, 2, 2, tzinfo=UTC),
            volume_id=GONE,
        )
        yield stack


def test_images_of_a_volume_come_newest_first_each_with_its_reasons(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    fresh = volumes(stack)[0]

    said = sandbox_cli("list", fresh.id)

    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    assert lines[0] == f"{fresh.name}  {fresh.id}  in sandbox: {fresh.status}, 40 GiB"
    assert lines[1].startswith("daily: fresh; the newest good image is 5m old of at most 40h; next")
    start = lines.index("") + 1
    assert lines[start].split() == ["slot", "captured", "size", "state", "image", "why"]
    newest, *_, oldest = lines[start + 1 :]
    assert newest.startswith("2026-03-02 02:00Z  02:03Z    ")
    assert newest.endswith("keep_last 1/3")
    assert oldest.startswith("2026-02-20 02:00Z")
    assert oldest.endswith("  for the next cleanup to announce")


def test_a_narrow_screen_has_the_whole_ids_below(sandbox_cli: Cli, stack: SandboxStack) -> None:
    fresh = volumes(stack)[0]

    lines = sandbox_cli("list", fresh.name, env={"COLUMNS": "80"}).out.splitlines()

    assert max(map(len, lines)) <= 80
    ids = [image.id for image in stack.cloud.world.images.values() if image.volume_id == fresh.id]
    assert all(any(line.startswith(f"  {image_id}  ") for line in lines) for image_id in ids)


def test_requested_images_are_listed_among_the_scheduled_ones(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    document = sandbox_cli("list", volumes(stack)[1].id, "--json").document

    (daily,) = document["policies"]
    assert [image["requested"] for image in daily["images"]] == [True, False, False, False]
    assert daily["condition"] == "fresh"
    assert daily["images"][1]["slot"] == SLOT.replace(month=2, day=25).isoformat()

    shown = sandbox_cli("list", volumes(stack)[1].id).out
    assert "daily.request" in shown


def test_a_volume_that_is_gone_is_listed_by_its_images(sandbox_cli: Cli) -> None:
    said = sandbox_cli("list", "old-data", env={"COLUMNS": "160"})

    assert said.code == 0
    assert said.out.splitlines()[:3] == [
        f"old-data  {GONE}  in sandbox: gone",
        "daily: orphaned; the volume is gone from its cloud",
        "no policy covers it",
    ]
    assert "orphan: policy daily does not cover this volume" in said.out


def test_a_volume_without_images_says_so(sandbox_cli: Cli, stack: SandboxStack) -> None:
    said = sandbox_cli("list", volumes(stack)[2].id).out
    assert "daily: never exported; next " in said
    assert said.endswith("no image of ours\n")


def test_no_such_volume_is_one_line_with_what_to_do(sandbox_cli: Cli) -> None:
    said = sandbox_cli("list", "nothing")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "volume-images: nothing: no cloud of the config has such a volume, or an image of it:"
        " volume-images status --all shows those there are\n"
    )


def test_a_cloud_that_cannot_be_asked_is_no_proof_that_there_is_no_such_volume(
    sandbox_cli: Cli,
) -> None:
    said = sandbox_cli("list", "nothing", env={"VOLUME_IMAGES_SECRET_PREFIX": "elsewhere"})
    assert (said.code, said.out) == (1, "")
    assert said.err.startswith("volume-images: nothing: cannot be looked at now: sandbox: ")
    assert said.err.count("\n") == 1


def volume(name: str, volume_id: str, cloud: str = "otc") -> VolumeView:
    series = SeriesView(policy="daily", condition=Condition.FRESH)
    return VolumeView(
        cloud=cloud,
        id=volume_id,
        name=name,
        presence=Presence.THERE,
        status="in-use",
        size_gib=1,
        series=(series,),
    )


def view(*volumes: VolumeView, asked: bool = True) -> FleetView:
    outcome = CloudOutcome(cloud="lab", result=CloudResult.UNAVAILABLE, reason="no answer")
    return FleetView(
        at=NOW,
        config_version="v",
        clouds=(CloudView(outcome=outcome, was_asked=asked),),
        policies=(),
        volumes=volumes,
    )


def test_a_name_of_several_volumes_is_not_enough() -> None:
    with pytest.raises(InputError, match=r"several volumes have this name: .*: a in otc, b in otc"):
        find_volume(view(volume("data", "a"), volume("data", "b")), "data")


def test_a_volume_is_found_beside_a_cloud_that_cannot_be_asked() -> None:
    here, there = volume("data", "a"), volume("web", "b", cloud="lab")
    assert find_volume(view(here, there, asked=False), "a") is here
    with pytest.raises(CloudUnavailable, match="web: cannot be looked at now: lab: no answer"):
        find_volume(view(here, there, asked=False), "web")


def test_what_holds_an_image_is_told_whatever_else_is_said_of_it() -> None:
    image = ImageView(
        id="i",
        name="n",
        policy="daily",
        requested=False,
        slot=SLOT,
        captured_at=SLOT + timedelta(days=1),
        size_bytes=None,
        virtual_bytes=None,
        state=ImageState.GOOD,
        why="",
        result=ImageResult.KEPT,
        reasons="orphan",
        pinned=True,
        restore_runs=("r",),
    )
    series = SeriesView(policy="daily", condition=None, images=(image,))
    one = replace(volume("data", "a"), series=(series,))
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        console.print(volume_text(one, NOW, 200), soft_wrap=True)

    (line,) = [line for line in capture.get().splitlines() if line.startswith("2026")]
    assert line.split("  ", 1)[1].startswith("2026-03-03 02:00Z ")  # not the slot's day
    assert line.endswith(" orphan; pinned; held by restore r")


def test_a_hostile_name_is_shown_and_not_obeyed() -> None:
    console = Console(width=200, highlight=False)
    with console.capture() as capture:
        console.print(volume_text(volume("[b]\x1b[2J", "a"), NOW, 200), soft_wrap=True)
    assert capture.get().startswith("[b]\\x1b[2J  a")
