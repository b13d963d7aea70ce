"""What the demo does, through the real handlers, and what it checks at the end."""

import json
import os
import subprocess
import sys
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.demo.history import NIGHTS, expired, plant_history
from tests.demo.shown import WIDTH, Outcome, Screen
from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect

VOLUMES = 6
SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)
TICK = "events/scheduled-tick.json"
CLEANUP = "events/cleanup-scheduled.json"
COMMAND = Path(sys.executable).with_name("volume-images")
CHECKOUT = Path(__file__).parents[2]


class DemoFailed(Exception):
    """A command did not end as it should: what it said is on the screen."""


@dataclass
class Demo:
    """The sandbox, the screen, and every claim that turned out true or false."""

    stack: SandboxStack
    screen: Screen
    claims: list[tuple[str, bool]] = field(default_factory=list)

    def claim(self, text: str, *, holds: bool) -> None:
        self.claims.append((text, holds))


@dataclass(frozen=True)
class Day:
    """One day's cleanup: what it said, and the images that the sandbox holds no more."""

    moment: datetime
    counts: dict[str, int]
    outcomes: list[Outcome]
    vanished: set[str]

    def of(self, result: str) -> list[Outcome]:
        return [outcome for outcome in self.outcomes if outcome["result"] == result]


def tell() -> int:
    """Tell the story; return 0 only if everything in it is so."""
    screen = Screen()
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=VOLUMES, foreign=True) as stack:
        demo = Demo(stack, screen)
        try:
            _play(demo)
        except DemoFailed as failure:
            demo.claim(str(failure), holds=False)
        screen.chapter("Checked, in the sandbox itself:")
        for text, holds in demo.claims:
            screen.check(text, holds=holds)
    return 0 if all(holds for _, holds in demo.claims) else 1


def _play(demo: Demo) -> None:
    world, screen = demo.stack.cloud.world, demo.screen
    with world.lock:
        others = deepcopy(world.images)
    screen.say(
        f"A sandbox cloud with {VOLUMES} volumes now runs on this machine, with S3 and Secrets"
        f" Manager beside it.\nIt also holds {len(others)} images with tempting names: of other"
        " projects, of other deployments,\nmade by hand, protected, pinned. They must all"
        " survive.\nThe policy: export each night at 02:00; keep the last 3 images, 7 daily, 5"
        " weekly, 12 monthly;\nan image that no rule keeps is deleted after it stood announced"
        " for 72 hours."
    )
    _export(demo)
    ours = {image_id for image_id in world.images if image_id not in others}
    _clean_up(demo, ours)
    with world.lock:
        unharmed = all(world.images.get(image_id) == image for image_id, image in others.items())
    demo.claim(f"the {len(others)} images with tempting names are as they were", holds=unharmed)


def _export(demo: Demo) -> None:
    stack, screen = demo.stack, demo.screen
    screen.chapter("1. It is 02:05 in the sandbox, and the schedule starts the export function.")
    first = _invoke(demo, "export_volumes", TICK, show=True)
    stack.cloud.clock.advance(timedelta(minutes=10))
    screen.chapter("2. Ten minutes later, the same event again: every slot is done, none started.")
    again = _invoke(demo, "export_volumes", TICK, show=True)
    with stack.cloud.world.lock:
        stack.cloud.world.settle()
        new = [
            image for image in stack.cloud.world.images.values() if f"{SLOT:%Y%m%dT}" in image.name
        ]
    active = {image.volume_id for image in new if image.status == "active"}
    demo.claim(
        f"{VOLUMES} volumes, {len(new)} images of the slot 02:00, {len(active)} active",
        holds=len(new) == len(active) == VOLUMES == first["counts"]["started"],
    )
    demo.claim(
        f"the same event again: {again['counts']['started']} started,"
        f" {again['counts']['done']} done already",
        holds=again["counts"]["started"] == 0 and again["counts"]["done"] == VOLUMES,
    )


def _clean_up(demo: Demo, ours: set[str]) -> None:
    screen, world = demo.screen, demo.stack.cloud.world
    screen.chapter(
        f"3. {NIGHTS} earlier nights appear, as if it had run all along:"
        f" {VOLUMES} x {NIGHTS} images."
    )
    planted = plant_history(world, SLOT)
    expected = expired([*planted, *(world.images[image_id] for image_id in ours)])
    screen.say("Four days pass, with a cleanup each. The first one announces, and deletes nothing:")
    first = _next_day(demo, quiet=False)
    screen.announced(first.of("announced"))
    demo.claim(
        f"the first cleanup announced {len(first.of('announced'))} images, deleted"
        f" {len(first.vanished)}",
        holds=not first.vanished and _ids(first.of("announced")) == expected,
    )
    days = [first, *(_next_day(demo, quiet=True) for _ in range(3))]
    screen.say(
        "\nDay by day. The fourth cleanup comes 72 hours after the announcement, and deletes:"
    )
    screen.days((day.moment, day.counts) for day in days)

    volume = next(iter(world.volumes.values()))
    screen.say(f"\nWhat is left of {volume.name}, and why:")
    last = days[-1]
    left = [image for image in last.outcomes if image["volume_id"] == volume.id]
    screen.kept(image for image in left if image["result"] != "deleted")
    demo.claim(
        f"the cleanup after the grace time deleted {len(last.vanished)} images: exactly those that"
        " the policy expires",
        holds=bool(expected) and expected == last.vanished == _ids(last.of("deleted")),
    )


def _next_day(demo: Demo, *, quiet: bool) -> Day:
    """Let a day pass, clean up, and look at what the sandbox holds no more."""
    cloud = demo.stack.cloud
    cloud.clock.advance(timedelta(days=1))
    before = set(cloud.world.images)
    answer = _invoke(demo, "cleanup_images", CLEANUP, show=False, quiet=quiet)
    bucket, _, key = answer["report"].removeprefix("s3://").partition("/")
    report = json.load(demo.stack.aws.s3.get_object(Bucket=bucket, Key=key)["Body"])
    return Day(
        moment=cloud.clock.now(),
        counts=answer["counts"],
        outcomes=report["outcomes"],
        vanished=before - set(cloud.world.images),
    )


def _invoke(
    demo: Demo, function: str, event: str, *, show: bool, quiet: bool = False
) -> dict[str, Any]:
    """Run a real handler in a process of its own; return its answer."""
    arguments = ["invoke", function, "--event", event]
    if not show:
        arguments.append("--json")
    if not quiet:
        demo.screen.command(["volume-images", *arguments])
    done = subprocess.run(
        [COMMAND, *arguments],
        cwd=CHECKOUT,
        env={**os.environ, **demo.stack.env, "COLUMNS": str(WIDTH)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if done.returncode:
        demo.screen.say(done.stdout + done.stderr)
        raise DemoFailed(f"{' '.join(arguments)} ended with exit code {done.returncode}")
    if not show:
        return dict(json.loads(done.stdout))
    *table, answer = done.stdout.splitlines()
    for line in table:
        demo.screen.say(f"  {line}")
    return dict(json.loads(answer))


def _ids(outcomes: list[Outcome]) -> set[str]:
    return {outcome["image_id"] for outcome in outcomes}
