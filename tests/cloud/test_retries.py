"""A service that is down is not asked on and on; one that answers is."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cloud.scripted import (
    ACTION,
    IMAGE,
    IMAGE_PATH,
    NOW,
    VOLUME,
    VOLUME_PATH,
    ScriptedCloud,
    StillClock,
    accepted,
    export_request,
    image_document,
    volume_document,
)
from tests.sandbox.wire import Answer, json_answer
from volume_images.cloud.open import OpenedCloud
from volume_images.cloud.retries import Outages
from volume_images.errors import CloudError, CloudUnavailable, LostAnswer, Throttled

DOWN = Answer(502, b"<html>bad gateway</html>")
BUSY = Answer(503, b"<html>")
VOLUME_ANSWER = json_answer(200, {"volume": volume_document()})
URL = "https://evs.example/v3/p/volumes"
MINUTES = 60.0


@pytest.fixture
def cloud() -> Iterator[ScriptedCloud]:
    with ScriptedCloud() as running:
        yield running


def errors_of_reads(opened: OpenedCloud, times: int, at_once: int = 1) -> list[CloudError]:
    def read(_: int) -> CloudError | None:
        try:
            opened.volumes.get(VOLUME)
        except CloudError as error:
            return error
        return None

    with ThreadPoolExecutor(at_once) as pool:
        return [error for error in pool.map(read, range(times)) if error is not None]


# --- a cloud that is down


def test_a_cloud_that_is_down_is_asked_a_few_times_and_no_more(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, DOWN)
    errors = errors_of_reads(cloud.open(), 500)
    assert len(errors) == 500
    assert len(cloud.paths("GET")) == 8
    assert {type(error) for error in errors} == {CloudUnavailable}
    assert len({str(error) for error in errors[2:]}) == 1
    assert "is down and left alone for 5 minutes; at last 502" in str(errors[-1])


def test_many_workers_do_not_make_it_a_storm(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, DOWN)
    errors = errors_of_reads(cloud.open(), 200, at_once=16)
    assert len(errors) == 200
    assert len(cloud.paths("GET")) <= 8 + 15


def test_exports_end_too_and_what_was_not_sent_was_not_carried_out(cloud: ScriptedCloud) -> None:
    cloud.script("POST", ACTION, DOWN)
    volumes = cloud.open().volumes
    kinds = []
    for _ in range(20):
        with pytest.raises(CloudUnavailable) as caught:
            volumes.export(export_request())
        kinds.append(type(caught.value))
    assert kinds == [LostAnswer] * 8 + [CloudUnavailable] * 12
    assert cloud.paths("POST").count(ACTION) == 8


def test_another_service_is_still_asked_what_became_of_it(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, DOWN)
    cloud.script("GET", IMAGE_PATH, json_answer(200, image_document()))
    opened = cloud.open()
    errors_of_reads(opened, 10)
    assert opened.images.get(IMAGE) is not None


def test_after_five_minutes_it_is_tried_again(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, *[DOWN] * 9, VOLUME_ANSWER)
    opened = cloud.open()
    errors_of_reads(opened, 3)
    cloud.clock.sleep(5 * MINUTES)
    assert len(errors_of_reads(opened, 5)) == 5
    assert len(cloud.paths("GET")) == 9
    cloud.clock.sleep(5 * MINUTES)
    assert errors_of_reads(opened, 5) == []


def test_failures_that_answers_come_between_do_not_add_up(cloud: ScriptedCloud) -> None:
    cloud.script("GET", VOLUME_PATH, *[DOWN, DOWN, DOWN, VOLUME_ANSWER] * 10)
    assert errors_of_reads(cloud.open(), 10) == []


def test_a_refusal_is_an_answer(cloud: ScriptedCloud) -> None:
    refused = json_answer(404, {"itemNotFound": {"message": "x"}})
    cloud.script("GET", VOLUME_PATH, *[DOWN, DOWN, DOWN, refused] * 10)
    opened = cloud.open()
    assert [opened.volumes.get(VOLUME) for _ in range(10)] == [None] * 10


def test_a_cloud_that_is_too_busy_for_anything_is_left_alone_as_well(cloud: ScriptedCloud) -> None:
    """The pauses double until the gate itself turns everything away."""
    cloud.script("GET", VOLUME_PATH, BUSY)
    errors = errors_of_reads(cloud.open(), 500)
    assert {type(error) for error in errors} == {Throttled}
    assert len(cloud.paths("GET")) <= 8


def test_exports_that_are_all_turned_away_are_sent_a_few_times_altogether(
    cloud: ScriptedCloud,
) -> None:
    cloud.script("POST", ACTION, Answer(429, b""))
    volumes = cloud.open().volumes
    for _ in range(100):
        with pytest.raises(Throttled):
            volumes.export(export_request())
    assert cloud.paths("POST").count(ACTION) <= 8
    cloud.clock.sleep(10 * MINUTES)
    cloud.script("POST", ACTION, json_answer(202, accepted()))
    assert volumes.export(export_request()).image_id == IMAGE


# --- outages alone


def error() -> CloudUnavailable:
    return CloudUnavailable("no answer")


def test_a_service_is_left_alone_after_two_minutes_of_waiting_however_few_were_sent() -> None:
    outages = Outages(StillClock())
    outages.failed(URL, error(), 61)
    outages.check(URL)
    outages.failed(URL, error(), 61)
    with pytest.raises(CloudUnavailable, match=r"^https://evs.example/v3: is down and left alone"):
        outages.check(URL)


def test_services_are_told_apart_by_host_and_first_step_of_the_path() -> None:
    outages = Outages(StillClock())
    for _ in range(8):
        outages.failed("http://cloud:80/volume/v3/p/a", error(), 0)
    with pytest.raises(CloudUnavailable):
        outages.check("http://cloud:80/volume/v3/p/b")
    for other in ("http://cloud:80/image/v2/images", "http://other:80/volume/v3/p/a"):
        outages.check(other)


def test_a_clock_that_is_set_back_does_not_make_the_wait_longer() -> None:
    class JumpingClock(StillClock):
        def jump(self, seconds: float) -> None:
            self._elapsed += seconds

    clock = JumpingClock()
    outages = Outages(clock)
    outages.failed(URL, error(), 120)
    assert clock.now() == NOW
    clock.jump(-60 * MINUTES)
    outages.check(URL)
