"""Events reach a bus and beats a watch; what does not arrive is said, counted, and tried again."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws_server import AwsSandbox
from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import DAY, DB, Site
from tests.support.report_samples import START, outcome, report, world_in
from volume_images.cli.exit_codes import ExitCode
from volume_images.cli.finishing import finish
from volume_images.clock import SystemClock
from volume_images.connections import Connections
from volume_images.dialect import Dialect
from volume_images.errors import RunFailed, StoreError
from volume_images.model import Requests, Tick
from volume_images.protocols import Store, World
from volume_images.publishing import publish
from volume_images.report import ExportResult, Freshness, FreshnessState, Function, Report
from volume_images.settings import Settings
from volume_images.telling.bus import EventBus
from volume_images.telling.events import Event, events, nothing_told
from volume_images.telling.listeners import TOLD_KEY, Listeners, Unsent, tell

BUS = "backup"
AT_ONCE = SystemClock().monotonic
DOUBT = Unsent(1, "event bus backup: InternalFailure")


def stale(*volume_ids: str) -> Report:
    entries = [
        Freshness(
            cloud="otc",
            policy="daily",
            volume_id=volume_id,
            state=FreshnessState.STALE,
            newest_slot=START - timedelta(days=3),
            stale=True,
        )
        for volume_id in volume_ids
    ]
    return report(Function.CLEANUP, freshness=entries)


@dataclass
class Heard:
    """Keeps what it is sent; `answers` are given in turn, then nothing is wrong."""

    answers: list[Unsent | None] = field(default_factory=list)
    kinds: list[list[str]] = field(default_factory=list)

    def send(self, sent: Any) -> Unsent | None:  # noqa: ANN401
        self.kinds.append([event.type.value for event in sent])
        return self.answers.pop(0) if self.answers else None

    @property
    def listeners(self) -> Listeners:
        return Listeners(send=self.send)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_in(tmp_path)


class TestTelling:
    def test_what_was_told_is_not_told_again(self, world: World) -> None:
        heard = Heard()
        assert tell(stale("v-1"), world, heard.listeners) is None
        assert tell(stale("v-1"), world, heard.listeners) is None
        assert heard.kinds == [
            [
                "Volume Image Run Finished",
                "Volume Became Stale",
                "Volume Image Weekly Digest",
            ],
            ["Volume Image Run Finished"],
        ]

    def test_what_did_not_arrive_is_told_by_the_next_cleanup(self, world: World) -> None:
        heard = Heard([DOUBT])
        assert tell(stale("v-1"), world, heard.listeners) == DOUBT
        assert world.store.state(TOLD_KEY) is None
        tell(stale("v-1"), world, heard.listeners)
        assert heard.kinds[0] == heard.kinds[1]

    def test_a_damaged_memory_tells_anew_and_is_replaced(self, world: World) -> None:
        heard = Heard()
        world.store.replace_state(TOLD_KEY, b"\xff", None)
        tell(stale("v-1"), world, heard.listeners)
        tell(stale("v-1"), world, heard.listeners)
        assert heard.kinds[0][1] == "Volume Became Stale"
        assert heard.kinds[1] == ["Volume Image Run Finished"]

    def test_a_store_that_cannot_be_read_is_no_reason_to_guess(self, world: World) -> None:
        heard = Heard()
        unsent = tell(stale("v-1"), without_states(world), heard.listeners)
        assert unsent == Unsent(1, f"{TOLD_KEY}: no answer")
        assert heard.kinds == []

    def test_a_memory_that_cannot_be_written_is_said(self, world: World) -> None:
        read_only = replace(world, store=ReadOnly(world.store))
        unsent = tell(stale("v-1"), read_only, Heard().listeners)
        assert unsent == Unsent(0, f"will be told again: {TOLD_KEY}: no room")

    def test_an_export_remembers_nothing(self, world: World) -> None:
        """It may not write what is cleanup's."""
        failed = outcome(ExportResult.FAILED)
        heard = Heard()
        tell(report(changed=[failed], outcomes=[failed]), world, heard.listeners)
        assert heard.kinds == [["Volume Image Run Finished", "Volume Image Failed"]]
        assert world.store.state(TOLD_KEY) is None

    def test_without_a_bus_nothing_is_read_or_written(self, world: World) -> None:
        assert tell(stale("v-1"), without_states(world), Listeners()) is None


@dataclass(frozen=True)
class ReadOnly:
    store: Store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.store, name)

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:  # noqa: ARG002
        raise StoreError(f"{key}: no room")


@dataclass(frozen=True)
class Unreadable:
    store: Store

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self.store, name)

    def state(self, key: str) -> None:
        raise StoreError(f"{key}: no answer")


def without_states(world: World) -> World:
    return replace(world, store=Unreadable(world.store))


class TestPublishing:
    def test_events_that_do_not_arrive_are_said_and_counted_and_make_no_run_red(
        self,
        world: World,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "cleanup")
        lost = Heard([Unsent(3, "no answer")])
        assert publish(stale("v-1"), world, Tick(), lost.listeners)["report"]
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        said = [line for line in lines if line.get("message") == "events.not_sent"]
        assert [(line["level"], line["events"], line["why"]) for line in said] == [
            ("WARNING", 3, "no answer")
        ]
        assert [line["EventsNotSent"] for line in lines if "_aws" in line] == [[3.0]]

    def test_a_red_run_is_told_before_it_is_raised(self, world: World) -> None:
        heard = Heard()
        with pytest.raises(RunFailed):
            publish(report(red=["every cloud failed"]), world, Tick(), heard.listeners)
        assert heard.kinds == [["Volume Image Run Finished"]]

    def test_a_dry_run_is_told_to_nobody(self, world: World) -> None:
        heard, beats = Heard(), list[str]()
        listeners = replace(heard.listeners, beat=lambda: beats.append("beat") or "")
        publish(report(dry_run=True), world, Tick(), listeners)
        assert (heard.kinds, beats) == ([], [])


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsSandbox]:
    with AwsSandbox() as aws:
        yield aws


@dataclass(frozen=True)
class Bus:
    """A bus in the sandbox, and a queue that gets everything that is put on it."""

    client: Any
    aws: AwsSandbox
    queue: str

    def received(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while messages := self.aws.sqs.receive_message(
            QueueUrl=self.queue, MaxNumberOfMessages=10
        ).get("Messages", []):
            for message in messages:
                found.append(json.loads(message["Body"]))
                self.aws.sqs.delete_message(
                    QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"]
                )
        return found


@contextmanager
def bus_of(aws: AwsSandbox) -> Iterator[Bus]:
    client = boto3.client(
        "events",
        endpoint_url=aws.url,
        region_name=aws.region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )
    queue = aws.sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = f"arn:aws:sqs:{aws.region}:{aws.account_id}:heard"
    client.create_event_bus(Name=BUS)
    client.put_rule(
        Name="all", EventBusName=BUS, EventPattern=json.dumps({"source": ["volume-images"]})
    )
    client.put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "queue", "Arn": arn}])
    yield Bus(client, aws, queue)
    client.close()


@pytest.fixture(scope="module")
def bus(aws: AwsSandbox) -> Iterator[Bus]:
    with bus_of(aws) as bus:
        yield bus


class TestBus:
    def test_an_event_arrives_as_it_is_documented(self, bus: Bus) -> None:
        told = events(stale("v-1"), nothing_told("0123456789ab"))
        deployment = "111122223333/eu-central-1/volume-images"
        ours = EventBus(lambda: bus.client, BUS, deployment, AT_ONCE)
        assert ours.send(told) is None
        received = {event["detail-type"]: event for event in bus.received()}
        assert set(received) == {event.type.value for event in told}
        one = received["Volume Became Stale"]
        assert one["source"] == "volume-images"
        assert one["resources"] == ["111122223333/eu-central-1/volume-images"]
        assert one["time"].startswith("2026-03-02T02:05:07")
        assert one["detail"] == told[1].detail

    def test_events_go_ten_at_a_time(self, bus: Bus) -> None:
        told = events(stale(*(f"v-{number}" for number in range(60))), nothing_told("0123456789ab"))
        assert EventBus(lambda: bus.client, BUS, "test", AT_ONCE).send(told) is None
        assert len(bus.received()) == len(told) == 52

    def test_entries_that_were_not_taken_are_counted(self) -> None:
        client = Answering([{"Entries": [{"EventId": "1"}, {"ErrorCode": "InternalFailure"}]}])
        told = events(stale("v-1"), nothing_told("0123456789ab"))
        assert EventBus(lambda: client, BUS, "test", AT_ONCE).send(told) == DOUBT

    def test_after_a_call_that_failed_no_other_is_tried(self) -> None:
        """A run has seconds left, and a bus that denies one call denies all."""
        denied = ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "PutEvents")
        taken: dict[str, Any] = {"Entries": [{"EventId": "1"}] * 10}
        client = Answering([taken, denied])
        told = events(stale(*map(str, range(40))), nothing_told("0123456789ab"))
        unsent = EventBus(lambda: client, BUS, "test", AT_ONCE).send(told)
        assert unsent is not None
        assert unsent.events == len(told) - 10
        assert "AccessDenied" in unsent.why
        assert client.answers == []

    def test_a_bus_that_is_slow_does_not_take_the_run_over_its_time(self) -> None:
        taken: dict[str, Any] = {"Entries": [{"EventId": "1"}] * 10}
        client = Answering([taken] * 4)
        ticking = iter(range(0, 1000, 3))
        told = events(stale(*map(str, range(60))), nothing_told("0123456789ab"))
        unsent = EventBus(lambda: client, BUS, "test", lambda: next(ticking)).send(told)
        why = f"event bus {BUS}: took longer than 8 seconds"
        assert (unsent, len(told)) == (Unsent(22, why), 52)
        assert len(client.answers) == 1


@dataclass
class Answering:
    """A client that gives these answers, or raises them, and has no more."""

    answers: list[Any]

    def put_events(self, *, Entries: Any) -> Any:  # noqa: ANN401, N803
        assert len(Entries) <= 10
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.fixture(scope="module")
def stack() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=1) as stack:
        yield stack


def test_a_volume_that_becomes_stale_in_a_cloud_is_heard_of_on_the_bus(
    stack: SandboxStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From a real run, by the client that bootstrap makes, and only once."""
    for name, value in stack.env.items():
        monkeypatch.setenv(name, value)
    site = Site.at_rest(stack)
    settings = Settings.parse({**stack.env, "VOLUME_IMAGES_EVENT_BUS": BUS})
    connections = Connections()

    def run() -> None:
        publish(site.clean(), site.world(), Tick(), connections.listeners(settings))

    with bus_of(stack.aws) as bus:
        site.plant(29)
        run()
        site.let_pass(2 * DAY)
        run()
        run()
        received = bus.received()
    became = [event for event in received if event["detail-type"] == "Volume Became Stale"]
    assert [event["detail"]["volume_id"] for event in became] == [DB]
    assert became[0]["resources"] == ["sandbox"]
    assert became[0]["detail"]["report"].startswith(f"s3://{stack.state_bucket}/reports/cleanup/")
    finished = [one for one in received if one["detail-type"] == "Volume Image Run Finished"]
    assert len(finished) == 3
    connections.events.close()
    connections.s3.close()


class Watch(ThreadingHTTPServer):
    """Hears beats, and answers them with a status."""

    daemon_threads = True

    def __init__(self, status: int = 200) -> None:
        self.status = status
        self.paths: list[str] = []
        super().__init__(("127.0.0.1", 0), _WatchHandler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/ping/5f0c1a9e"


class _WatchHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        assert isinstance(self.server, Watch)
        self.server.paths.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Location", f"{self.server.url}/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def watch_that_answers(status: int = 200) -> Iterator[Watch]:
    with Watch(status) as watch:
        thread = threading.Thread(target=watch.serve_forever, args=[0.02])
        thread.start()
        yield watch
        watch.shutdown()
        thread.join()


Listening = Callable[[str], Listeners]


def watched_by(url: str) -> Settings:
    return Settings.parse(
        {
            "VOLUME_IMAGES_CONFIG": "config.yaml",
            "VOLUME_IMAGES_STORE": "store",
            "VOLUME_IMAGES_DEPLOYMENT": "test",
            "VOLUME_IMAGES_HEARTBEAT_URL": url,
        }
    )


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Listening:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return lambda url: Connections().listeners(watched_by(url))


class TestHeartbeat:
    def test_it_beats_after_each_run_that_ended_well(
        self, world: World, listening: Listening
    ) -> None:
        with watch_that_answers() as watch:
            publish(report(), world, Tick(), listening(watch.url))
            assert watch.paths == ["/ping/5f0c1a9e"]

    def test_it_beats_for_a_run_from_cron_too(
        self, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        with watch_that_answers() as watch:
            code = finish(report(), world, Tick(), watched_by(watch.url), as_json=True)
            assert watch.paths == ["/ping/5f0c1a9e"]
        assert code == ExitCode.FINE
        assert json.loads(capsys.readouterr().out)["run_id"] == report().run_id

    def test_it_does_not_beat_for_a_red_run_nor_for_a_request(
        self, world: World, listening: Listening
    ) -> None:
        """A request proves nothing about the schedule."""
        with watch_that_answers() as watch:
            with pytest.raises(RunFailed):
                publish(report(red=["no cloud"]), world, Tick(), listening(watch.url))
            publish(report(), world, Requests(requests=()), listening(watch.url))
            assert watch.paths == []

    @pytest.mark.parametrize("status", [302, 404, 500])
    def test_an_answer_that_is_none_is_said_and_fails_nothing(
        self, world: World, listening: Listening, capsys: pytest.CaptureFixture[str], status: int
    ) -> None:
        """No redirect is followed either: it could leave https."""
        with watch_that_answers(status) as watch:
            assert publish(report(), world, Tick(), listening(watch.url))["counts"]
            assert watch.paths == ["/ping/5f0c1a9e"]
        err = capsys.readouterr().err
        lines = [json.loads(line) for line in err.splitlines()]
        said = [line["why"] for line in lines if line["message"] == "heartbeat.not_sent"]
        assert said == [f"heartbeat at 127.0.0.1: answers {status}"]
        assert "5f0c1a9e/" not in err
        assert "/ping" not in err

    def test_a_watch_that_is_not_there_is_said_and_fails_nothing(
        self, world: World, listening: Listening, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with watch_that_answers() as watch:
            url = watch.url
        publish(report(), world, Tick(), listening(url))
        assert "heartbeat.not_sent" in capsys.readouterr().err


def test_events_of_one_run_are_in_the_order_of_its_report(world: World) -> None:
    told: list[Event] = []
    tell(stale("v-2", "v-1"), world, Listeners(send=told.extend))
    became = [event for event in told if "volume_id" in event.detail]
    assert [event.detail["volume_id"] for event in became] == ["v-2", "v-1"]
