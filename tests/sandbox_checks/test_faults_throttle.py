"""Throttling by token bucket: what is let through, in which words the rest is refused."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import requests

from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.faults import Overload, Service, Throttle
from tests.sandbox.token_bucket import TokenBucket
from tests.sandbox_checks.conftest import Api
from volume_images.dialect import Dialect

VOLUMES = "/volume/v3/{pid}/volumes/detail"
IMAGES = "/image/v2/images"


@pytest.fixture(scope="module")
def still_cloud() -> Iterator[CloudSandbox]:
    """Start a cloud whose clock stands still until it is moved."""
    with CloudSandbox(dialect=Dialect.OPENSTACK, running=lambda: 0.0) as cloud:
        yield cloud


@pytest.fixture
def api(still_cloud: CloudSandbox, connect: Callable[..., Api]) -> Api:
    still_cloud.reset()
    return connect(still_cloud)


def statuses(api: Api, times: int, path: str = VOLUMES) -> list[int]:
    return [api("GET", path).status_code for _ in range(times)]


def test_a_burst_is_let_through_and_then_so_many_a_second(api: Api) -> None:
    with api.cloud.failing(Throttle(rate=10, burst=3)):
        assert statuses(api, 5) == [200, 200, 200, 429, 429]
        api.cloud.clock.advance(timedelta(seconds=0.2))
        assert statuses(api, 3) == [200, 200, 429]
        api.cloud.clock.advance(timedelta(days=1))
        assert statuses(api, 4) == [200, 200, 200, 429]
    assert statuses(api, 2) == [200, 200]


def test_a_bucket_stands_for_what_its_rule_matches_alone(api: Api) -> None:
    with api.cloud.failing(Throttle(service=Service.VOLUME, rate=1)):
        assert statuses(api, 2, IMAGES) == [200, 200]
        assert statuses(api, 2) == [200, 429]


def test_what_is_refused_is_recorded_and_not_worked_on(api: Api) -> None:
    with api.cloud.failing(Throttle(rate=1, method="POST")):
        assert [api.export().status_code for _ in range(2)] == [202, 429]
    assert [seen.status for seen in api.cloud.requests[-2:]] == [202, 429]
    assert len(api.cloud.world.exports) == 1


def refused(api: Api, says: Overload, retry_after: float | None = None) -> requests.Response:
    with api.cloud.failing(Throttle(rate=1, says=says, retry_after=retry_after)):
        api("GET", VOLUMES)
        return api("GET", VOLUMES)


def test_the_gateway_says_429_with_its_code_and_no_time(api: Api) -> None:
    answer = refused(api, Overload.GATEWAY)
    assert answer.status_code == 429
    assert "Retry-After" not in answer.headers
    assert answer.json()["error_code"] == "APIGW.0308"
    assert answer.json()["error_msg"] == (
        "The throttling threshold has been reached: policy user over ratelimit,limit:1,"
        "time:1 second"
    )


def test_the_image_service_says_400_with_its_code(api: Api) -> None:
    answer = refused(api, Overload.IMS)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "IMG.0060")


def test_cinder_says_413_with_the_time_in_body_and_header(api: Api) -> None:
    answer = refused(api, Overload.OVER_LIMIT, retry_after=2.5)
    assert (answer.status_code, answer.headers["Retry-After"]) == (413, "3")
    assert answer.json()["overLimit"]["retryAfter"] == "3"
    assert "retryAfter" not in refused(api, Overload.OVER_LIMIT).json()["overLimit"]


@pytest.mark.parametrize("says", [Overload.TOO_MANY, Overload.UNAVAILABLE])
def test_a_proxy_sends_a_page_with_or_without_a_time(api: Api, says: Overload) -> None:
    timed, untimed = refused(api, says, retry_after=7), refused(api, says)
    assert str(timed.status_code) == says
    assert timed.headers["Retry-After"] == "7"
    assert "Retry-After" not in untimed.headers
    assert untimed.text.startswith("<html>")


def test_a_bucket_gains_nothing_from_a_clock_that_is_set_back() -> None:
    seconds = [100.0]
    bucket = TokenBucket(rate=1, burst=1, monotonic=lambda: seconds[0])
    assert bucket.take()
    seconds[0] = 50.0
    assert not bucket.take()
    seconds[0] = 51.0
    assert bucket.take()


def test_an_even_pace_at_the_rate_is_never_refused() -> None:
    seconds = [0.0]
    bucket = TokenBucket(rate=10, burst=1, monotonic=lambda: seconds[0])
    refused = 0
    for tick in range(1_500):
        seconds[0] = tick / 10
        refused += not bucket.take()
    assert refused == 0
