"""A simulated year: what there is in it, and what was seen of it."""

import random
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tests.faults.invariants import Slot
from tests.faults.memory_store import MemoryStore
from tests.faults.trouble import Kind, Trouble
from tests.faults.weather import DAY, EVERYWHERE, IN_A_CLOUD, Event, episodes
from tests.faults.year_fleet import PLACES, FleetVolume, discovering, document, volumes_of
from tests.faults.year_slots import Owing
from tests.faults.years.clock import Reaper, VirtualClock
from tests.faults.years.site import Site, site
from tests.faults.years.written_config import WrittenConfig
from volume_images.cleanup.state import CleanupState, cleanup_state_key
from volume_images.export.state import ExportState, empty_export_state, export_state_key
from volume_images.image_name import ImageName

if TYPE_CHECKING:
    from volume_images.report import Report

FIRST_DAY = datetime(2027, 9, 1, tzinfo=UTC)
"""A year from here has a 29 February, and both changes of the clocks in all three places."""

DEPLOYMENT = "0123456789ab"


class Year:
    """One simulated stretch of time; `violations` is empty when all rules held.

    `pinned` are the images that people have pinned, by the number that chose each.
    """

    def __init__(self, seed: int, days: float) -> None:
        self.seed = seed
        self.first = FIRST_DAY + (seed % 28) * DAY
        self.until = self.first + days * DAY
        self.clock = VirtualClock(self.first)
        self.reaper = Reaper()
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self.reports: list[Report] = []
        self.pinned: dict[int, str] = {}
        self.volumes = volumes_of(self.dice("volumes"), discovering(seed))
        self.trouble = self._trouble("everywhere", EVERYWHERE, 5 * DAY)
        self._store_troubles = {
            place.name: Trouble(self.clock.now, f"{seed} store {place.name}", self.trouble.episodes)
            for place in PLACES
        }
        self.store = MemoryStore(self._trouble_of, self._stored)
        self.sites = {place.name: self._site(place.name) for place in PLACES}
        self.config = WrittenConfig(document(self.volumes), self.store.configs)
        self.owing = Owing(self.first)
        self.note_what_is_owed()

    @property
    def struck(self) -> int:
        """Count what went wrong in all: calls that were struck, and what happened once."""
        stores = [self.trouble, *self._store_troubles.values()]
        places = [*stores, *(one.cloud.trouble for one in self.sites.values())]
        calls = sum(place.struck.total() for place in places)
        return calls + sum(self.counts[event.value] for event in Event)

    @property
    def exported(self) -> set[Slot]:
        """Return all slots of which a good image was seen."""
        return set().union(*(one.watch.exported for one in self.sites.values()))

    def violated(self, violation: str) -> None:
        """Take note of what broke a rule."""
        self.violations.append(f"{self.clock.time:%F %T}: {violation}")

    def dice(self, what: str) -> random.Random:
        """Return dice for a purpose, always the same."""
        return random.Random(f"{self.seed} {what}")  # noqa: S311 - the same year for the same seed

    def look(self) -> None:
        """Look at all clouds."""
        self.excuse_doubles()
        for one in self.sites.values():
            one.watch.look()

    def excuse_doubles(self) -> None:
        """Excuse a second image after a lost answer under a listing that lags beyond an hour."""
        for one in self.sites.values():
            for text in one.cloud.doubtful:
                name = ImageName.parse(text)
                if name is not None:
                    one.watch.doubled_by_lies.add((one.watch.today(name.group), name.slot))

    def note_what_is_owed(self) -> None:
        """Take note of what the config says now, for the onlooker who works out what is due."""
        tags = {volume.id: volume.tags for volume in self.volumes if volume.discovered}
        self.owing.reads(self.config.document, self.clock.time, tags)

    def cleanup_state(self, cloud: str) -> CleanupState | None:
        """Return what the cleaner remembers of a cloud; None where nothing can be read."""
        with suppress(ValueError):
            body = self.store.body(cleanup_state_key(cloud))
            return CleanupState.model_validate_json(body) if body else None
        return None

    def export_state(self, cloud: str) -> ExportState:
        """Return what the exporter remembers of a cloud."""
        body = self.store.body(export_state_key(cloud))
        return ExportState.model_validate_json(body) if body else empty_export_state(DEPLOYMENT)

    def place(self, number: int) -> str:
        """Choose a cloud."""
        return PLACES[number % len(PLACES)].name

    def volume(self, number: int) -> FleetVolume:
        """Choose a volume."""
        return self.volumes[number % len(self.volumes)]

    def _trouble(
        self,
        where: str,
        kinds: dict[Kind, tuple[timedelta, timedelta, float, float]],
        every: timedelta,
    ) -> Trouble:
        dice = self.dice(where)
        rows = episodes(dice, kinds, self.first, self.until, every)
        return Trouble(self.clock.now, f"{self.seed} {where}", rows)

    def _site(self, name: str) -> Site:
        volumes = [volume for volume in self.volumes if volume.cloud == name]
        trouble = self._trouble(name, IN_A_CLOUD, 3 * DAY)
        return site(name, volumes, self.clock, trouble, lambda: self.reaper.called(name))

    def _stored(self, key: str) -> None:
        cloud = _cloud_of(key)
        if cloud in self.sites:
            self.reaper.called(cloud)

    def _trouble_of(self, key: str) -> Trouble:
        return self._store_troubles.get(_cloud_of(key), self.trouble)


def told(year: Year) -> str:
    """Tell of a year in a few lines; of one that broke a rule, how to see it again."""
    days = round((year.until - year.first) / DAY)
    counts = ", ".join(f"{number} {what}" for what, number in sorted(year.counts.items()))
    lines = [f"{days} days from {year.first:%F}: {year.struck} faults, {counts}"]
    if year.violations:
        lines += year.violations
        lines.append(f"see it again: python -m tests.faults.years --seed {year.seed} --days {days}")
    return "\n".join(lines)


def _cloud_of(key: str) -> str:
    """Return the cloud that a state is of."""
    return key.rpartition("/")[2].removesuffix(".json")
