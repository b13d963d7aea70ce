"""One config, two clouds of two dialects, each with credentials of its own for each function."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest

from tests.sandbox.clock import START
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.seeds import plant_volumes
from tests.sandbox.stack import DISK_FORMATS, SECRET_PREFIX, SandboxStack
from tests.support.export_site import LAMBDA
from volume_images.bootstrap import connect
from volume_images.cleanup.run import cleanup_run
from volume_images.connections import Connections
from volume_images.dialect import Dialect
from volume_images.export.run import export_run
from volume_images.model import Tick
from volume_images.report import CloudResult, Function, Report
from volume_images.settings import Settings
from volume_images.stopwatch import RunLimits

LAB = "lab"
HERE = "sandbox"
NOBODY = "http://127.0.0.1:9"
DAY = timedelta(days=1)


@dataclass(frozen=True)
class TwoClouds:
    """A stack whose config names two clouds: `sandbox` speaks huawei, `lab` speaks openstack."""

    stack: SandboxStack
    lab: CloudSandbox

    def clouds(self) -> dict[str, CloudSandbox]:
        return {HERE: self.stack.cloud, LAB: self.lab}

    def reset(self) -> None:
        for name, cloud in self.clouds().items():
            cloud.clock.set(START)
            world = cloud.world
            for held in (world.exports, world.images, world.volumes, cloud.requests):
                held.clear()
            plant_volumes(world, 2)
            for role in ("export", "cleanup"):
                self.put_secret(role, name, cloud.secret(role))
        s3, bucket = self.stack.aws.s3, self.stack.state_bucket
        for version in s3.list_object_versions(Bucket=bucket).get("Versions", []):
            s3.delete_object(Bucket=bucket, Key=version["Key"], VersionId=version["VersionId"])
        self.stack.write_config(self.document())

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(json.dumps(self.stack.document))
        document["clouds"][LAB] = {
            "dialect": "openstack",
            "region": self.lab.region,
            "project": self.lab.project_name,
            "requests_per_second": 1000,
            "export_minutes": 1,
        }
        # Two dialects take no format in common but raw: each cloud has a policy of its own.
        daily = document["policies"]["daily"]
        document["policies"]["lab-daily"] = {
            **daily,
            "select": {"backup": "lab"},
            "export": {"disk_format": DISK_FORMATS[Dialect.OPENSTACK]},
        }
        document["volumes"] += [
            {**volume, "cloud": LAB, "tags": {"backup": "lab"}} for volume in document["volumes"]
        ]
        unshared: dict[str, Any] = json.loads(json.dumps(document))  # else YAML writes aliases
        return unshared

    def put_secret(self, role: str, cloud: str, secret: dict[str, Any]) -> None:
        name, text = f"{SECRET_PREFIX}/{role}/{cloud}", json.dumps(secret)
        secrets = self.stack.aws.secrets
        try:
            secrets.put_secret_value(SecretId=name, SecretString=text)
        except secrets.exceptions.ResourceNotFoundException:
            secrets.create_secret(Name=name, SecretString=text)

    def export(self) -> Report:
        world = connect(Settings.parse(self.stack.env), Function.EXPORT, Connections())
        return export_run(world, Tick(), limits=LAMBDA)

    def clean(self) -> Report:
        world = connect(Settings.parse(self.stack.env), Function.CLEANUP, Connections())
        return cleanup_run(world, Tick(), limits=RunLimits())

    def let_pass(self, time: timedelta) -> None:
        for cloud in self.clouds().values():
            cloud.clock.advance(time)


@pytest.fixture(scope="module")
def started() -> Iterator[TwoClouds]:
    with (
        SandboxStack(dialect=Dialect.HUAWEI, volumes=2) as stack,
        CloudSandbox(dialect=Dialect.OPENSTACK, volumes=2) as lab,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in stack.env.items():
            environment.setenv(name, value)
        yield TwoClouds(stack, lab)


@pytest.fixture
def two(started: TwoClouds) -> TwoClouds:
    started.reset()
    return started


def results(report: Report) -> dict[str, CloudResult]:
    return {cloud.cloud: cloud.result for cloud in report.clouds}


def started_in(report: Report) -> list[str]:
    return sorted(one.cloud for one in report.outcomes if one.result == "started")


def test_both_clouds_are_served_side_by_side(two: TwoClouds) -> None:
    report = two.export()
    assert results(report) == {HERE: CloudResult.SERVED, LAB: CloudResult.SERVED}
    assert started_in(report) == [LAB, LAB, HERE, HERE]
    assert {image.disk_format for image in two.lab.world.images.values()} == {"qcow2"}
    assert {image.disk_format for image in two.stack.cloud.world.images.values()} == {"zvhd2"}
    two.let_pass(timedelta(minutes=2))
    assert [one.result.value for one in two.export().outcomes] == ["done"] * 4


@pytest.mark.parametrize("dead", [HERE, LAB])
def test_a_dead_cloud_does_not_stop_the_other(two: TwoClouds, dead: str) -> None:
    secret = two.clouds()[dead].secret("export")
    two.put_secret("export", dead, {**secret, "auth_url": f"{NOBODY}/v3"})
    alive = LAB if dead == HERE else HERE
    report = two.export()
    assert results(report) == {dead: CloudResult.UNAVAILABLE, alive: CloudResult.SERVED}
    assert started_in(report) == [alive, alive]
    assert report.red == ()
    assert [one.cloud for one in report.changed_clouds] == [dead]
    assert {one.cloud for one in report.outcomes} == {alive}
    again = two.export()
    assert (results(again)[dead], again.changed_clouds) == (CloudResult.UNAVAILABLE, ())
    two.put_secret("export", dead, secret)
    back = two.export()
    assert started_in(back) == [dead, dead]
    assert [(one.cloud, one.result) for one in back.changed_clouds] == [(dead, CloudResult.SERVED)]


@pytest.mark.parametrize("broken", [HERE, LAB])
def test_each_cloud_has_a_credential_of_its_own(two: TwoClouds, broken: str) -> None:
    """The secret of one opens nothing in the other, and its refusal stays with that cloud."""
    other = LAB if broken == HERE else HERE
    wrong = {**two.clouds()[broken].secret("export"), "password": "of-another-cloud"}
    two.put_secret("export", broken, wrong)
    report = two.export()
    assert results(report) == {broken: CloudResult.NO_CREDENTIAL, other: CloudResult.SERVED}
    assert started_in(report) == [other, other]


def test_who_exports_and_who_cleans_up_are_two_credentials(two: TwoClouds) -> None:
    for name, cloud in two.clouds().items():
        two.put_secret("cleanup", name, {**cloud.secret("cleanup"), "password": "wrong-one"})
    assert started_in(two.export()) == [LAB, LAB, HERE, HERE]
    assert set(results(two.clean()).values()) == {CloudResult.NO_CREDENTIAL}


def test_a_dead_cloud_does_not_stop_the_cleanup_of_the_other(two: TwoClouds) -> None:
    two.export()
    two.let_pass(timedelta(minutes=2))
    secret = two.lab.secret("cleanup")
    two.put_secret("cleanup", LAB, {**secret, "auth_url": f"{NOBODY}/v3"})
    report = two.clean()
    assert results(report) == {HERE: CloudResult.SERVED, LAB: CloudResult.UNAVAILABLE}
    assert {one.cloud for one in report.outcomes} == {HERE}


def test_the_quota_of_one_cloud_is_not_the_others(two: TwoClouds) -> None:
    two.stack.cloud.world.image_quota = 0
    try:
        report = two.export()
    finally:
        two.stack.cloud.world.image_quota = 100_000
    assert started_in(report) == [LAB, LAB]
    assert {one.cloud for one in report.outcomes if one.reason == "image_quota"} == {HERE}
