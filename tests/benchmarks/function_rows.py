"""The export function as built, under the runtime client: an idle tick, and one that exports.

The clouds are one process of `FastCloud`, a project for each; AWS is the sandbox's, whose every
call is counted.
"""

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.clients import UNLIMITED
from tests.benchmarks.fast_cloud import FastCloud
from tests.benchmarks.names import REGION
from tests.benchmarks.table import Row
from tests.runtime.builds import Places
from tests.runtime.environment import ExecutionEnvironment, Function
from tests.sandbox.aws_server import AwsSandbox
from tests.sandbox.wire import Request

EXPORT = Function("ExportVolumes")
SETTLING_TICKS = 4
CONFIG, STORE = "config", "store"
SECRETS = "benchmark"


@dataclass
class Counted:
    """Counts what is asked of AWS, by what it is about."""

    calls: Counter[str] = field(default_factory=Counter)

    def before(self, request: Request) -> None:
        """Count it."""
        target = request.header("X-Amz-Target")
        if target.startswith("secretsmanager."):
            self.calls["secret"] += 1
        elif target:
            self.calls["events"] += 1
        elif request.path.startswith(f"/{CONFIG}-"):
            self.calls["config"] += 1
        else:
            self.calls[f"{request.method} store"] += 1

    def after(self, request: Request) -> None:
        """Do nothing more."""


@dataclass(frozen=True)
class Site:
    """Clouds and AWS, with a config and secrets; `env` is what a function finds them by."""

    cloud: FastCloud
    aws: AwsSandbox
    asked: Counted
    env: dict[str, str]


@contextmanager
def site(clouds: int, volumes: int, at_once: int = 32, latency: float = 0.0) -> Iterator[Site]:
    """Serve so many clouds, each with so many volumes."""
    asked = Counted()
    with FastCloud(volumes=volumes, latency=latency) as cloud, AwsSandbox() as aws:
        config_bucket, store_bucket = (
            aws.create_bucket(f"{name}-{aws.account_id}") for name in (CONFIG, STORE)
        )
        document = yaml.safe_dump(config(clouds, volumes, at_once))
        aws.s3.put_object(Bucket=config_bucket, Key="config.yaml", Body=document.encode())
        for name in names(clouds):
            secret = json.dumps(cloud.secret())
            for role in ("export", "cleanup"):
                aws.secrets.create_secret(Name=f"{SECRETS}/{role}/{name}", SecretString=secret)
        aws.hook = asked
        env = {
            "VOLUME_IMAGES_CONFIG": f"s3://{config_bucket}/config.yaml",
            "VOLUME_IMAGES_STORE": f"s3://{store_bucket}",
            "VOLUME_IMAGES_DEPLOYMENT": "benchmark",
            "VOLUME_IMAGES_SECRET_PREFIX": SECRETS,
            "VOLUME_IMAGES_CA_BUNDLE": str(cloud.own_ca),
            **aws.env,
        }
        yield Site(cloud, aws, asked, env)


def names(clouds: int) -> list[str]:
    """Return the names of the clouds."""
    return [f"cloud-{number:02}" for number in range(clouds)]


def config(clouds: int, volumes: int, at_once: int) -> dict[str, Any]:
    """Return a config under which every volume is started in the first tick."""
    return {
        "version": 1,
        "prefix": "bench",
        "clouds": {
            name: {
                "dialect": "openstack",
                "region": REGION,
                "project": name,
                "max_in_flight": volumes,
                "max_concurrency": at_once,
                "requests_per_second": UNLIMITED,
                "export_minutes": 1,
            }
            for name in names(clouds)
        },
        "policies": {
            "daily": {
                "select": {"backup": "daily"},
                "schedule": "0 0 * * *",
                "retention": {"keep_last": 3},
            }
        },
        "discover": [{"cloud": name, "tags": {"backup": ["daily"]}} for name in names(clouds)],
    }


@dataclass(frozen=True, slots=True)
class Tick:
    """What one tick asked for and took."""

    answer: dict[str, Any]
    aws: Counter[str]
    cloud: dict[str, int]
    connections: int
    milliseconds: float
    processor_ms: float


def tick(process: ExecutionEnvironment, site: Site) -> Tick:
    """Invoke the function once."""
    site.cloud.counts()
    site.asked.calls = Counter()
    before = process.processor_seconds
    ended = process.invoke({})
    assert ended.error is None, ended.error
    seen = site.cloud.counts()
    return Tick(
        answer=ended.answer,
        aws=site.asked.calls,
        cloud=seen["calls"],
        connections=seen["connections"],
        milliseconds=ended.milliseconds,
        processor_ms=1000 * (process.processor_seconds - before),
    )


def idle_rows(places: Places, log: Path, clouds: int, volumes: int) -> list[Row]:
    """Export everything, let it settle, and look at the tick that has nothing to do."""
    section = f"an idle tick: {clouds * volumes:,} volumes in {clouds} clouds, nothing due"
    with site(clouds, volumes) as at:
        with ExecutionEnvironment(EXPORT, places, at.env, log) as process:
            first = tick(process, at)
            for _ in range(SETTLING_TICKS):
                tick(process, at)
            warm = tick(process, at)
            peak = process.peak_mib
        with ExecutionEnvironment(EXPORT, places, at.env, log) as process:
            init_ms = 1000 * process.processor_seconds
            cold = tick(process, at)
    assert first.answer["counts"]["started"] == clouds * volumes

    def count(what: str, ours: float, goal: float) -> Row:
        return Row(section=section, what=what, ours=ours, unit="", goal=goal, count=True)

    def told(what: str, ours: float, unit: str) -> Row:
        return Row(section=section, what=what, ours=ours, unit=unit)

    return [
        count("calls to clouds", sum(warm.cloud.values()) + sum(cold.cloud.values()), 0),
        count("secrets read", warm.aws["secret"] + cold.aws["secret"], 0),
        count("config reads", warm.aws["config"], 1),
        count("calls to AWS, warm", warm.aws.total(), 2 + clouds),
        count("calls to AWS, cold", cold.aws.total(), 2 + clouds),
        told("processor time of a warm one", warm.processor_ms, "ms"),
        told("processor time of a cold one, with its start", init_ms + cold.processor_ms, "ms"),
        told("peak memory of the process that exported all of it", peak, "MiB"),
        count(
            "tokens in that process, per cloud",
            first.cloud["token"] / clouds,
            1,
        ),
        count("secrets read by the tick that exported, per cloud", first.aws["secret"] / clouds, 1),
        count("config reads of the tick that exported", first.aws["config"], 1),
        count("its TLS connections, per cloud", first.connections / clouds, min(32, volumes)),
    ]
