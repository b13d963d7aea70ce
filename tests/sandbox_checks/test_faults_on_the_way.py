"""What happens to requests and answers on the way, as a plain HTTP client sees it."""

import email.utils
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import requests

from tests.sandbox.clock import START
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.faults import (
    Answered,
    BadTokens,
    Body,
    Fault,
    Faults,
    Latency,
    Lost,
    Refused,
    Reset,
    Service,
    SlowBody,
    TokenEnd,
    TruncatedBody,
)
from tests.sandbox_checks.conftest import Api
from volume_images.dialect import Dialect

VOLUMES = "/volume/v3/{pid}/volumes/detail"
IMAGES = "/image/v2/images"


class Waits:
    """Waits by moving a clock that stands still otherwise."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def running(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


@pytest.fixture(scope="module")
def waits() -> Waits:
    return Waits()


@pytest.fixture(scope="module")
def shared_cloud(waits: Waits) -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.OPENSTACK, running=waits.running, sleep=waits.sleep) as cloud:
        yield cloud


@pytest.fixture
def api(shared_cloud: CloudSandbox, connect: Callable[..., Api]) -> Api:
    shared_cloud.reset()
    return connect(shared_cloud)


def statuses(api: Api, times: int, path: str = VOLUMES) -> list[int]:
    return [api("GET", path).status_code for _ in range(times)]


def rejecting(**chosen: object) -> Fault:
    return Answered(status=500, **chosen)  # type: ignore[arg-type]


def test_a_rule_strikes_by_service_method_and_path(api: Api) -> None:
    with api.cloud.failing(rejecting(service=Service.IMAGE)):
        assert (statuses(api, 1), statuses(api, 1, IMAGES)) == ([200], [500])
    with api.cloud.failing(rejecting(method="POST")):
        assert (statuses(api, 1), api.export().status_code) == ([200], 500)
    with api.cloud.failing(rejecting(path="/volume/*/volumes/detail")):
        assert (statuses(api, 1), statuses(api, 1, IMAGES)) == ([500], [200])


def test_a_rule_strikes_the_first_ones_every_nth_one_or_exactly_one(api: Api) -> None:
    with api.cloud.failing(rejecting(first=2)):
        assert statuses(api, 4) == [500, 500, 200, 200]
    with api.cloud.failing(rejecting(every=2)):
        assert statuses(api, 5) == [200, 500, 200, 500, 200]
    with api.cloud.failing(rejecting(skip=2, first=1)):
        assert statuses(api, 5) == [200, 200, 500, 200, 200]
    with api.cloud.failing(rejecting(every=2, first=3)):
        assert statuses(api, 5) == [200, 500, 200, 200, 200]


def test_what_is_random_is_the_same_for_the_same_seed(api: Api) -> None:
    def struck(seed: int) -> list[int]:
        with api.cloud.failing(rejecting(probability=0.5), seed=seed):
            return statuses(api, 20)

    assert struck(1) == struck(1)
    assert struck(1) != struck(2)
    assert {200, 500} == set(struck(1))


def test_a_rule_holds_while_the_sandboxs_clock_stands_in_its_time(api: Api) -> None:
    hour = timedelta(hours=1)
    with api.cloud.failing(rejecting(since=START + hour, until=START + 2 * hour)):
        before = statuses(api, 1)
        api.cloud.clock.set(START + hour)
        during = statuses(api, 1)
        api.cloud.clock.set(START + 2 * hour)
        assert (before, during, statuses(api, 1)) == ([200], [500], [200])


def test_a_rule_that_answers_ends_a_request_and_later_ones_do_not_count_it(api: Api) -> None:
    with api.cloud.failing(Answered(status=500, first=1), Answered(status=502, first=1)):
        assert statuses(api, 3) == [500, 502, 200]


def test_new_faults_count_anew_and_those_before_go_on_where_they_were(api: Api) -> None:
    with api.cloud.failing(rejecting(first=2)):
        assert statuses(api, 1) == [500]
        with api.cloud.failing():
            assert statuses(api, 1) == [200]
        assert statuses(api, 2) == [500, 200]


def test_latency_passes_before_the_work(api: Api, waits: Waits) -> None:
    before = waits.seconds
    with api.cloud.failing(Latency(seconds=3)):
        date = api("GET", VOLUMES).headers["Date"]
    assert waits.seconds - before == 3
    assert email.utils.parsedate_to_datetime(date) == api.cloud.clock.now().replace(microsecond=0)


def test_a_cloud_that_stops_does_not_wait_for_its_slow_answers() -> None:
    began = time.monotonic()
    with (
        CloudSandbox(dialect=Dialect.OPENSTACK) as cloud,
        cloud.failing(Latency(seconds=600)),
        pytest.raises(requests.ReadTimeout),
    ):
        requests.get(cloud.auth_url, timeout=0.05)
    assert time.monotonic() - began < 60


def test_latency_spreads_by_the_seed(api: Api, waits: Waits) -> None:
    def waited(seed: int) -> list[float]:
        taken = []
        with api.cloud.failing(Latency(seconds=1, spread=2), seed=seed):
            for _ in range(3):
                before = waits.seconds
                api("GET", VOLUMES)
                taken.append(round(waits.seconds - before, 6))
        return taken

    assert waited(1) == waited(1)
    assert all(1 <= seconds <= 3 for seconds in waited(1))
    assert len(set(waited(1))) == 3


def test_a_reset_connection_has_had_no_work_done(api: Api) -> None:
    with (
        api.cloud.failing(Reset()),
        pytest.raises(requests.ConnectionError, match="reset by peer"),
    ):
        api.export()
    assert api.cloud.world.exports == []
    assert statuses(api, 1) == [200]


@pytest.mark.parametrize(
    ("lost", "said"),
    [(Lost(), "reset by peer"), (Lost(reset=False), "closed connection without response")],
)
def test_an_answer_is_lost_after_the_work(api: Api, lost: Lost, said: str) -> None:
    with api.cloud.failing(lost), pytest.raises(requests.ConnectionError, match=said):
        api.export()
    assert len(api.cloud.world.exports) == 1


def test_an_answer_may_be_lost_after_a_long_wait(api: Api, waits: Waits) -> None:
    before = waits.seconds
    with api.cloud.failing(Lost(wait=60)), pytest.raises(requests.ConnectionError):
        api.export()
    assert waits.seconds - before == 60


def test_refused_connections_are_refused_and_open_ones_end(api: Api) -> None:
    assert statuses(api, 1) == [200]
    with api.cloud.failing(Refused()):
        with pytest.raises(requests.ConnectionError):
            api("GET", VOLUMES)
        with pytest.raises(requests.ConnectionError, match="refused"):
            requests.get(api.cloud.url, timeout=5)
        assert requests.get(api.cloud.clock_url, timeout=5).status_code == 200
    assert statuses(api, 1) == [200]


def test_a_cloud_may_refuse_from_its_start_to_its_end() -> None:
    before = set(threading.enumerate())
    cloud = CloudSandbox(dialect=Dialect.OPENSTACK)
    cloud.faults = Faults(rules=(Refused(),))
    with cloud, pytest.raises(requests.ConnectionError, match="refused"):
        requests.get(cloud.url, timeout=5)
    assert set(threading.enumerate()) <= before


def test_something_else_answers_with_a_page_before_the_work(api: Api) -> None:
    with api.cloud.failing(Answered(status=503, retry_after=5)):
        answer = api.export()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert answer.text.startswith("<html>")
    assert api.cloud.world.exports == []


def test_a_gateway_gives_up_after_the_work(api: Api) -> None:
    with api.cloud.failing(Answered(status=504, worked=True)):
        assert api.export().status_code == 504
    assert len(api.cloud.world.exports) == 1
    assert api.cloud.requests[-1].status == 202


@pytest.mark.parametrize(
    ("body", "kind", "begins"),
    [(Body.HTML, "text/html", "<html>"), (Body.JSON, "application/json", '{"error"')],
)
def test_a_success_may_be_a_body_that_is_not_the_services(
    api: Api, body: Body, kind: str, begins: str
) -> None:
    with api.cloud.failing(Answered(status=200, body=body)):
        answer = api("GET", VOLUMES)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith(kind)
    assert answer.text.startswith(begins)


def test_a_body_may_be_empty(api: Api) -> None:
    with api.cloud.failing(Answered(status=502, body=Body.EMPTY)):
        assert (api("GET", VOLUMES).status_code, api("GET", VOLUMES).text) == (502, "")


def test_a_slow_body_arrives_whole_in_pieces(api: Api, waits: Waits) -> None:
    whole, before = api("GET", VOLUMES).text, waits.seconds
    with api.cloud.failing(SlowBody(seconds=20, pieces=4)):
        assert api("GET", VOLUMES).text == whole
    assert waits.seconds - before == 20


def test_a_truncated_body_ends_with_its_connection(api: Api) -> None:
    with (
        api.cloud.failing(TruncatedBody(keep=0.5)),
        pytest.raises(requests.exceptions.ChunkedEncodingError, match="IncompleteRead"),
    ):
        api("GET", VOLUMES)
    assert statuses(api, 1) == [200]


def test_a_body_may_be_cut_where_no_header_tells(api: Api) -> None:
    whole = api("GET", VOLUMES).content
    with api.cloud.failing(TruncatedBody(keep=0.25, unnoticed=True)):
        assert api("GET", VOLUMES).content == whole[: len(whole) // 4]


@pytest.mark.parametrize("end", list(TokenEnd))
def test_tokens_go_bad_in_mid_run_and_new_ones_are_good(
    api: Api, connect: Callable[..., Api], end: TokenEnd
) -> None:
    with api.cloud.failing(BadTokens(are=end, skip=2, first=1)):
        assert statuses(api, 4) == [200, 200, 401, 401]
        assert statuses(connect(api.cloud), 1) == [200]


@pytest.mark.parametrize(
    ("end", "code"), [(TokenEnd.EXPIRED, "APIGW.0307"), (TokenEnd.REVOKED, "APIGW.0301")]
)
def test_the_gateway_tells_an_expired_token_from_an_unknown_one(
    huawei_cloud: CloudSandbox, connect: Callable[..., Api], end: TokenEnd, code: str
) -> None:
    api = connect(huawei_cloud)
    with huawei_cloud.failing(BadTokens(are=end)):
        assert api("GET", VOLUMES).json()["error_code"] == code
