"""What a month costs in AWS for 1,000 volumes in one cloud: measured quantities, times list prices.

Both functions run as built. A day is one tick that exports, two that settle, 141 idle ones and 24
cleanups. Every one of them is taken for a cold start, which makes the sum an upper bound: a start
runs on a whole processor, the rest on the share that the function's memory buys.
"""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.benchmarks.function_rows import EXPORT, Site, site, tick
from tests.benchmarks.memory_size import ONE_PROCESSOR_MB
from tests.benchmarks.table import Row
from tests.runtime.builds import Places
from tests.runtime.environment import ExecutionEnvironment, Function
from tests.template.rendered import Stack
from volume_images.metrics import METRICS
from volume_images.report import Function as Named
from volume_images.retention.judging import Candidate, judge
from volume_images.retention.rules import RetentionRules

VOLUMES = 1000
DAYS = 30
IDLE_A_DAY, SETTLING_A_DAY, CLEANUPS_A_DAY = 141, 2, 24
CLEANUP = Function("CleanupImages")
WAIT_FOR_AWS = 0.03
"""Seconds for each call of AWS, one after the other: more than S3 usually takes."""

USD = {
    "GB-second, arm64": 0.0000133334,
    "request of Lambda": 0.20 / 1e6,
    "GB of logs": 0.50,
    "metric": 0.30,
    "S3 write": 0.005 / 1e3,
    "S3 read": 0.0004 / 1e3,
    "secret": 0.40,
    "read of a secret": 0.05 / 1e4,
    "metric of an alarm": 0.10,
    "key": 1.00,
}
"""List prices of us-east-1; the other regions' differ by up to a quarter."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What one invocation uses."""

    gb_seconds: float
    log_bytes: int
    aws: Counter[str]


def cost_rows(places: Places, log: Path) -> list[Row]:
    """Measure one invocation of each kind, and add up a month."""
    with site(1, VOLUMES) as at:
        exporting = _invoked(EXPORT, places, at, log)
        settling = _invoked(EXPORT, places, at, log)
        _invoked(EXPORT, places, at, log)
        idle = _invoked(EXPORT, places, at, log)
        cleaning = _invoked(CLEANUP, places, at, log)
    month = [
        (exporting, DAYS),
        (settling, DAYS * SETTLING_A_DAY),
        (idle, DAYS * IDLE_A_DAY),
        (cleaning, DAYS * CLEANUPS_A_DAY),
    ]
    invocations = sum(times for _, times in month)
    calls: Counter[str] = Counter()
    for one, times in month:
        calls.update({name: count * times for name, count in one.aws.items()})
    writes = calls["PUT store"]
    reads = calls["GET store"] + calls["config"]
    watched = sum(map(_metrics_of, Stack().of_type("AWS::CloudWatch::Alarm").values()))
    metrics = sum(len(METRICS[function]) for function in (Named.EXPORT, Named.CLEANUP))
    gb_seconds = sum(one.gb_seconds * times for one, times in month)
    logs = sum(one.log_bytes * times for one, times in month) / 1e9
    costs = {
        f"{gb_seconds:,.0f} GB-seconds": gb_seconds * USD["GB-second, arm64"],
        f"{invocations:,} requests of Lambda": invocations * USD["request of Lambda"],
        f"{1000 * logs:,.0f} MB of logs": logs * USD["GB of logs"],
        f"{metrics} metrics": metrics * USD["metric"],
        f"{writes:,} writes to S3": writes * USD["S3 write"],
        f"{reads:,} reads from S3": reads * USD["S3 read"],
        "2 secrets, and their reads": 2 * USD["secret"] + calls["secret"] * USD["read of a secret"],
        f"{watched} metrics that alarms look at": watched * USD["metric of an alarm"],
        "the key of the alarms' topic": USD["key"],
    }
    section = f"AWS, a month of {VOLUMES:,} volumes exported daily, every invocation a cold start"
    rows = [Row(section=section, what=what, ours=usd, unit="USD") for what, usd in costs.items()]
    rows.append(Row(section=section, what="in all", ours=sum(costs.values()), unit="USD"))
    each = [
        ("an idle tick", idle),
        ("a tick that exports 1,000", exporting),
        ("a cleanup of 1,000 images", cleaning),
    ]
    rows += [
        Row(section=section, what=f"{what}, cold", ours=one.gb_seconds, unit="GB-s")
        for what, one in each
    ]
    return rows + storage_rows()


def _metrics_of(alarm: dict[str, Any]) -> int:
    return sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1


def _invoked(function: Function, places: Places, at: Site, log: Path) -> Quantity:
    log.unlink(missing_ok=True)
    with ExecutionEnvironment(function, places, at.env, log) as process:
        start = process.processor_seconds
        took = tick(process, at)
        printed = len(process.printed)
        memory_mb = function.properties["MemorySize"]
    share = memory_mb / ONE_PROCESSOR_MB
    waiting = WAIT_FOR_AWS * took.aws.total()
    seconds = start + took.processor_ms / 1000 / share + waiting
    return Quantity(memory_mb / 1024 * seconds, printed, took.aws)


POLICIES = {
    "keep_last 3": RetentionRules(keep_last=3),
    "keep_daily 7, keep_weekly 5": RetentionRules(keep_daily=7, keep_weekly=5),
    "the same, keep_monthly 12": RetentionRules(keep_daily=7, keep_weekly=5, keep_monthly=12),
}


def storage_rows() -> list[Row]:
    """Count what each retention keeps of a volume that was exported nightly for three years."""
    now = datetime(2026, 3, 2, 3, tzinfo=UTC)
    nights = [now - timedelta(days=days, hours=1) for days in range(3 * 365)]
    images = [Candidate(id=f"{night}", time=night, created_at=night) for night in nights]
    kept = {
        name: sum(verdict.keep for verdict in judge(images, rules, timezone="UTC", now=now))
        for name, rules in POLICIES.items()
    }
    section = "images that a volume keeps, each stored and paid for in its cloud"
    return [
        Row(section=section, what=name, ours=count, unit="images", count=True)
        for name, count in kept.items()
    ]
