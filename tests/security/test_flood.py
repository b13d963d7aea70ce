"""A flood of requests costs no image beyond `min_interval` and `max_in_flight`."""

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from tests.faults.memory_store import MemoryStore
from tests.faults.trouble import Trouble
from tests.support.fleet import Fleet
from volume_images.config.schema import Config
from volume_images.export.state import export_state_key
from volume_images.image_name import ImageName
from volume_images.report import ExportResult, Report
from volume_images.stopwatch import RunLimits
from volume_images.triggers import parse_trigger

HOUR = timedelta(hours=1)
ROOM = 4
BRIEF = RunLimits(act=1, end=2)
CLOUD = "cloud-000"
VOLUMES = [f"00000000-0000-4000-8000-{number:012x}" for number in range(20)]
CONFIG = Config.model_validate(
    {
        "prefix": "acme",
        "clouds": {
            CLOUD: {
                "dialect": "openstack",
                "region": "eu-de",
                "project": "backup",
                "max_in_flight": ROOM,
            }
        },
        "policies": {
            "daily": {
                "select": {"backup": "daily"},
                "retention": {"keep_last": 3},
                "requests": {"keep_last": 3, "min_interval": "1h"},
            }
        },
        "volumes": [
            {"id": volume_id, "cloud": CLOUD, "tags": {"backup": "daily"}} for volume_id in VOLUMES
        ],
    }
)


class Flooded:
    """A cloud of twenty volumes, and somebody who asks for all of them all the time."""

    def __init__(self) -> None:
        self.fleet = Fleet(volumes=len(VOLUMES))
        calm = Trouble(self.fleet.clock.now, "")
        self.fleet.store = self.store = MemoryStore(lambda _: calm)
        self.fleet.config = CONFIG
        self.clock, self.cloud = self.fleet.clock, self.fleet.only
        self.began = self.clock.now()
        self.asked = 0

    def send(self, event: dict[str, Any]) -> Report:
        """Invoke the function, as it would be some seconds later."""
        self.clock.sleep(3)
        trigger = parse_trigger(event, now=self.clock.now())
        return self.fleet.run(trigger, BRIEF)

    def tick(self) -> Report:
        return self.fleet.run(limits=BRIEF)

    def next_volume(self) -> str:
        self.asked += 1
        return VOLUMES[self.asked % len(VOLUMES)]

    def direct(self) -> dict[str, Any]:
        return {"volume_ids": [self.next_volume()]}

    def batch(self) -> dict[str, Any]:
        """Return ten messages, each of which a queue may deliver twice."""
        return {"Records": [self.message() for _ in range(10)]}

    def message(self) -> dict[str, Any]:
        body = json.dumps({"volume_ids": [self.next_volume()]})
        sent = int(self.clock.now().timestamp() * 1000)
        return {
            "eventSource": "aws:sqs",
            "messageId": f"m-{self.asked}",
            "attributes": {"SentTimestamp": str(sent)},
            "body": body,
        }

    def slots(self) -> Iterator[list[Any]]:
        """Yield the slots of each volume's images."""
        names = [ImageName.parse(image.name) for image in self.cloud.held.values()]
        for volume_id in VOLUMES:
            yield sorted(name.slot for name in names if name and name.volume_id == volume_id)


@pytest.mark.slow
@pytest.mark.parametrize(("batches", "directs"), [(1_000, 0), (500, 5_000)])
def test_ten_thousand_requests_cost_no_image_too_many(batches: int, directs: int) -> None:
    flood = Flooded()
    for number in range(max(batches, directs)):
        if number < batches:
            report = flood.send(flood.batch())
            assert report.failed_records == ()
        if number < directs:
            flood.send(flood.direct())
    hours = (flood.clock.now() - flood.began) // HOUR + 1
    assert flood.asked == 10 * batches + directs == 10_000
    assert 0 < flood.cloud.posts.total() <= hours * len(VOLUMES)
    assert flood.cloud.most_exports <= ROOM
    assert len(flood.store.body(export_state_key(CLOUD)) or b"") < 64 * 1024


def test_what_a_flood_asked_for_is_done_once_for_each_volume() -> None:
    flood = Flooded()
    for _ in range(30):
        flood.send(flood.batch())
    assert flood.cloud.most_exports == ROOM
    assert len(flood.fleet.state().waiting) > 0
    for _ in range(len(VOLUMES) // ROOM + 2):
        flood.clock.sleep(700)
        flood.tick()
    assert [len(slots) for slots in flood.slots()] == [1] * len(VOLUMES)
    assert flood.fleet.state().waiting == {}
    assert flood.cloud.most_exports == ROOM


def test_two_images_of_requests_lie_an_hour_apart() -> None:
    flood = Flooded()
    for _ in range(40):
        flood.send(flood.batch())
        flood.clock.sleep(300)
        flood.tick()
    gaps = [later - earlier for slots in flood.slots() for earlier, later in pairwise(slots)]
    assert len(gaps) >= len(VOLUMES)
    assert min(gaps) >= HOUR


def test_a_message_delivered_again_is_answered_by_what_it_started() -> None:
    flood = Flooded()
    event = flood.batch()
    flood.send(event)
    posts = flood.cloud.posts.total()
    report = flood.send(event)
    assert flood.cloud.posts.total() == posts
    results = {outcome.result for outcome in report.outcomes}
    assert results <= {ExportResult.DEFERRED, ExportResult.DONE}


def test_a_request_for_more_than_a_hundred_volumes_is_refused_as_a_whole() -> None:
    many = [f"{number:08}-384d-4e64-b37a-56d898769362" for number in range(101)]
    config = CONFIG.model_copy(
        update={
            "volumes": tuple(
                CONFIG.volumes[0].model_copy(update={"id": volume_id}) for volume_id in many
            )
        }
    )
    flood = Flooded()
    flood.fleet.config = config
    report = flood.send({"volume_ids": many})
    assert [(one.result, one.reason) for one in report.outcomes] == [
        (ExportResult.REFUSED, "request_refused")
    ]
    assert flood.cloud.posts.total() == 0
