"""How a simulated year is judged: in calm times, and at its end."""

from tests.faults.invariants import Slot, slots_accounted_for
from tests.faults.weather import DAY
from tests.faults.year_expiry import expired_images
from tests.faults.years.runs import Runs
from tests.faults.years.site import ours
from tests.faults.years.year import Year
from volume_images.model import ImageStatus
from volume_images.report import Function

WHOLE = 365 * DAY
LEAST_EXPORTED = 0.8
LEAST_EXPIRED = 100
"""How much of what is due must be exported in a whole year, and how many images must expire."""


def calm_begins(runs: Runs, number: int) -> None:  # noqa: ARG001
    """Note what has expired by now, or failed: all is well from here on."""
    year = runs.year
    config = runs.used[Function.EXPORT].config
    listed = {entry.id for entry in config.volumes}
    for name, site in year.sites.items():
        world = site.cloud.world
        world.settle()
        discovered = [one for one in year.volumes if one.discovered and one.cloud == name]
        covered = listed | {one.id for one in discovered if one.id in world.volumes}
        site.expired = expired_images(config, name, world, discovered, year.clock)
        stuck = year.export_state(name).stuck
        site.unfinished = frozenset(
            image.id
            for image in ours(world)
            if image.status == ImageStatus.KILLED or image.id in stuck
            if image.volume_id in covered  # no rule speaks of orphans: they keep what they have
        )


def calm_lasts(runs: Runs, number: int) -> None:  # noqa: ARG001
    """See that all that is gone: grace and two healthy days are over."""
    for site in runs.year.sites.values():
        runs.year.counts["expired in time"] += len(site.expired)
        images = site.cloud.world.images
        for image_id in sorted((site.expired | site.unfinished) & images.keys()):
            image = images[image_id]
            runs.year.violated(f"{image.name} ({image.status}) outlives grace and two healthy days")


def judge_the_end(year: Year) -> None:
    """See that every slot whose time is over was exported, or reported as missed.

    A whole year must also have come to something: else it proves little.
    """
    if year.violations:
        return
    year.look()
    exported = year.exported
    missed = set[Slot]().union(*(site.watch.missed for site in year.sites.values()))
    due = list(year.owing.due(year.until - 2 * DAY))
    year.counts["due"] = len(due)
    year.counts["exported"] = len(exported & set(due))
    for violation in slots_accounted_for(due, exported, missed):
        year.violated(violation)
    if year.until - year.first >= WHOLE:
        _see_that_it_proves_something(year)
    note_violations(year)


def _see_that_it_proves_something(year: Year) -> None:
    exported, due = year.counts["exported"], year.counts["due"]
    if exported < LEAST_EXPORTED * due:
        year.violated(f"only {exported} of {due} due slots were exported")
    expired = year.counts["expired in time"]
    if expired < LEAST_EXPIRED:
        year.violated(f"only {expired} images had to expire in calm times")


def note_violations(year: Year) -> None:
    """Collect what those who watch the clouds have seen."""
    for site in year.sites.values():
        for violation in site.watch.violations:
            year.violated(violation)
        site.watch.violations.clear()
