"""`volume-images restore` as people run it: with a config, with clouds.yaml alone, and wrongly."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Cli
from tests.sandbox.seeds import PREFIX
from tests.sandbox.stack import SandboxStack
from tests.sandbox.wire import Request
from tests.sandbox.world import SandboxImage
from volume_images.cleanup.state import VolumeFacts, empty_cleanup_state
from volume_images.settings import Settings

DB = "16369c5d-384d-4e64-b37a-56d898769362"
CAPTURED = datetime(2026, 3, 1, 2, 3, tzinfo=UTC)


def plant(stack: SandboxStack, day: int = 1, **changes: Any) -> SandboxImage:  # noqa: ANN401
    name = f"{PREFIX}_daily_db01-data_{DB}_2026030{day}T020000Z"
    planted = {"name": name, "created_at": CAPTURED.replace(day=day), "volume_id": DB} | changes
    return stack.cloud.world.plant_image(**planted)


@pytest.fixture
def quick(stack: SandboxStack) -> SandboxStack:
    """Let new volumes take no time: the command waits in real time."""
    stack.cloud.world.creation_seconds = 0.0
    return stack


def made(stack: SandboxStack) -> list[str]:
    known = {entry["id"] for entry in stack.document["volumes"]}
    return [volume.name for volume in stack.cloud.world.volumes.values() if volume.id not in known]


def test_a_restore_says_what_it_made_of_what_and_what_comes_next(
    sandbox_cli: Cli, quick: SandboxStack
) -> None:
    image = plant(quick)
    ran = sandbox_cli("restore", DB)
    assert ran.code == 0
    (name,) = made(quick)
    (volume_id,) = [v.id for v in quick.cloud.world.volumes.values() if v.name == name]
    assert ran.out.splitlines() == [
        "restored in sandbox",
        f"  of      {DB}, never touched",
        f"  image   {image.id}",
        f"          {image.name}",
        "          captured 2026-03-01T02:03:00Z, slot 2026-03-01T02:00:00Z",
        f"  volume  {volume_id}, 40 GiB, SSD in sandbox-1a",
        f"          {name}",
        "next: attach it to a server, as with",
        f"  openstack server add volume SERVER {volume_id}",
    ]
    assert ran.err == f"{name}: volume {volume_id} is available after 0 s\n"
    assert image.tags == []


def test_a_volume_may_be_called_by_its_name_in_the_config(
    sandbox_cli: Cli, quick: SandboxStack
) -> None:
    plant(quick)
    ran = sandbox_cli("restore", "db01-data", "--json", "--name", "db01-new")
    assert ran.document["restored"]["status"] == "available"
    assert (ran.document["old_volume_id"], ran.document["name"]) == (DB, "db01-new")
    assert (ran.document["captured_at"], ran.document["dry_run"]) == (CAPTURED.isoformat(), False)


def test_as_of_takes_the_last_image_captured_by_then(sandbox_cli: Cli, quick: SandboxStack) -> None:
    early = plant(quick, 1)
    plant(quick, 2)
    ran = sandbox_cli("restore", DB, "--as-of", "2026-03-01T12:00:00+01:00", "--json")
    assert ran.document["image_id"] == early.id


def test_a_dry_run_makes_nothing(sandbox_cli: Cli, quick: SandboxStack) -> None:
    plant(quick)
    ran = sandbox_cli("restore", DB, "--dry-run")
    assert (ran.code, ran.err, made(quick)) == (0, "", [])
    assert ran.out.splitlines()[0] == "dry run, nothing was made"
    assert "  volume  a new one, 40 GiB, SSD in sandbox-1a" in ran.out
    assert "next:" not in ran.out


def test_an_image_that_is_not_good_is_restored_with_a_warning(
    sandbox_cli: Cli, quick: SandboxStack
) -> None:
    strange = plant(quick, name="golden-debian")
    ran = sandbox_cli("restore", "--image", "golden-debian", "--json")
    warning = f"image {strange.id} is not known to be ours: its name or its owner is another's"
    assert ran.code == 0
    assert ran.document["warnings"] == [warning]
    assert f"volume-images: warning: {warning}\n" in ran.err


def test_a_volume_that_is_gone_comes_back_as_cleanup_remembers_it(
    sandbox_cli: Cli, quick: SandboxStack
) -> None:
    plant(quick)
    del quick.cloud.world.volumes[DB]
    facts = VolumeFacts(zone="sandbox-1b", volume_type="SAS", size_gib=50)
    state = empty_cleanup_state(Settings.parse(quick.env).deployment_id)
    body = state.model_copy(update={"volumes": {DB: facts}}).model_dump_json().encode()
    key = "state/cleanup/sandbox.json"
    quick.aws.s3.put_object(Bucket=quick.state_bucket, Key=key, Body=body)
    ran = sandbox_cli("restore", DB, "--json")
    shape = [ran.document[key] for key in ("size_gib", "zone", "volume_type")]
    assert shape == [50, "sandbox-1b", "SAS"]


@pytest.mark.slow
def test_a_state_that_cannot_be_read_holds_nobody_up(sandbox_cli: Cli, quick: SandboxStack) -> None:
    plant(quick)
    strangers = empty_cleanup_state("ffffffffffff").model_dump_json().encode()
    key = "state/cleanup/sandbox.json"
    quick.aws.s3.put_object(Bucket=quick.state_bucket, Key=key, Body=strangers)
    ran = sandbox_cli("restore", DB)
    assert ran.code == 0
    assert "what cleanup remembers of sandbox cannot be read, and is not used" in ran.err


@pytest.fixture
def entry(quick: SandboxStack, tmp_path: Path) -> dict[str, str]:
    """Give clouds.yaml and nothing else: no AWS, no config."""
    secret = quick.cloud.secret("restore")
    auth = {
        "auth_url": quick.cloud.auth_url,
        "username": secret["username"],
        "password": secret["password"],
        "user_domain_name": secret["domain"],
        "project_name": quick.cloud.project_name,
    }
    clouds = {"clouds": {"lab": {"auth": auth, "region_name": quick.cloud.region}}}
    path = tmp_path / "clouds.yaml"
    path.write_text(yaml.safe_dump(clouds))
    return {"OS_CLIENT_CONFIG_FILE": str(path), "NO_PROXY": "127.0.0.1"}


def test_clouds_yaml_and_the_name_of_an_image_are_enough(
    cli: Cli, quick: SandboxStack, entry: dict[str, str]
) -> None:
    image = plant(quick)
    del quick.cloud.world.volumes[DB]
    ran = cli("restore", "--clouds-yaml", "lab", "--image", image.name, "--json", env=entry)
    assert (ran.code, ran.document["warnings"]) == (0, [])
    assert (ran.document["cloud"], ran.document["image_id"]) == ("lab", image.id)
    assert (ran.document["size_gib"], ran.document["old_volume_id"]) == (40, DB)
    assert image.tags == []


@pytest.mark.slow
def test_clouds_yaml_and_the_id_of_a_volume_are_enough_too(
    cli: Cli, quick: SandboxStack, entry: dict[str, str]
) -> None:
    plant(quick, 1)
    newest = plant(quick, 2)
    ran = cli("restore", DB, "--clouds-yaml", "lab", "--json", env=entry)
    assert (ran.code, ran.document["image_id"]) == (0, newest.id)


@pytest.mark.slow
def test_an_entry_without_a_region_asks_for_it(
    cli: Cli, quick: SandboxStack, entry: dict[str, str]
) -> None:
    path = Path(entry["OS_CLIENT_CONFIG_FILE"])
    document = yaml.safe_load(path.read_text())
    del document["clouds"]["lab"]["region_name"]
    path.write_text(yaml.safe_dump(document))
    image = plant(quick)
    arguments = ("restore", "--clouds-yaml", "lab", "--image", image.id)
    ran = cli(*arguments, env=entry)
    assert (ran.code, ran.err.count("\n")) == (2, 1)
    assert ran.err.startswith("volume-images: --region: not given")
    assert cli(*arguments, "--region", quick.cloud.region, env=entry).code == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "nothing to restore is named: give a VOLUME, or --image IMAGE"),
        ((DB, "--as-of", "yesterday"), "--as-of yesterday: must be a time with its zone"),
        ((DB, "--as-of", "2026-03-01T12:00:00"), "must be a time with its zone"),
        ((DB, "--as-of", "0001-01-01T00:00:00+14:00"), "in the years 1970 to 2199"),
        ((DB, "--as-of", "2026-03-01T12:00:00Z", "--image", "x"), "give one of them"),
        (("db99",), "db99: no name of a volume in a config: give the volume's id"),
        ((DB, "--cloud", "moon"), "moon: no cloud of the config: there are sandbox"),
        ((DB, "--image", "nothing"), "nothing: the cloud has no image of this id or name"),
        ((DB, "--size", "1"), "--size 1: image "),
        ((DB, "--as-of", "2020-01-01T00:00:00Z"), "no good image was captured until 2020-01-01"),
        ((DB, "--name", "db01-data"), "--name db01-data: a volume has this name already"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    sandbox_cli: Cli, quick: SandboxStack, arguments: tuple[str, ...], said: str
) -> None:
    plant(quick)
    ran = sandbox_cli("restore", *arguments)
    assert (ran.code, ran.out, ran.err.count("\n")) == (2, "", 1)
    assert said in ran.err
    assert made(quick) == []


def test_where_several_clouds_may_have_it_the_cloud_is_asked_for(
    sandbox_cli: Cli, quick: SandboxStack
) -> None:
    document = json.loads(json.dumps(quick.document))
    document["clouds"]["other"] = json.loads(json.dumps(document["clouds"]["sandbox"]))
    quick.write_config(document)
    plant(quick)
    listed = sandbox_cli("restore", DB, "--dry-run", "--json")
    unlisted = sandbox_cli("restore", "00000000-0000-4000-8000-000000000000", "--dry-run")
    assert listed.document["cloud"] == "sandbox"
    assert unlisted.code == 2
    assert "--cloud: not given, and nothing tells which of sandbox, other: name it" in unlisted.err


@dataclass
class AfterCreation:
    """Does one thing as soon as a new volume was asked for."""

    then: Callable[[], None]

    def before(self, _: Request) -> None:
        """Nothing happens before."""

    def after(self, request: Request) -> None:
        if request.method == "POST" and request.sent_path.endswith("/volumes"):
            self.then()


@pytest.fixture
def after_creation(quick: SandboxStack) -> Iterator[Callable[[Callable[[], None]], None]]:
    """Set what happens then; a new volume takes an hour."""
    quick.cloud.world.creation_seconds = 3600.0

    def set_hook(then: Callable[[], None]) -> None:
        quick.cloud.hook = AfterCreation(then)

    yield set_hook
    quick.cloud.hook = None


def test_a_volume_that_ends_in_error_is_told_by_its_id(
    sandbox_cli: Cli,
    quick: SandboxStack,
    after_creation: Callable[[Callable[[], None]], None],
) -> None:
    image = plant(quick)

    def fail() -> None:
        for volume in list(quick.cloud.world.volumes.values()):
            if volume.ready_at is not None:
                volume.status, volume.ready_at = "error", None

    after_creation(fail)
    ran = sandbox_cli("restore", DB)
    assert ran.code == 1
    assert "ended in status error: the cloud could not make it of image" in ran.err
    assert image.tags == []


def test_a_container_that_is_stopped_takes_its_pin_off(
    sandbox_cli: Cli,
    quick: SandboxStack,
    after_creation: Callable[[Callable[[], None]], None],
) -> None:
    image = plant(quick)
    after_creation(lambda: os.kill(os.getpid(), signal.SIGTERM))
    ran = sandbox_cli("restore", DB)
    assert ran.code == 130
    assert "look at it in the cloud before you restore again" in ran.err
    assert (image.tags, len(made(quick))) == ([], 1)
