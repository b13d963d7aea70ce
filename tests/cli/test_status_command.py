"""`volume-images status`: what needs a look first, and what cannot be known."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from tests.cli.conftest import Cli
from tests.cli.status_site import fleet, volumes
from tests.sandbox.stack import SandboxStack
from volume_images.cli.output.status import MOST_ROWS, status_text
from volume_images.overview.fleet import CloudView, FleetView, PolicyView
from volume_images.overview.images import Going, ImageView
from volume_images.overview.volumes import (
    Condition,
    Pending,
    Presence,
    SeriesView,
    Trouble,
    VolumeView,
)
from volume_images.recognition import ImageState
from volume_images.report import CloudOutcome, CloudResult, ExportResult, ImageResult

NOW = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
ID = "16369c5d-384d-4e64-b37a-56d898769362"


@pytest.fixture(scope="module")
def stack() -> Iterator[SandboxStack]:
    """None of these tests changes it."""
    with fleet() as stack:
        yield stack


def test_what_needs_a_look_comes_first_and_the_rest_in_sum(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    fresh, stale, new, bare = volumes(stack)

    said = sandbox_cli("status", env={"COLUMNS": "80"})

    assert (said.code, said.err) == (1, "")
    titles, first, _, second, _ = said.out.splitlines()[:5]
    assert titles.split() == ["volume", "policy", "state", "age", "max", "images", "next"]
    assert first.split()[:6] == [stale.name, "daily", "stale", "5d", "40h", "3"]
    assert second.split()[:6] == [new.name, "daily", "never", "exported", "-", "40h"]
    assert fresh.name not in said.out
    assert f"{bare.name}  {bare.id}  {bare.status}" in said.out
    assert "\ndaily         3      1      1               1\n" in said.out
    in_sum = " ".join(said.out.split())
    assert "; 14 images of " in in_sum
    assert " GiB; 8 expired, to be announced" in in_sum
    assert max(map(len, said.out.splitlines())) <= 80


def test_every_volume_is_shown_where_asked_for(sandbox_cli: Cli, stack: SandboxStack) -> None:
    fresh = volumes(stack)[0]

    said = sandbox_cli("status", "--all", env={"COLUMNS": "160"}).out

    assert f"{fresh.name}   daily   fresh           2026-03-02 02:00Z   5m  40h      11" in said
    assert "8 expired, for the next cleanup to announce" in said


def test_the_json_tells_of_every_volume_and_nothing_is_written(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    images = dict(stack.cloud.world.images)

    said = sandbox_cli("status", "--json")

    assert said.code == 1
    conditions = {
        volume["name"]: [one["condition"] for one in volume["policies"]]
        for volume in said.document["volumes"]
    }
    names = [volume.name for volume in volumes(stack)]
    assert [conditions[name] for name in names] == [["fresh"], ["stale"], ["never_exported"], []]
    assert (said.document["stale"], said.document["known"]) == (True, True)
    listed = stack.aws.s3.list_objects_v2(Bucket=stack.state_bucket)
    assert listed["KeyCount"] == 0
    assert images == stack.cloud.world.images
    assert not [method for method, *_ in stack.cloud.requests if method in ("DELETE", "PATCH")]


def test_a_cloud_that_cannot_be_asked_is_said_so_and_is_not_fine(sandbox_cli: Cli) -> None:
    said = sandbox_cli("status", env={"VOLUME_IMAGES_SECRET_PREFIX": "elsewhere"})

    assert said.code == 1
    assert "cloud sandbox could not be asked" in said.out
    assert "(3 by config and state): no_credential: " in said.out
    assert "3 not known, 0 in order" in said.out


def test_a_config_that_is_not_there_is_one_line(sandbox_cli: Cli) -> None:
    said = sandbox_cli("status", "--config", "/nowhere/config.yaml")
    assert (said.code, said.out) == (2, "")
    assert said.err.count("\n") == 1


def shown(view: FleetView, width: int = 100, *, everything: bool = False) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(status_text(view, width, everything=everything), soft_wrap=True)
    return capture.get().splitlines()


FRESH = SeriesView(
    policy="daily", condition=Condition.FRESH, newest_slot=SLOT, max_age=40 * HOUR, next_slot=SLOT
)
POLICY = PolicyView(
    name="daily",
    max_age=40 * HOUR,
    next_slot=SLOT + DAY,
    volumes=1,
    conditions={Condition.FRESH: 1},
    stale=0,
    pending=0,
    waiting=0,
    images=1,
    going=0,
    announced=0,
    first_goes=None,
    stored_bytes=0,
    oldest_newest_slot=SLOT,
)
SERVED = CloudView(outcome=CloudOutcome(cloud="otc", result=CloudResult.SERVED), was_asked=True)


def volume(series: SeriesView | None = FRESH, name: str = "db01", **changes: object) -> VolumeView:
    one = VolumeView(
        cloud="otc",
        id=ID,
        name=name,
        presence=Presence.THERE,
        status="in-use",
        size_gib=40,
        series=(series,) if series else (),
    )
    return replace(one, **changes)


def view(*volumes: VolumeView, clouds: tuple[CloudView, ...] = (SERVED,)) -> FleetView:
    return FleetView(at=NOW, config_version="v", clouds=clouds, policies=(POLICY,), volumes=volumes)


GOING = ImageView(
    id="i",
    name="n",
    policy="daily",
    requested=False,
    slot=SLOT,
    captured_at=SLOT,
    size_bytes=None,
    virtual_bytes=None,
    state=ImageState.GOOD,
    why="",
    result=ImageResult.ANNOUNCED,
    reasons="expired",
    going=Going(
        since=NOW,
        deletes_at=NOW + 3 * DAY,
        reason="expired",
        config_version="v" * 64,
        is_announced=True,
    ),
)
PENDING = Pending(slot=SLOT, requested=True, since=NOW, deadline=None, image_id="")


@pytest.mark.parametrize(
    ("one", "note"),
    [
        (
            volume(
                replace(
                    FRESH,
                    trouble=Trouble(
                        result=ExportResult.FAILED, reason="export_failed", at=NOW, in_a_row=3
                    ),
                )
            ),
            "failed 3 times in a row: export_failed, 2026-03-02 02:05Z",
        ),
        (
            volume(
                replace(
                    FRESH, trouble=Trouble(result=ExportResult.MISSED, reason="no_room", at=SLOT)
                )
            ),
            "missed 2026-03-02 02:00Z: no_room",
        ),
        (volume(presence=Presence.GONE), "the volume is gone from its cloud"),
        (
            volume(left_uploading=True),
            "the volume is uploading, and no export of ours is under way",
        ),
        (
            volume(replace(FRESH, images=(replace(GOING, stuck_since=NOW),))),
            "1 stuck since 2026-03-02 02:05Z",
        ),
        (volume(replace(FRESH, safety_stops=("x",))), "safety stop: x"),
    ],
)
def test_what_needs_a_look_says_why(one: VolumeView, note: str) -> None:
    assert f" {note}" in "\n".join(shown(view(one), width=200))


def test_what_goes_on_is_told_with_its_times() -> None:
    one = volume(replace(FRESH, images=(GOING,), pending=(PENDING,), waiting=(SLOT, SLOT)))
    (line,) = [line for line in shown(view(one), width=300, everything=True) if "db01" in line]

    assert line.endswith(
        "request of 2026-03-02 02:00Z under way since 2026-03-02 02:05Z; 2 requests waiting;"
        " 1 announced, the first goes 2026-03-05 02:05Z by config vvvvvvvvvvvv"
    )


def test_a_volume_in_order_is_only_counted() -> None:
    lines = shown(view(volume()), width=200)
    assert not [line for line in lines if "db01" in line]
    assert lines[-1].startswith("1 volume at 2026-03-02 02:05Z: 1 in order; --all shows")


def test_what_is_too_old_comes_before_what_fails() -> None:
    trouble = Trouble(result=ExportResult.FAILED, reason="export_failed", at=NOW)
    failing = volume(replace(FRESH, trouble=trouble), name="failing")
    late = volume(
        replace(FRESH, condition=Condition.NEVER_EXPORTED, stale=True, newest_slot=None),
        name="late",
        id=ID.replace("1", "2"),
    )
    names = [line.split()[0] for line in shown(view(failing, late), width=200)[1:3]]
    assert names == ["late", "failing"]


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_wider_than_the_screen_however_much_there_is_to_tell(width: int) -> None:
    many = Counter(dict.fromkeys(Condition, 4990))
    policy = replace(POLICY, name="weekly-archive", volumes=4990, conditions=many)
    policy = replace(policy, pending=40, waiting=12, images=149_000, stored_bytes=10**15)
    policy = replace(policy, going=4000, announced=3900, first_goes=NOW + DAY)
    second = CloudView(
        outcome=CloudOutcome(cloud="huawei-eu-west", result=CloudResult.SERVED), was_asked=True
    )
    trouble = Trouble(result=ExportResult.FAILED, reason="image_vanished", at=NOW, in_a_row=3)
    one = volume(
        replace(FRESH, policy="weekly-archive", trouble=trouble, images=(GOING,)),
        name="oracle-production-archive-logs-04",
        cloud="huawei-eu-west",
    )
    bare = volume(None, name="scratch", id=ID.replace("1", "3"))
    fleet = replace(view(one, bare, clouds=(SERVED, second)), policies=(policy,))

    lines = shown(fleet, width=width, everything=True)

    assert max(map(len, lines)) <= width
    assert "image_vanished" in "\n".join(lines)


def test_a_large_fleet_is_cut_to_what_a_person_looks_into() -> None:
    stale = replace(FRESH, condition=Condition.STALE, stale=True)
    many = [volume(stale, name=f"v{number}") for number in range(MOST_ROWS + 7)]

    assert "and 7 more: --all shows them" in shown(view(*many))
    assert not [line for line in shown(view(*many), everything=True) if "more" in line]


def test_volumes_of_a_cloud_not_asked_are_told_of_at_once() -> None:
    down = CloudView(
        outcome=CloudOutcome(cloud="otc", result=CloudResult.UNAVAILABLE, reason="no answer"),
        was_asked=False,
    )
    one = volume(replace(FRESH, condition=Condition.NOT_KNOWN), presence=Presence.NOT_KNOWN)

    lines = shown(view(one, clouds=(down,)), width=200)
    assert lines[0] == (
        "cloud otc could not be asked, so of its volumes nothing is known"
        " (1 by config and state): unavailable: no answer"
    )
    assert not [line for line in lines if "db01" in line]
    assert [line for line in shown(view(one, clouds=(down,)), everything=True) if "db01" in line]


def test_volumes_of_one_name_are_told_apart_and_clouds_named() -> None:
    second = CloudView(outcome=CloudOutcome(cloud="lab", result=CloudResult.SERVED), was_asked=True)
    twin = volume(id=ID.replace("1", "2"), cloud="lab")
    lines = shown(view(volume(), twin, clouds=(SERVED, second)), everything=True)

    assert [line.split()[:3] for line in lines[1:3]] == [
        ["lab", "db01", "26369c5d"],
        ["otc", "db01", "16369c5d"],
    ]


def test_images_that_no_policy_covers_are_told_of() -> None:
    orphan = replace(FRESH, condition=None, images=(GOING, GOING))
    one = volume(orphan, presence=Presence.GONE)

    said = "2 orphaned images, under no policy any more; 2 to go: --all shows them"
    assert said in shown(view(one))
    assert f"db01    {ID}  daily        2  the volume is gone from its cloud; 2 announced, the" in (
        "\n".join(shown(view(one), width=120, everything=True))
    )


def test_a_damaged_state_is_said_to_be_so() -> None:
    remarked = replace(SERVED, remarks=("state/export/otc.json: damaged (lost)",))
    assert shown(view(volume(), clouds=(remarked,)))[0] == "state/export/otc.json: damaged (lost)"


def test_names_from_a_cloud_are_no_markup_and_no_commands() -> None:
    hostile = volume(name="[red]x\x1b[2J")
    assert "[red]x\\x1b[2J" in "\n".join(shown(view(hostile), everything=True))
