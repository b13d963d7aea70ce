"""What a run tells the world: transitions only, bounded, and as docs/events.md promises."""

import json
import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.report_samples import START, outcome, report
from volume_images.metrics import Gauge
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    ExportResult,
    Freshness,
    FreshnessState,
    Function,
    ImageResult,
    Outcome,
    Report,
)
from volume_images.telling.bus import SOURCE
from volume_images.telling.events import (
    MOST_OF_A_KIND,
    Event,
    EventType,
    Told,
    events,
    nothing_told,
    told_after,
)

DOCUMENT = Path(__file__).parents[2] / "docs" / "events.md"
NOTHING = nothing_told("0123456789ab")
THIS_WEEK = NOTHING.model_copy(update={"week": "2026-W10"})
DB = "16369c5d-384d-4e64-b37a-56d898769362"
WEB = "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"


def entry(volume_id: str, *, stale: bool, cloud: str = "otc") -> Freshness:
    return Freshness(
        cloud=cloud,
        policy="daily",
        volume_id=volume_id,
        state=FreshnessState.STALE if stale else FreshnessState.FRESH,
        newest_slot=START - timedelta(days=3),
        stale=stale,
    )


def cleanup(*freshness: Freshness, **fields: Any) -> Report:  # noqa: ANN401
    return report(Function.CLEANUP, freshness=freshness, **fields)


def kinds(told: tuple[Event, ...]) -> list[str]:
    return [event.type.value for event in told]


def of_kind(kind: EventType, told: tuple[Event, ...]) -> list[Event]:
    return [event for event in told if event.type is kind]


class TestTransitions:
    def test_a_volume_that_becomes_stale_is_told_once(self) -> None:
        now = cleanup(entry(DB, stale=True), entry(WEB, stale=False))
        first = events(now, THIS_WEEK)
        after = told_after(now, THIS_WEEK)
        assert kinds(first) == ["Volume Image Run Finished", "Volume Became Stale"]
        assert first[1].detail["volume_id"] == DB
        assert kinds(events(now, after)) == ["Volume Image Run Finished"]

    def test_a_volume_that_recovers_is_told_once(self) -> None:
        before = told_after(cleanup(entry(DB, stale=True)), THIS_WEEK)
        now = cleanup(entry(DB, stale=False))
        assert kinds(events(now, before))[1:] == ["Volume Recovered"]
        assert told_after(now, before) == THIS_WEEK

    def test_a_volume_that_left_the_config_is_forgotten_and_did_not_recover(self) -> None:
        before = told_after(cleanup(entry(DB, stale=True)), THIS_WEEK)
        now = cleanup(entry(WEB, stale=False))
        assert kinds(events(now, before)) == ["Volume Image Run Finished"]
        assert told_after(now, before) == THIS_WEEK

    def test_of_a_cloud_that_was_not_looked_at_nothing_is_known_and_nothing_forgotten(self) -> None:
        before = told_after(cleanup(entry(DB, stale=True)), THIS_WEEK)
        late = CloudOutcome(cloud="otc", result=CloudResult.UNAVAILABLE, reason="too slow")
        now = cleanup(clouds=[late])
        assert kinds(events(now, before)) == ["Volume Image Run Finished"]
        assert told_after(now, before) == before

    def test_a_config_that_cannot_be_used_changes_nothing(self) -> None:
        before = told_after(cleanup(entry(DB, stale=True)), THIS_WEEK)
        now = cleanup(clouds=(), red=["nothing is judged or deleted"])
        assert kinds(events(now, before)) == ["Volume Image Run Finished"]
        assert told_after(now, before) == before

    def test_only_a_failure_that_is_news_is_told(self) -> None:
        failed = outcome(ExportResult.FAILED)
        news = replace(failed, volume_id=WEB, details={"why": "status killed"})
        told = events(report(outcomes=[failed, news], changed=[news]), NOTHING)
        assert kinds(told) == ["Volume Image Run Finished", "Volume Image Failed"]
        assert (told[1].detail["volume_id"], told[1].detail["why"]) == (WEB, "status killed")

    @pytest.mark.parametrize(
        "quiet",
        [
            report(dry_run=True, changed=[outcome(ExportResult.FAILED)]),
            report(clouds=[CloudOutcome(cloud="otc", result=CloudResult.IDLE)]),
        ],
        ids=["dry", "idle"],
    )
    def test_a_dry_run_and_an_idle_one_tell_nothing(self, quiet: Report) -> None:
        assert events(quiet, NOTHING) == ()

    @given(st.lists(st.dictionaries(st.sampled_from("abcde"), st.booleans()), max_size=8))
    def test_who_counts_the_events_knows_what_is_stale(self, runs: list[dict[str, bool]]) -> None:
        """Every change is told once, except that what leaves the config leaves in silence."""
        told, heard = THIS_WEEK, set[str]()
        for run in runs:
            now = cleanup(*(entry(volume, stale=stale) for volume, stale in run.items()))
            for event in events(now, told):
                if event.type is EventType.BECAME_STALE:
                    assert event.detail["volume_id"] not in heard
                    heard.add(event.detail["volume_id"])
                if event.type is EventType.RECOVERED:
                    heard.remove(event.detail["volume_id"])
            told = told_after(now, told)
            heard &= run.keys()
            assert heard == {volume for volume, stale in run.items() if stale}


class TestExtent:
    def test_an_outage_is_told_by_its_first_volumes_and_their_number(self) -> None:
        now = cleanup(*(entry(f"v-{number:04}", stale=True) for number in range(5_000)))
        told = events(now, THIS_WEEK)
        stale = of_kind(EventType.BECAME_STALE, told)
        assert len(stale) == MOST_OF_A_KIND
        assert {json.dumps(event.detail["in_this_run"]) for event in stale} == {
            '{"happened": 5000, "told": 50}'
        }
        assert told[0].detail["transitions"]["Volume Became Stale"] == 5_000
        assert kinds(events(now, told_after(now, THIS_WEEK))) == ["Volume Image Run Finished"]

    def test_ten_events_of_the_worst_run_fit_into_one_call(self) -> None:
        """256 KB (EventBridge API, PutEvents)."""
        clouds = [
            CloudOutcome(cloud=f"{number:063}", result=CloudResult.UNAVAILABLE, reason="x" * 9_000)
            for number in range(500)
        ]
        told = events(cleanup(clouds=clouds, red=["y" * 100_000] * 500), THIS_WEEK)
        assert told[0].detail["clouds_not_served"] == 500
        failed = replace(outcome(ExportResult.FAILED), details={"why": "z" * 100_000})
        told += events(report(changed=[failed] * 9), NOTHING)
        sizes = sorted(len(json.dumps(event.detail)) for event in told)
        assert sum(sizes[-10:]) < 250_000


class TestDigest:
    def test_it_comes_with_the_first_cleanup_of_a_week(self) -> None:
        now = cleanup(entry(DB, stale=False))
        assert kinds(events(now, NOTHING))[1:] == ["Volume Image Weekly Digest"]
        told = told_after(now, NOTHING)
        assert told.week == "2026-W10"
        later = replace(now, finished_at=START + timedelta(days=6))
        assert kinds(events(later, told)) == ["Volume Image Run Finished"]
        next_week = replace(now, finished_at=START + timedelta(days=7))
        assert kinds(events(next_week, told))[1:] == ["Volume Image Weekly Digest"]

    def test_weeks_are_those_of_iso_8601(self) -> None:
        new_year = replace(cleanup(), finished_at=datetime(2027, 1, 1, tzinfo=UTC))
        assert told_after(new_year, NOTHING).week == "2026-W53"

    def test_a_run_that_saw_no_cloud_leaves_it_to_the_next(self) -> None:
        down = CloudOutcome(cloud="otc", result=CloudResult.UNAVAILABLE, reason="no answer")
        blind = cleanup(clouds=[down], red=["no cloud could be judged"])
        assert kinds(events(blind, NOTHING)) == ["Volume Image Run Finished"]
        assert told_after(blind, NOTHING).week == ""

    def test_an_export_sends_none(self) -> None:
        assert told_after(report(), NOTHING) == NOTHING
        assert kinds(events(report(outcomes=[outcome(ExportResult.DONE)]), NOTHING)) == [
            "Volume Image Run Finished"
        ]


def test_what_was_told_is_read_back_as_it_was_written() -> None:
    told = told_after(cleanup(entry(DB, stale=True)), NOTHING)
    assert Told.model_validate_json(told.model_dump_json(exclude_defaults=True)) == told


# ---- docs/events.md ---------------------------------------------------------------------------


def documented() -> dict[str, dict[str, Any]]:
    blocks = re.findall(r"```json\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    parsed = [json.loads(block) for block in blocks]
    return {event["detail-type"]: event for event in parsed if "time" in event}


ADDRESS = "s3://volume-images-storebucket-1a2b3c/reports/cleanup/2026/03/02/20260302T020500Z-5f0c1a9e.json"
SAMPLES = [
    report(
        address=ADDRESS.replace("cleanup", "export"),
        changed=[
            Outcome(
                cloud="otc",
                policy="daily",
                volume_id=DB,
                slot=START.replace(minute=0),
                image_id="0d5b2f64",
                image_name=f"acme-prod_daily_db01-data_{DB}_20260302T020000Z",
                result=ExportResult.FAILED,
                reason="export_failed",
                details={"why": "status killed"},
            )
        ],
    ),
    cleanup(
        entry(DB, stale=True),
        replace(entry(WEB, stale=False), newest_slot=START - timedelta(minutes=5)),
        address=ADDRESS,
        clouds=[
            CloudOutcome(cloud="otc", result=CloudResult.SERVED),
            CloudOutcome(cloud="lab", result=CloudResult.UNAVAILABLE, reason="GET ...: no answer"),
        ],
        outcomes=[outcome(ImageResult.KEPT)] * 24 + [outcome(ImageResult.ANNOUNCED)],
        gauges={
            Gauge.ANNOUNCEMENTS_LAPSED: 0,
            Gauge.CONFIG_UNREADABLE: 0,
            Gauge.IMAGE_QUOTA_USED: 25,
        },
    ),
]
BEFORE = NOTHING.model_copy(update={"stale": (f"otc/daily/{WEB}",)})


def test_the_documented_events_are_those_that_are_sent() -> None:
    sent = {
        event.type.value: {"detail": event.detail, "time": f"{event.at:%Y-%m-%dT%H:%M:%SZ}"}
        for sample in SAMPLES
        for event in events(sample, BEFORE)
    }
    shown = documented()
    assert set(sent) == {kind.value for kind in EventType} == set(shown)
    for kind, event in sent.items():
        assert json.loads(json.dumps(event["detail"])) == shown[kind]["detail"], kind
        assert (shown[kind]["source"], shown[kind]["time"]) == (SOURCE, event["time"])


def test_no_event_of_ours_asks_for_an_export() -> None:
    """The rule for requests takes this type alone, whatever sources it is given."""
    assert "Volume Export Requested" not in Counter(EventType)
