"""How long a throttled cloud takes, against what its limit allows, and how much it refuses.

First on a virtual clock: one Pace against limits that never say how long to wait, a window of one
second, a sliding one, and a bucket that holds a second's worth; the worst of several seeds counts.
Then in real time: the whole client, with 32 threads, against the sandbox. The ideal is volumes /
limit. The ceiling is the configured `requests_per_second`, which is never exceeded: one that is
half of the limit costs twice the time, and only a higher one would change that.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random

from tests.cloud.limits import AT_ONCE, Bucket, Limit, Sliding, Window, meet
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.faults import Overload, Service, Throttle
from volume_images.clock import SystemClock
from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import open_cloud
from volume_images.cloud.wire import tls_context
from volume_images.config.schema import CloudConfig
from volume_images.dialect import Dialect
from volume_images.model import ExportRequest

LIMITS: dict[str, Callable[[float, Random], Limit]] = {
    "window": Window,
    "sliding": Sliding,
    "bucket": Bucket,
}
RIGHT, HIGH, LOW = "right", "twice too high", "twice too low"
FACTORS = {RIGHT: 1.0, HIGH: 2.0, LOW: 0.5}
MISSED = "MISSED"
LATENCY_MS = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One case: the worst that was measured, and the goal."""

    limiter: str
    rate: float
    volumes: int
    ceiling: str
    seconds: float
    refused: float

    @property
    def ratio(self) -> float:
        return self.seconds * self.rate / self.volumes

    @property
    def goal(self) -> tuple[float, float]:
        """The most times the ideal, and the share of refused requests that it stays under."""
        if self.ceiling == HIGH:
            return 1.3, 0.05
        right = 0.015 if self.rate == 5 else 0.01
        return (1.15, right) if self.ceiling == RIGHT else (1.3, right)

    @property
    def verdict(self) -> str:
        longest, most = self.goal
        if self.ratio <= longest and self.refused < most:
            return "met"
        # Under a ceiling of half the limit, nothing is done in less than twice the time.
        kept = self.ceiling == LOW and self.ratio <= 2 * 1.15 and self.refused < most
        return "not met: the ceiling holds" if kept else MISSED

    def __str__(self) -> str:
        longest, most = self.goal
        return (
            f"{self.limiter:8} {self.rate:5g}/s {self.volumes:6} {self.ceiling:15}"
            f"{self.seconds:8.1f} s {self.ratio:6.2f} (at most {longest:.2f})"
            f"{self.refused:8.2%} (under {most:.1%})  {self.verdict}"
        )


def virtual(rate: float, volumes: int, ceiling: str, seeds: int) -> list[Row]:
    rows = []
    for name, limit in LIMITS.items():
        met = [
            meet(limit, rate, ceiling=rate * FACTORS[ceiling], requests=volumes, seed=seed)
            for seed in range(seeds)
        ]
        seconds = max(one.seconds for one in met)
        refused = max(one.refused_share for one in met)
        rows.append(Row(name, rate, volumes, ceiling, seconds, refused))
    return rows


def real(rate: float, volumes: int, ceiling: str) -> Row:
    """Export from the sandbox, over HTTP, on the clock of this machine."""
    with (
        CloudSandbox(dialect=Dialect.HUAWEI, volumes=volumes, latency_ms=LATENCY_MS) as cloud,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        config = CloudConfig(
            dialect=cloud.dialect,
            region=cloud.region,
            project=cloud.project_name,
            endpoints=cloud.endpoints,
            requests_per_second=rate * FACTORS[ceiling],
            max_concurrency=AT_ONCE,
        )
        secret = parse_secret(json.dumps(cloud.secret("export")), "benchmark")
        opened = open_cloud(config, secret, clock=SystemClock(), tls=tls_context())
        wanted = [export_of(volume_id) for volume_id in cloud.world.volumes]
        throttle = Throttle(
            service=Service.VOLUME, rate=rate, burst=int(rate), says=Overload.GATEWAY
        )
        with cloud.failing(throttle):
            began = time.monotonic()
            started = list(pool.map(opened.volumes.export, wanted))
            seconds = time.monotonic() - began
        statuses = [seen.status for seen in cloud.requests if seen.method == "POST"]
    assert len(started) == statuses.count(202) == volumes
    return Row("sandbox", rate, volumes, ceiling, seconds, statuses.count(429) / len(statuses))


def export_of(volume_id: str) -> ExportRequest:
    return ExportRequest(
        volume_id=volume_id,
        image_name=f"bench_daily_db_{volume_id}_20260302T020000Z",
        disk_format="zvhd2",
        container_format="bare",
        force=False,
        os_type="linux",
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seeds", type=int, default=10)
    options = parser.parse_args()
    say("limiter    limit volumes ceiling            took  x ideal              refused")
    rows = told(virtual(10, 150, RIGHT, options.seeds))
    for rate in (5, 20, 100):
        for ceiling in FACTORS:
            rows += told(virtual(rate, 1000, ceiling, options.seeds))
    for ceiling in (RIGHT, HIGH):
        rows += told([real(10, 150, ceiling)])
    return 1 if any(row.verdict == MISSED for row in rows) else 0


def told(rows: list[Row]) -> list[Row]:
    for row in rows:
        say(str(row))
    return rows


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
