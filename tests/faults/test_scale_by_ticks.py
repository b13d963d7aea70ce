"""Many volumes, few places: no POST beyond the limit, nothing starves, no time is lost."""

from datetime import UTC, datetime, timedelta
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.examples import examples
from tests.support.fleet import TICK, Fleet
from volume_images.model import GroupKey, RequestedExport, Requests
from volume_images.stopwatch import RunLimits

ONE_LOOK = RunLimits(act=20, end=520)
"""A run with no time to stay."""

SLOT = datetime(2026, 3, 2, 2, tzinfo=UTC)


def exported(fleet: Fleet) -> set[str]:
    """Return the volumes for whose scheduled slot an export was asked."""
    return {name.split("_")[3] for name in fleet.only.posts if "_daily_" in name}


@pytest.mark.slow
@pytest.mark.parametrize(("volumes", "minutes"), [(2000, (10,)), (800, (8, 12, 9, 11))])
def test_thousands_of_volumes_through_forty_places_take_as_long_as_the_limit_makes_them(
    volumes: int, minutes: tuple[int, ...]
) -> None:
    fleet = Fleet(volumes=volumes, max_in_flight=40)
    fleet.only.export_times = [timedelta(minutes=one) for one in minutes]
    for _ in range(60):
        fleet.tick()
        if len(fleet.only.active_at) == volumes and not fleet.state().under_way:
            break
    assert fleet.only.most_exports == 40
    assert (len(fleet.only.posts), set(fleet.only.posts.values())) == (volumes, {1})
    took = max(fleet.only.active_at.values()) - SLOT
    assert took <= 1.1 * (volumes / 40) * timedelta(minutes=10)


@examples(15)
@given(
    volumes=st.integers(min_value=1, max_value=40),
    places=st.integers(min_value=1, max_value=7),
    failing=st.frozensets(st.integers(min_value=0, max_value=39)),
)
def test_with_room_for_k_each_of_n_volumes_is_started_within_n_by_k_ticks(
    volumes: int, places: int, failing: frozenset[int]
) -> None:
    """Healthy volumes never wait behind failing ones."""
    fleet = Fleet(volumes=volumes, max_in_flight=places)
    fleet.only.fails = frozenset(map(fleet.only.volume_id, failing))
    fleet.ticks(ceil(volumes / places), ONE_LOOK)
    assert fleet.only.most_exports <= places
    assert exported(fleet) == {fleet.only.volume_id(index) for index in range(volumes)}


@pytest.mark.parametrize("places", [1, 2, 3])
def test_a_flood_of_requests_takes_every_other_place_and_no_more(places: int) -> None:
    """Each tick brings more requests than there is room for; the schedule goes on all the same."""
    volumes = 12
    fleet = Fleet(volumes=volumes, max_in_flight=places, requests={"min_interval": "1h"})
    fleet.tick(RunLimits(act=0, end=520))
    for _ in range(ceil(2 * volumes / places)):
        flood = tuple(
            RequestedExport(
                volume_ids=tuple(map(fleet.only.volume_id, range(volumes))),
                requested_at=fleet.clock.now(),
                message_id="1",
            )
            for _ in range(2)
        )
        fleet.run(Requests(requests=flood, from_queue=True))
        fleet.run(limits=ONE_LOOK)
        fleet.clock.time += TICK
    assert fleet.only.most_exports <= places
    scheduled = len(exported(fleet))
    assert scheduled == volumes
    assert abs(sum(".request_" in name for name in fleet.only.posts) - scheduled) <= places + 1


def test_every_request_to_a_full_cloud_is_started_or_missed_and_said() -> None:
    fleet = Fleet(volumes=30, max_in_flight=2, catch_up="1h", schedule=None)
    fleet.tick()
    asked = Requests(
        requests=(
            RequestedExport(
                volume_ids=tuple(map(fleet.only.volume_id, range(30))),
                requested_at=fleet.clock.now(),
                message_id="1",
            ),
        ),
        from_queue=True,
    )
    reports = [fleet.run(asked), *fleet.ticks(10, ONE_LOOK)]
    said = {
        result: {one.volume_id for each in reports for one in each.outcomes if one.result == result}
        for result in ("done", "missed")
    }
    assert len(said["done"]) == 14  # at 0, 10, ... 60 minutes
    assert said["done"] | said["missed"] == set(map(fleet.only.volume_id, range(30)))
    assert said["done"].isdisjoint(said["missed"])
    assert fleet.state().waiting == {}


def test_requests_to_a_dead_cloud_are_accepted_then_missed_and_said() -> None:
    fleet = Fleet(volumes=3, catch_up="1h", schedule=None)
    fleet.tick()
    fleet.only.down = True
    asked = RequestedExport(
        volume_ids=(fleet.only.volume_id(1),), requested_at=fleet.clock.now(), message_id="1"
    )
    accepted = fleet.run(Requests(requests=(asked,), from_queue=True))
    assert accepted.failed_records == ()
    assert [(one.result, one.reason) for one in accepted.outcomes] == [
        ("deferred", "cloud_unavailable")
    ]
    group = GroupKey("daily", requested=True, volume_id=fleet.only.volume_id(1))
    assert [waiting.group for waiting in fleet.state().waiting.values()] == [group]
    outcomes = [one for report in fleet.ticks(8) for one in report.outcomes]
    assert [(one.result, one.reason) for one in outcomes] == [("missed", "too_late")]
    assert fleet.state().waiting == {}


def test_a_region_that_is_down_is_told_once_and_costs_one_call_a_tick() -> None:
    fleet = Fleet(clouds=3, volumes=50, catch_up="2h")
    for cloud in fleet.clouds.values():
        cloud.down = True
    first, *others = fleet.ticks(3)
    assert (first.outcomes, len(first.changed_clouds)) == ((), 3)
    assert [(one.changed, one.changed_clouds) for one in others] == [((), ())] * 2
    assert [cloud.calls for cloud in fleet.clouds.values()] == [3, 3, 3]
    for cloud in fleet.clouds.values():
        cloud.down = False
    back = fleet.run()
    assert [one.result for one in back.changed_clouds] == ["served"] * 3
    assert back.counts["started"] == 60


def test_volumes_that_wait_for_their_cloud_wait_whatever_keeps_it() -> None:
    """A cloud that is full, then takes no more, then rests: of its volumes nothing is new."""
    fleet = Fleet(volumes=30, max_in_flight=5)
    assert len(fleet.tick(ONE_LOOK).changed) == 30
    fleet.only.takes_exports = False
    down = fleet.tick(ONE_LOOK)
    assert [(one.result, one.reason) for one in down.changed if one.result != "done"] == []
    assert [(one.result, one.reason) for one in down.changed_clouds] == [
        ("unavailable", "502: 502")
    ]
    again = fleet.tick(ONE_LOOK)
    assert (again.changed, again.changed_clouds) == ((), ())


def test_a_fleet_of_many_clouds_is_planned_and_started_in_one_run_within_every_limit() -> None:
    """More clouds than are served at once, none with room for all of its volumes."""
    fleet = Fleet(clouds=40, volumes=30, max_in_flight=4)
    report = fleet.run()
    clouds = fleet.clouds.values()
    assert {cloud.most_exports for cloud in clouds} == {4}
    assert {sum(cloud.posts.values()) for cloud in clouds} == {4}
    assert (report.counts["started"], report.counts["deferred"]) == (160, 1040)
    assert {cloud.result for cloud in report.clouds} == {"served"}


def test_clouds_that_are_down_take_no_turn_of_those_that_are_not() -> None:
    """They had theirs: at the next run those that waited longest go first, up or down."""
    fleet = Fleet(clouds=40, volumes=2)
    clouds = list(fleet.clouds.values())
    for cloud in clouds[::2]:
        cloud.down = True
    first = fleet.tick()
    assert (first.counts["started"], len(first.changed_clouds)) == (40, 20)
    turns = {fleet.state(name).served_at for name in fleet.clouds}
    assert turns == {first.started_at}


def test_a_run_out_of_time_takes_its_intents_back_and_the_next_one_begins_with_the_oldest() -> None:
    fleet = Fleet(volumes=6, max_in_flight=3)
    late = fleet.tick(RunLimits(act=0, end=520))
    assert {(one.result, one.reason) for one in late.outcomes} == {
        ("deferred", "not_sent"),
        ("deferred", "no_room"),
    }
    assert (fleet.only.posts, fleet.state().under_way) == ({}, {})
    fleet.tick(ONE_LOOK)
    assert len(exported(fleet)) == 3
    fleet.clock.time = SLOT + timedelta(days=1, minutes=5)
    before = exported(fleet)
    fleet.only.posts.clear()
    fleet.tick(ONE_LOOK)
    assert exported(fleet).isdisjoint(before)
