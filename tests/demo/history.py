"""Weeks of nightly images, and what the stated policy expires of them: worked out by hand here."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from tests.sandbox.seeds import PREFIX
from tests.sandbox.stack import POLICY_NAME
from tests.sandbox.things import SandboxImage
from tests.sandbox.world import World
from volume_images.image_name import ImageName

NIGHTS = 70


def plant_history(world: World, newest_slot: datetime) -> list[SandboxImage]:
    """Put an image of every volume there for each of the nights before `newest_slot`."""
    return [
        world.plant_image(
            name=str(
                ImageName(
                    prefix=PREFIX,
                    policy=POLICY_NAME,
                    requested=False,
                    label=volume.name,
                    volume_id=volume.id,
                    slot=slot,
                )
            ),
            created_at=slot + timedelta(minutes=5),
            volume_id=volume.id,
        )
        for volume in world.volumes.values()
        for slot in (newest_slot - timedelta(days=nights) for nights in range(1, NIGHTS + 1))
    ]


def expired(images: Sequence[SandboxImage]) -> set[str]:
    """Return the ids that the demo's policy keeps by none of its four rules.

    It is written apart from the product's own rules, for this policy and nightly images alone.
    """
    gone = set()
    for volume_id in {image.volume_id for image in images}:
        slots = {_slot(image): image.id for image in images if image.volume_id == volume_id}
        kept = _kept(slots)
        gone |= {image_id for slot, image_id in slots.items() if slot not in kept}
    return gone


def _kept(slots: Iterable[datetime]) -> set[datetime]:
    newest_first = sorted(slots, reverse=True)
    return {
        *newest_first[:3],
        *_newest_of_each(newest_first, 7, lambda slot: slot.date()),
        *_newest_of_each(newest_first, 5, lambda slot: slot.isocalendar()[:2]),
        *_newest_of_each(newest_first, 12, lambda slot: (slot.year, slot.month)),
    }


def _newest_of_each(
    newest_first: Sequence[datetime], count: int, period: Callable[[datetime], object]
) -> list[datetime]:
    """Take the newest of each period; while places are left, the oldest of all takes one."""
    newest: dict[object, datetime] = {}
    for slot in newest_first:
        newest.setdefault(period(slot), slot)
    taken = list(newest.values())[:count]
    return taken if len(taken) == count else [*taken, newest_first[-1]]


def _slot(image: SandboxImage) -> datetime:
    name = ImageName.parse(image.name)
    assert name is not None
    return name.slot
