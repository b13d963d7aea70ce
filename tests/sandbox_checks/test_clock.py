"""The sandbox's clock: where it starts, how it is moved, and the `Date` of every answer."""

import email.utils
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.sandbox.clock import START
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.seeds import plant_foreign_images


def test_it_starts_in_the_night_that_the_events_name_and_runs_on(cloud: CloudSandbox) -> None:
    first, second = cloud.clock.now(), cloud.clock.now()
    assert START <= first < second < START + timedelta(minutes=1)
    told = requests.get(cloud.clock_url, timeout=5).json()["now"]
    assert told.startswith("2026-03-02T02:05:")
    assert told.endswith("Z")


def test_it_is_moved_over_http(cloud: CloudSandbox) -> None:
    requests.post(cloud.clock_url, json={"advance_seconds": 86400}, timeout=5)
    assert cloud.clock.now() >= START + timedelta(days=1)
    told = requests.post(cloud.clock_url, json={"now": "2027-01-01T00:00:00Z"}, timeout=5)
    assert told.json()["now"].startswith("2027-01-01T00:00:0")
    assert cloud.clock.now() >= datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"now": "noon"}', b'{"advance_seconds": "1"}'])
def test_a_wrong_move_is_400_and_moves_nothing(cloud: CloudSandbox, body: bytes) -> None:
    assert requests.post(cloud.clock_url, data=body, timeout=5).status_code == 400
    assert cloud.clock.now() < START + timedelta(minutes=1)


def test_it_dates_every_answer(cloud: CloudSandbox) -> None:
    cloud.clock.set(datetime(2030, 5, 6, 7, 8, tzinfo=UTC))
    answer = requests.get(f"{cloud.url}/image/v2/images", timeout=5)
    date = email.utils.parsedate_to_datetime(answer.headers["Date"])
    assert date - datetime(2030, 5, 6, 7, 8, tzinfo=UTC) < timedelta(minutes=1)


def test_requests_are_recorded_but_not_those_to_the_clock(cloud: CloudSandbox) -> None:
    requests.get(cloud.clock_url, timeout=5)
    requests.get(f"{cloud.url}/image/v2/images?limit=1", timeout=5)
    assert cloud.requests == [("GET", "/image/v2/images", 401)]


def test_answers_take_the_latency_and_connections_stay(cloud: CloudSandbox) -> None:
    cloud.latency_ms = 1
    with requests.Session() as session:
        answers = [session.get(f"{cloud.url}/identity/v3", timeout=5) for _ in range(3)]
    assert {answer.raw.version for answer in answers} == {11}
    assert not any("close" in answer.headers.get("Connection", "") for answer in answers)


def test_foreign_images_are_there_from_the_start_on_wish(cloud: CloudSandbox) -> None:
    plant_foreign_images(cloud.world)
    images = cloud.world.images.values()
    assert any(image.owner != cloud.project_id for image in images)
    assert any(image.protected for image in images)
    assert any(tag.startswith("vi-pin") for image in images for tag in image.tags)
    assert sum(image.name.startswith("acme-demo_daily_") for image in images) == 6
