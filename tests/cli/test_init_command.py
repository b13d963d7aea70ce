"""`volume-images init`: from a cloud that nobody configured yet to a config that passes."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Cli, entry_of
from tests.sandbox.cloud_server import PROJECT_NAME, REGION, CloudSandbox
from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect


@pytest.fixture(scope="module")
def huawei() -> Iterator[CloudSandbox]:
    with CloudSandbox(dialect=Dialect.HUAWEI) as cloud:
        yield cloud


def test_with_an_entry_of_clouds_yaml_its_name_is_enough(local: Cli, tmp_path: Path) -> None:
    ran = local("init", "lab")
    assert (ran.code, ran.err) == (0, "")
    (tmp_path / "config.yaml").write_text(ran.out)
    document = yaml.safe_load(ran.out)
    assert document["clouds"]["lab"] == {
        "dialect": "openstack",
        "region": REGION,
        "project": PROJECT_NAME,
        "clouds_yaml": "lab",
        "max_in_flight": 20,
        "export_minutes": 10,
    }
    assert list(document["policies"]) == ["daily"]
    assert "3 volumes tagged backup: daily, 70 GiB." in ran.out
    assert local("config", "check", "config.yaml").code == 0
    plan = local("export", "--config", "config.yaml", "--dry-run", "--json")
    assert plan.said == [("deferred", "dry_run")] * 3


def test_what_the_environment_says_of_a_cloud_is_an_entry_too(
    local: Cli, stack: SandboxStack
) -> None:
    openrc = {f"OS_{key.upper()}": text for key, text in entry_of(stack.cloud)["auth"].items()}
    ran = local(
        "init", "here", "--clouds-yaml", "envvars", env={**openrc, "OS_REGION_NAME": REGION}
    )
    assert (ran.code, ran.err) == (0, "")
    assert yaml.safe_load(ran.out)["clouds"]["here"]["clouds_yaml"] == "envvars"


def test_without_an_entry_the_secret_of_the_exporter_opens_the_cloud(sandbox_cli: Cli) -> None:
    options = ("--dialect", "openstack", "--region", REGION, "--project", PROJECT_NAME)
    ran = sandbox_cli("init", "sandbox", *options, "--prefix", "acme", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.document["prefix"] == "acme"
    assert "clouds_yaml" not in ran.document["clouds"]["sandbox"]


def test_it_only_looks(local: Cli, stack: SandboxStack) -> None:
    local("init", "lab")
    methods = {(method, path) for method, path, _ in stack.cloud.requests if method != "GET"}
    assert methods == {("POST", "/identity/v3/auth/tokens")}


def test_where_the_cloud_tells_its_quota_the_rules_fit_it(
    local: Cli, huawei: CloudSandbox, tmp_path: Path
) -> None:
    huawei.world.image_quota = 50
    document = {"clouds": {"otc": entry_of(huawei)}}
    (tmp_path / "clouds.yaml").write_text(yaml.safe_dump(document))
    where = ("--block-storage", huawei.endpoints["block_storage"])
    ran = local("init", "otc", "--dialect", "huawei", *where, "--image", huawei.endpoints["image"])
    assert (ran.code, ran.err) == (0, "")
    assert "of the quota (50), 50 are free" in " ".join(ran.out.replace("#", " ").split())
    assert yaml.safe_load(ran.out)["policies"]["daily"]["retention"] == {
        "keep_daily": 7,
        "keep_weekly": 4,
    }
    assert yaml.safe_load(ran.out)["clouds"]["otc"]["endpoints"] == huawei.endpoints


def test_a_quota_that_cannot_do_is_said_on_standard_error_as_well(local: Cli) -> None:
    ran = local("init", "lab", "--quota", "2")
    assert ran.code == 0
    assert ran.err.startswith("volume-images: lab: the quota is 2 images and 0 are there, but")
    assert "IT DOES NOT FIT" in ran.out


def test_volumes_that_the_cloud_would_not_export_are_named(local: Cli, stack: SandboxStack) -> None:
    stack.cloud.world.volumes["16369c5d-384d-4e64-b37a-56d898769362"].status = "error"
    ran = local("init", "lab")
    assert "# The exports of 1 volume will be refused (volume_status): db01-data." in ran.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("nowhere",), "--dialect: not given: write huawei or openstack"),
        (("nowhere", "--dialect", "huawei"), "--region: not given, and no entry of clouds.yaml"),
        (("lab", "--timezone", "Mars/Base"), "policies.all.timezone: not a known time zone"),
        (("lab", "--prefix", "a_b"), "prefix: must be 1 to 20 letters"),
        (("la b", "--clouds-yaml", "lab"), "1 to 63 letters, digits, dots"),
        (("lab", "--image", "http://x.example"), "must be an https:// URL"),
    ],
)
def test_what_is_wrong_with_its_options_is_one_line(
    local: Cli, arguments: tuple[str, ...], says: str
) -> None:
    ran = local("init", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_an_entry_that_is_not_there_is_a_credential_that_is_not_there(local: Cli) -> None:
    ran = local("init", "lab", "--clouds-yaml", "moon")
    assert (ran.code, ran.out) == (1, "")
    assert "has no mapping moon" in ran.err
