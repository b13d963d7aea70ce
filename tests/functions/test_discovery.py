"""Volumes found by their tags: found, kept while they exist, and let go when they do not."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import pytest

from tests.support.export_site import DAY, DB, LOG, MINUTE, WEB, ExportSite, said
from volume_images.export import gathering
from volume_images.model import Volume
from volume_images.protocols import World


@dataclass(frozen=True)
class Hiding:
    """A cloud whose listing of volumes lacks some; everything else is the real client's."""

    real: Any
    hidden: frozenset[str]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    @property
    def volumes(self) -> Any:  # noqa: ANN401
        return HidingVolumes(self.real.volumes, self.hidden)


@dataclass(frozen=True)
class HidingVolumes:
    """Volumes of which some are not listed."""

    real: Any
    hidden: frozenset[str]

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.real, name)

    def all(self) -> Sequence[Volume]:
        return [volume for volume in self.real.all() if volume.id not in self.hidden]


def hiding(site: ExportSite, *hidden: str) -> World:
    world = site.world()

    def opened(name: str, refused_secret: str = "") -> Any:  # noqa: ANN401
        return Hiding(world.open_cloud(name, refused_secret), frozenset(hidden))

    return replace(world, open_cloud=opened)


@pytest.fixture
def found(site: ExportSite) -> ExportSite:
    """No volume is listed in the config; those tagged `backup=daily` are found."""
    document = {**site.stack.document, "volumes": []}
    document["discover"] = [{"cloud": "sandbox", "tags": {"backup": "daily"}}]
    site.stack.write_config(document)
    return site


def next_day(site: ExportSite) -> None:
    site.let_pass(2 * MINUTE)
    site.run()
    site.let_pass(DAY)


def test_volumes_are_found_by_their_tags(found: ExportSite) -> None:
    found.cloud.world.volumes[LOG].tags = {"backup": "never"}
    report = found.run()
    assert {one.volume_id for one in report.outcomes} == {DB, WEB}
    assert {image.name.split("_")[2] for image in found.images()} == {"db01-data", "web01-root"}


def test_a_volume_that_is_tagged_later_joins_and_one_untagged_leaves(found: ExportSite) -> None:
    found.cloud.world.volumes[LOG].tags = {}
    found.run()
    next_day(found)
    found.cloud.world.volumes[LOG].tags = {"backup": "daily"}
    found.cloud.world.volumes[DB].tags = {"backup": "no more"}
    assert {one.volume_id for one in found.run().outcomes} == {WEB, LOG}
    assert set(found.state().discovered) == {WEB, LOG}


def test_a_volume_that_comes_back_is_not_exported_again_for_a_slot_that_it_has(
    found: ExportSite,
) -> None:
    """Its weekly slot is older than whatever the other volumes, exported daily, are owed."""
    document = deepcopy({**found.stack.document, "volumes": []})
    weekly = deepcopy(document["policies"]["daily"])
    weekly |= {"select": {"backup": "weekly"}, "schedule": "0 2 * * 1", "catch_up": "6d"}
    document["policies"]["weekly"] = weekly
    document["discover"] = [{"cloud": "sandbox", "tags": {"backup": ["daily", "weekly"]}}]
    found.stack.write_config(document)
    volume = found.cloud.world.volumes[DB]
    volume.tags = {"backup": "weekly"}
    found.run()
    next_day(found)
    volume.tags = {}
    for _ in range(3):
        found.run()
        next_day(found)
    volume.tags = {"backup": "weekly"}
    report = found.run()
    assert {one.result for one in report.outcomes if one.volume_id == DB} == {"done"}
    assert len([image for image in found.images() if DB in image.name]) == 1


def test_a_known_volume_that_is_not_listed_counts_as_there(found: ExportSite) -> None:
    found.run()
    next_day(found)
    report = found.run(world=hiding(found, DB))
    assert {one.volume_id for one in report.outcomes if one.result == "started"} == {DB, WEB, LOG}
    assert DB in found.state().discovered


def test_a_known_volume_leaves_when_a_get_by_id_answers_404(found: ExportSite) -> None:
    found.run()
    next_day(found)
    del found.cloud.world.volumes[DB]
    report = found.run()
    assert {one.volume_id for one in report.outcomes} == {WEB, LOG}
    assert set(found.state().discovered) == {WEB, LOG}


def test_known_volumes_that_are_too_many_to_read_at_once_wait_and_are_not_forgotten(
    found: ExportSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An empty listing with status 200 is what a cloud in trouble has been seen to answer."""
    found.run()
    next_day(found)
    monkeypatch.setattr(gathering, "READS_BY_ID", 1)
    first = found.run(world=hiding(found, DB, WEB, LOG))
    assert said(first) == [("deferred", "volume_not_read")] * 2 + [("started", "accepted")]
    assert set(found.state().discovered) == {DB, WEB, LOG}
    for _ in range(4):
        found.let_pass(MINUTE)
        found.run(world=hiding(found, DB, WEB, LOG))
    assert len(found.images()) == 6


def test_an_entry_of_volumes_wins_over_what_discovery_finds(found: ExportSite) -> None:
    document = {**found.stack.document, "discover": [{"cloud": "sandbox", "tags": {}}]}
    document["volumes"] = [
        {"id": DB, "cloud": "sandbox", "name": "by-hand", "tags": {"backup": "daily"}}
    ]
    found.stack.write_config(document)
    found.run()
    labels = {image.name.split("_")[2] for image in found.images()}
    assert labels == {"by-hand", "web01-root", "db01-log"}
