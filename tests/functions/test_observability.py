"""What a run shows: its report, its log lines, its metrics, and what its invoker gets back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.support.report_samples import START, outcome, report, world_in
from volume_images.errors import ConfigError, NoConfigYet, Problem, RunFailed, StoreError
from volume_images.metrics import METRICS, Gauge
from volume_images.model import Requests, Tick
from volume_images.protocols import World
from volume_images.publishing import publish, reported
from volume_images.recognition import FOREIGN
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    ExportResult,
    Freshness,
    FreshnessState,
    Function,
    ImageResult,
)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_in(tmp_path)


@dataclass(frozen=True)
class Printed:
    """What came out: EMF blobs by their dimensions, log lines, and what is neither."""

    metrics: Mapping[tuple[tuple[str, str], ...], Mapping[str, float]] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)


@pytest.fixture
def printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[[], Printed]:
    """Run as in Lambda, and return a reader of what was printed on standard output since."""
    monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "export")

    def read() -> Printed:
        lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        metrics = {}
        for blob in (line for line in lines if "_aws" in line):
            [definition] = blob["_aws"]["CloudWatchMetrics"]
            assert definition["Namespace"] == "VolumeImages"
            [names] = definition["Dimensions"]
            key = tuple((name, blob[name]) for name in sorted(names))
            assert key not in metrics
            metrics[key] = {
                metric["Name"]: sum(blob[metric["Name"]]) for metric in definition["Metrics"]
            }
        return Printed(metrics, [line for line in lines if "_aws" not in line])

    return read


EXPORTS = (("service", "export_volumes"),)
CLEANUPS = (("service", "cleanup_images"),)


class TestMetrics:
    def test_every_metric_of_the_function_is_there_zeros_too(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        outcomes = [
            outcome(ExportResult.STARTED),
            outcome(ExportResult.STARTED),
            outcome(ExportResult.FAILED),
        ]
        gauges = {Gauge.EXPORTS_IN_FLIGHT: 4, Gauge.IMAGES_STUCK: 1}
        publish(report(outcomes=outcomes, gauges=gauges), world, Tick())
        assert printed().metrics == {
            EXPORTS: {
                "RunsFinished": 1,
                "RunsRed": 0,
                "RunSeconds": 7.5,
                "CloudsUnavailable": 0,
                "ConfigUnreadable": 0,
                "EventsNotSent": 0,
                "ExportsStarted": 2,
                "ExportsDone": 0,
                "ExportsDeferred": 0,
                "ExportsRefused": 0,
                "ExportsFailed": 1,
                "ExportsUnknown": 0,
                "ExportsMissed": 0,
                "ExportsInFlight": 4,
                "ImagesStuck": 1,
                "ImagesUnmarked": 0,
                "RequestsWaiting": 0,
            }
        }

    def test_a_cleanup_counts_images_and_volumes(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        """A volume under two policies is one volume, and stale if it is so under one of them."""

        def entry(volume: str, state: FreshnessState, *, stale: bool, policy: str) -> Freshness:
            return Freshness(
                cloud="otc",
                policy=policy,
                volume_id=volume,
                state=state,
                newest_slot=None,
                stale=stale,
            )

        told = report(
            Function.CLEANUP,
            outcomes=[outcome(ImageResult.KEPT), outcome(ImageResult.NOT_DELETED)],
            safety_stops=["lab: the policy keeps nothing"],
            freshness=[
                entry("v-1", FreshnessState.FRESH, stale=False, policy="daily"),
                entry("v-1", FreshnessState.STALE, stale=True, policy="weekly"),
                entry("v-2", FreshnessState.NEVER_EXPORTED, stale=False, policy="daily"),
                entry("v-3", FreshnessState.NEVER_EXPORTED, stale=True, policy="daily"),
                entry("v-4", FreshnessState.FRESH, stale=False, policy="daily"),
            ],
        )
        publish(told, world, Tick())
        assert printed().metrics == {
            CLEANUPS: {
                "RunsFinished": 1,
                "RunsRed": 0,
                "RunSeconds": 7.5,
                "CloudsUnavailable": 0,
                "ConfigUnreadable": 0,
                "EventsNotSent": 0,
                "VolumesFresh": 1,
                "VolumesStale": 2,
                "VolumesNeverExported": 2,
                "VolumesProtected": 25,
                "ImagesKept": 1,
                "ImagesAnnounced": 0,
                "ImagesNewlyAnnounced": 0,
                "AnnouncementsLapsed": 0,
                "SafetyStops": 1,
                "ImagesDeleted": 0,
                "ImagesGone": 0,
                "ImagesChanged": 0,
                "ImagesNotDeleted": 1,
                "ImagesUnknown": 0,
                "ImagesForeign": 0,
            }
        }

    def test_the_worst_off_volume_and_the_fullest_quota_are_told(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        ended = START + timedelta(seconds=7.5)
        slots = [ended - timedelta(hours=3), ended - timedelta(hours=50), None]
        entries = [
            Freshness(
                cloud="otc",
                policy="daily",
                volume_id=f"v-{number}",
                state=FreshnessState.FRESH,
                newest_slot=slot,
                stale=False,
            )
            for number, slot in enumerate(slots)
        ]
        told = report(Function.CLEANUP, freshness=entries, gauges={Gauge.IMAGE_QUOTA_USED: 81})
        publish(told, world, Tick())
        metrics = printed().metrics[CLEANUPS]
        assert metrics["OldestImageAge"] == 50
        assert metrics["ImageQuotaUsed"] == 81
        assert metrics["VolumesProtected"] == 100

    def test_what_a_run_cannot_know_it_does_not_publish(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        """Zero percent protected, for want of volumes, would be an alarm about nothing."""
        publish(report(Function.CLEANUP), world, Tick())
        unknown = {"VolumesProtected", "OldestImageAge", "ImageQuotaUsed"}
        assert not unknown & printed().metrics[CLEANUPS].keys()

    def test_images_of_another_deployment_and_new_announcements_are_counted_apart(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        foreign = replace(outcome(ImageResult.UNKNOWN), reason=f"unknown: {FOREIGN} 0a1b2c3d4e5f")
        new = outcome(ImageResult.ANNOUNCED)
        told = report(
            Function.CLEANUP,
            outcomes=[foreign, outcome(ImageResult.UNKNOWN), new, outcome(ImageResult.ANNOUNCED)],
            changed=[new],
        )
        publish(told, world, Tick())
        metrics = printed().metrics[CLEANUPS]
        assert (metrics["ImagesUnknown"], metrics["ImagesForeign"]) == (2, 1)
        assert (metrics["ImagesAnnounced"], metrics["ImagesNewlyAnnounced"]) == (2, 1)

    def test_details_are_by_cloud_and_by_policy_and_never_crossed(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        told = report(
            outcomes=[outcome(ExportResult.FAILED), outcome(ExportResult.FAILED, cloud="lab")],
            in_flight={("otc", "daily"): 3, ("lab", "weekly"): 1, ("otc", "dropped"): 1},
        )
        publish(told, world, Tick(), detailed_metrics=True)
        metrics = dict(printed().metrics)
        del metrics[EXPORTS]
        assert metrics == {
            (("cloud", "otc"), *EXPORTS): {"ExportsFailed": 1, "ExportsInFlight": 4},
            (("cloud", "lab"), *EXPORTS): {"ExportsFailed": 1, "ExportsInFlight": 1},
            (("policy", "daily"), *EXPORTS): {"ExportsFailed": 2, "ExportsInFlight": 3},
            (("policy", "weekly"), *EXPORTS): {"ExportsFailed": 0, "ExportsInFlight": 1},
        }

    def test_a_cleanup_details_what_is_stale_and_announced(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        told = report(
            Function.CLEANUP,
            outcomes=[outcome(ImageResult.ANNOUNCED), outcome(ImageResult.KEPT)],
            freshness=[
                Freshness(
                    cloud="lab",
                    policy="weekly",
                    volume_id="v-1",
                    state=FreshnessState.STALE,
                    newest_slot=START,
                    stale=True,
                )
            ],
        )
        publish(told, world, Tick(), detailed_metrics=True)
        metrics = printed().metrics
        assert metrics[("cloud", "otc"), *CLEANUPS] == {"VolumesStale": 0, "ImagesAnnounced": 1}
        assert metrics[("cloud", "lab"), *CLEANUPS] == {"VolumesStale": 1, "ImagesAnnounced": 0}
        assert metrics[("policy", "weekly"), *CLEANUPS] == {"VolumesStale": 1, "ImagesAnnounced": 0}

    def test_too_many_details_are_refused_and_the_log_says_so(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        policies = {f"p-{number}": world.config.policies["daily"] for number in range(49)}
        many = replace(world, config=world.config.model_copy(update={"policies": policies}))
        publish(report(), many, Tick(), detailed_metrics=True)
        seen = printed()
        assert list(seen.metrics) == [EXPORTS]
        [refused] = [line for line in seen.logs if line["message"] == "metrics.detailed_refused"]
        assert (refused["values"], refused["limit"]) == (51, 50)

    def test_a_run_that_served_no_cloud_publishes_no_levels(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        """Their zeros would calm the very alarms that should ring."""
        down = [CloudOutcome(cloud="otc", result=CloudResult.UNAVAILABLE, reason="timeout")]
        told = report(Function.CLEANUP, clouds=down, red=["every cloud failed"])
        with pytest.raises(RunFailed):
            publish(told, world, Tick(), detailed_metrics=True)
        metrics = printed().metrics
        assert list(metrics) == [CLEANUPS]
        assert metrics[CLEANUPS] == {
            "RunsFinished": 1,
            "RunsRed": 1,
            "RunSeconds": 7.5,
            "CloudsUnavailable": 1,
            "ConfigUnreadable": 0,
            "EventsNotSent": 0,
            "ImagesNewlyAnnounced": 0,
            "SafetyStops": 0,
            "ImagesDeleted": 0,
            "ImagesGone": 0,
            "ImagesChanged": 0,
            "ImagesNotDeleted": 0,
        }

    def test_each_has_a_name_of_its_own_and_a_meaning(self) -> None:
        for metrics in METRICS.values():
            names = [metric.name for metric in metrics]
            assert len(set(names)) == len(names)
            assert all(metric.meaning for metric in metrics)

    def test_every_result_is_counted(self) -> None:
        exports = {metric.name for metric in METRICS[Function.EXPORT]}
        assert {f"Exports{result.title()}" for result in ExportResult} <= exports
        images = {metric.name for metric in METRICS[Function.CLEANUP]}
        assert {f"Images{result.title().replace('_', '')}" for result in ImageResult} <= images


class TestLogs:
    def test_one_line_for_each_changed_outcome_and_one_for_the_run(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        changed = [outcome(ExportResult.STARTED), outcome(ExportResult.FAILED)]
        told = report(outcomes=[*changed, outcome(ExportResult.DONE)], changed=changed)
        publish(told, world, Tick())
        lines = printed().logs
        assert [(line["level"], line["message"]) for line in lines] == [
            ("INFO", "export.started"),
            ("WARNING", "export.failed"),
            ("INFO", "run.finished"),
        ]
        assert {line["run_id"] for line in lines} == {told.run_id}
        assert (lines[1]["cloud"], lines[1]["policy"], lines[1]["reason"]) == (
            "otc",
            "daily",
            "why",
        )
        assert lines[2]["counts"]["done"] == 1
        assert lines[2]["report"].endswith(f"reports/export/2026/03/02/{told.run_id}.json")

    def test_a_cloud_that_is_served_no_more_or_again_has_a_line_of_its_own(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        down = CloudOutcome(cloud="otc", result=CloudResult.UNAVAILABLE, reason="no route")
        up = CloudOutcome(cloud="lab", result=CloudResult.SERVED)
        publish(report(clouds=[down, up], changed_clouds=[down, up]), world, Tick())
        assert [(line["level"], line["message"], line.get("cloud")) for line in printed().logs] == [
            ("WARNING", "cloud.unavailable", "otc"),
            ("INFO", "cloud.served", "lab"),
            ("INFO", "run.finished", None),
        ]
        publish(report(clouds=[down, up]), world, Tick())
        assert [line["message"] for line in printed().logs] == ["run.finished"]

    def test_a_dry_run_logs_its_whole_plan_and_neither_stores_nor_counts(
        self, world: World, printed: Callable[[], Printed], tmp_path: Path
    ) -> None:
        told = report(dry_run=True, outcomes=[outcome(ExportResult.STARTED)])
        assert publish(told, world, Tick())["report"] == ""
        seen = printed()
        assert [line["message"] for line in seen.logs] == ["export.started", "run.finished"]
        assert seen.metrics == {}
        assert not (tmp_path / "store").exists()

    def test_outside_lambda_they_go_to_standard_error_and_there_are_no_metrics(
        self, world: World, capsys: pytest.CaptureFixture[str]
    ) -> None:
        publish(report(), world, Tick(), detailed_metrics=True)
        out, err = capsys.readouterr()
        assert out == ""
        assert [json.loads(line)["message"] for line in err.splitlines()] == ["run.finished"]


class TestAnswer:
    def test_it_holds_counts_and_address_and_never_outcomes(self, world: World) -> None:
        told = report(outcomes=[outcome(ExportResult.STARTED)])
        answer = publish(told, world, Tick())
        stored = json.loads(Path(answer.pop("report")).read_bytes())
        assert stored == told.as_json()
        clouds = {"lab": "served", "otc": "served"}
        assert answer == {"run_id": told.run_id, "counts": told.counts, "clouds": clouds}

    def test_an_idle_run_stores_no_report(self, world: World, tmp_path: Path) -> None:
        idle = report(clouds=[CloudOutcome(cloud="otc", result=CloudResult.IDLE)])
        assert publish(idle, world, Tick())["report"] == ""
        assert not (tmp_path / "store").exists()

    def test_a_report_that_the_run_stored_itself_is_not_stored_again(
        self, world: World, tmp_path: Path
    ) -> None:
        told = report(outcomes=[outcome(ExportResult.STARTED)], address="s3://store/r.json")
        assert publish(told, world, Tick())["report"] == "s3://store/r.json"
        assert not (tmp_path / "store").exists()

    def test_a_queue_gets_the_records_to_deliver_again_and_nothing_else(self, world: World) -> None:
        told = report(failed_records=["m-1", "m-2"])
        assert publish(told, world, Requests(requests=(), from_queue=True)) == {
            "batchItemFailures": [{"itemIdentifier": "m-1"}, {"itemIdentifier": "m-2"}]
        }

    def test_a_red_run_raises_once_everything_is_published(
        self, world: World, printed: Callable[[], Printed], tmp_path: Path
    ) -> None:
        with pytest.raises(RunFailed, match="every cloud failed"):
            publish(report(red=["every cloud failed"]), world, Tick())
        seen = printed()
        assert [(line["level"], line["message"]) for line in seen.logs] == [("ERROR", "run.red")]
        assert seen.metrics[EXPORTS]["RunsRed"] == 1
        assert list((tmp_path / "store").rglob("*.json"))

    def test_a_red_run_for_a_queue_is_not_raised(
        self, world: World, printed: Callable[[], Printed]
    ) -> None:
        """What was accepted is in the state: a second delivery would only end as a dead letter."""
        told = report(red=["every cloud failed"], failed_records=["m-1"])
        answer = publish(told, world, Requests(requests=(), from_queue=True))
        assert answer == {"batchItemFailures": [{"itemIdentifier": "m-1"}]}
        assert printed().metrics[EXPORTS]["RunsRed"] == 1

    def test_a_report_that_cannot_be_written_makes_the_run_red(
        self, world: World, printed: Callable[[], Printed], tmp_path: Path
    ) -> None:
        (tmp_path / "store").write_bytes(b"in the way")
        with pytest.raises(RunFailed, match="cannot lock"):
            publish(report(outcomes=[outcome(ExportResult.STARTED)]), world, Tick())
        assert printed().metrics[EXPORTS]["RunsRed"] == 1


def failing(error: Exception, function: Function = Function.EXPORT) -> Callable[..., Any]:
    @reported(function)
    def handler(_event: object, _context: object) -> dict[str, Any]:
        raise error

    return handler


class TestBeforeThereIsAReport:
    def test_an_error_is_published_as_a_red_run_and_raised_again(
        self, printed: Callable[[], Printed]
    ) -> None:
        with pytest.raises(StoreError, match="cannot read"):
            failing(StoreError("cannot read s3://b/config.yaml: AccessDenied"))({}, None)
        seen = printed()
        [line] = seen.logs
        assert (line["level"], line["message"]) == ("ERROR", "run.red")
        assert line["red"] == ["cannot read s3://b/config.yaml: AccessDenied"]
        assert "exception" not in line
        assert seen.metrics[EXPORTS]["RunsRed"] == 1
        assert seen.metrics[EXPORTS]["ExportsStarted"] == 0
        assert "ExportsInFlight" not in seen.metrics[EXPORTS]

    def test_an_error_that_nobody_foresaw_comes_with_its_traceback(
        self, printed: Callable[[], Printed]
    ) -> None:
        with pytest.raises(ZeroDivisionError):
            failing(ZeroDivisionError("division\nby zero"))({}, None)
        [line] = printed().logs
        assert line["red"] == ["ZeroDivisionError: division by zero"]
        assert "test_observability.py" in line["exception"]

    def test_a_red_run_is_not_published_twice(self, printed: Callable[[], Printed]) -> None:
        with pytest.raises(RunFailed):
            failing(RunFailed("published"))({}, None)
        assert printed() == Printed()

    def test_no_config_yet_is_idle_and_says_so(self, printed: Callable[[], Printed]) -> None:
        nothing = NoConfigYet("s3://b/config.yaml", [Problem("", "no such object")])
        answer = failing(nothing)({}, None)
        assert set(answer["counts"].values()) == {0}
        seen = printed()
        [line] = seen.logs
        assert (line["level"], line["message"]) == ("INFO", "run.finished")
        assert line["idle"] == "s3://b/config.yaml: no such object"
        assert seen.metrics[EXPORTS]["RunsRed"] == 0
        assert seen.metrics[EXPORTS]["ConfigUnreadable"] == 0
        assert seen.metrics[EXPORTS]["ExportsInFlight"] == 0

    def test_no_config_yet_loses_no_request_of_a_queue(self) -> None:
        """An answer would tell the queue that all is done."""
        nothing = NoConfigYet("s3://b/config.yaml", [Problem("", "no such object")])
        with pytest.raises(NoConfigYet):
            failing(nothing)({"Records": [{"messageId": "m-1"}]}, None)

    def test_a_wrong_config_is_red(self, printed: Callable[[], Printed]) -> None:
        wrong = ConfigError("config.yaml", [Problem("version", "must be 1")])
        with pytest.raises(ConfigError):
            failing(wrong, Function.CLEANUP)(None, None)
        metrics = printed().metrics[CLEANUPS]
        assert (metrics["RunsRed"], metrics["ConfigUnreadable"]) == (1, 1)

    def test_a_handler_that_answers_is_left_alone(self) -> None:
        @reported(Function.EXPORT)
        def handler(event: object, _context: object) -> dict[str, Any]:
            return {"event": event}

        assert handler("e", None) == {"event": "e"}
        assert handler.__name__ == "handler"
