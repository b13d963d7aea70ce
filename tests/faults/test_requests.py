"""Requests over a queue: accepted once, delivered again where that is in doubt, never lost."""

from tests.support.fleet import Fleet, FleetStore
from volume_images.model import RequestedExport, Requests
from volume_images.report import CloudResult


def asked(*volume_ids: str, message_id: str) -> RequestedExport:
    return RequestedExport(volume_ids=volume_ids, message_id=message_id)


def two_clouds() -> Fleet:
    """Return a fleet that was looked at once, so that its volumes are known."""
    fleet = Fleet(clouds=2, volumes=2, schedule=None)
    fleet.tick()
    return fleet


def test_a_message_of_which_nothing_could_be_written_down_comes_again_alone() -> None:
    fleet = two_clouds()
    here, there = fleet.clouds.values()
    store = fleet.store
    assert isinstance(store, FleetStore)
    store.refuses = "cloud-001"
    batch = Requests(
        requests=(
            asked(here.volume_id(0), message_id="here"),
            asked(there.volume_id(0), message_id="there"),
        ),
        from_queue=True,
    )
    report = fleet.run(batch)
    assert report.failed_records == ("there",)
    assert (here.posts.total(), there.posts.total()) == (1, 0)
    store.refuses = ""
    again = fleet.run(Requests(requests=batch.requests[1:], from_queue=True))
    assert again.failed_records == ()
    assert there.posts.total() == 1


def test_when_a_state_cannot_be_read_every_message_comes_again_and_none_is_refused() -> None:
    """Which volumes that cloud has is not known: a refusal could be wrong, and would be final."""
    fleet = two_clouds()
    here, there = fleet.clouds.values()
    store = fleet.store
    assert isinstance(store, FleetStore)
    known = store.objects["state/export/cloud-001.json"]
    store.objects["state/export/cloud-001.json"] = [b'{"version": 99}']
    batch = Requests(
        requests=(
            asked(here.volume_id(0), message_id="here"),
            asked(there.volume_id(0), message_id="there"),
        ),
        from_queue=True,
    )
    report = fleet.run(batch)
    assert set(report.failed_records) == {"here", "there"}
    assert [one.reason for one in report.outcomes if one.result == "refused"] == []
    assert CloudResult.NO_STATE in {one.result for one in report.clouds}
    store.objects["state/export/cloud-001.json"] = known
    assert fleet.run(batch).failed_records == ()
    assert (here.posts.total(), there.posts.total()) == (1, 1)


def test_a_request_for_a_volume_that_nobody_knows_is_refused_and_does_not_come_again() -> None:
    fleet = two_clouds()
    report = fleet.run(Requests(requests=(asked("0" * 36, message_id="unknown"),), from_queue=True))
    assert report.failed_records == ()
    assert [(one.result, one.reason) for one in report.outcomes] == [("refused", "request_refused")]
