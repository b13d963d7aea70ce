"""`volume-images export`: what it prints, what it starts, and what it says by its exit code."""

import copy
from datetime import timedelta
from pathlib import Path

import pytest
import yaml

from tests.cli.conftest import Cli
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.stack import SandboxStack
from volume_images.cli.output.grid import cell
from volume_images.dialect import Dialect
from volume_images.overview.spelling import plain

ACCEPTED = ("started", "accepted")


def stored(stack: SandboxStack) -> list[str]:
    listing = stack.aws.s3.list_objects_v2(Bucket=stack.state_bucket)
    return [entry["Key"] for entry in listing.get("Contents", [])]


def test_every_due_volume_is_exported_and_told_of_in_json(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    ran = sandbox_cli("export", "--json")
    assert (ran.code, ran.err) == (0, "")
    assert ran.said == [ACCEPTED] * 3
    assert list(ran.document)[:3] == ["run_id", "outcomes", "counts"]
    assert ran.document["counts"]["started"] == 3
    images = {image.id: image.name for image in stack.cloud.world.images.values()}
    told = {entry["image_id"]: entry["image_name"] for entry in ran.document["outcomes"]}
    assert told == images
    keys = ["volume_id", "image_id", "image_name", "result", "reason"]
    assert all(list(entry)[:5] == keys for entry in ran.document["outcomes"])


def test_what_is_exported_already_is_said_to_be_done(sandbox_cli: Cli, stack: SandboxStack) -> None:
    sandbox_cli("export")
    stack.cloud.clock.set(stack.cloud.clock.now().replace(minute=30))
    assert sandbox_cli("export", "--json").said == [("done", "active")] * 3
    assert sandbox_cli("export", "--json").said == [("done", "already_exported")] * 3
    assert len(stack.cloud.world.images) == 3


def test_a_dry_run_changes_nothing(sandbox_cli: Cli, stack: SandboxStack) -> None:
    ran = sandbox_cli("export", "--dry-run", "--json")
    assert ran.code == 0
    assert ran.said == [("deferred", "dry_run")] * 3
    assert stack.cloud.world.images == {}
    assert [key for key in stored(stack) if key != "state/export/config.json"] == []


def test_a_missed_slot_is_told_with_exit_code_1_and_the_newest_one_is_exported(
    sandbox_cli: Cli, stack: SandboxStack
) -> None:
    sandbox_cli("export")
    stack.cloud.clock.advance(timedelta(days=2))
    ran = sandbox_cli("export", "--json")
    assert ran.code == 1
    counts = ran.document["counts"]
    assert (counts["started"], counts["missed"]) == (3, 3)
    missed = {entry["slot"] for entry in ran.document["outcomes"] if entry["result"] == "missed"}
    assert missed == {"2026-03-03T02:00:00+00:00"}


def test_at_chooses_the_slots(sandbox_cli: Cli, stack: SandboxStack) -> None:
    ran = sandbox_cli("export", "--at", "2026-03-01T02:00:00Z", "--json")
    assert (ran.code, ran.document["outcomes"]) == (0, [])  # later than its catch_up
    sandbox_cli("export", "--at", "2026-03-02T03:00:00+01:00")
    assert {image.name[-16:] for image in stack.cloud.world.images.values()} == {"20260302T020000Z"}


def test_wait_limits_how_long_full_clouds_are_waited_for(cli: Cli) -> None:
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=3, in_flight=1) as stack:
        ran = cli("export", "--wait", "20s", "--json", env=stack.env)
    assert ran.code == 0
    assert ran.said == [("deferred", "no_room")] * 2 + [ACCEPTED]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--at", "yesterday"), "must be a time with its zone"),
        (("--at", "2030-01-01T00:00:00Z"), "lies in the future"),
        (("--wait", "soon"), "must be a duration like 90s"),
        (("--wait", "0m"), "must be at least 1s"),
    ],
)
def test_times_that_cannot_be_read_are_wrong_input(
    sandbox_cli: Cli, arguments: tuple[str, ...], says: str
) -> None:
    ran = sandbox_cli("export", *arguments)
    assert ran.code == 2
    assert ran.out == ""
    assert says in ran.err
    assert ran.err.count("\n") == 1


def test_a_person_is_never_served_by_an_older_config(sandbox_cli: Cli, stack: SandboxStack) -> None:
    """A schedule goes on with the last config that could be read; a person means this one."""
    sandbox_cli("export", "--dry-run")
    stack.write_config({**stack.document, "prefix": "not a prefix"})
    ran = sandbox_cli("export")
    assert ran.code == 2
    assert "prefix" in ran.err
    assert stack.cloud.world.images == {}


def test_names_are_shown_as_they_are(sandbox_cli: Cli, stack: SandboxStack) -> None:
    names = ["db01[/x]", "</script>", "[red]:smile:[/red]"]
    document = copy.deepcopy(stack.document)
    for volume, name in zip(document["volumes"], names, strict=True):
        volume["name"] = name
    stack.write_config(document)
    ran = sandbox_cli("export")
    assert ran.code == 0
    assert all(name in ran.out for name in names)


def test_a_name_cannot_command_the_screen() -> None:
    assert plain("\x1b[2Jgone\n\u202e") == "\\x1b[2Jgone\\n\\u202e"
    assert cell("[b]db\x07[/b]").plain == "[b]db\\x07[/b]"


@pytest.mark.parametrize("width", ["80", "120"])
def test_a_table_fits_the_screen(sandbox_cli: Cli, width: str) -> None:
    ran = sandbox_cli("export", env={"COLUMNS": width})
    *table, address = ran.out.splitlines()
    assert max(map(len, table)) <= int(width)
    assert "db01-data" in ran.out
    assert "3 started" in ran.out
    assert address.startswith("s3://")


@pytest.fixture
def cloud_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, stack: SandboxStack
) -> tuple[Path, CloudSandbox]:
    """Return a config file for a cloud whose credentials lie in clouds.yaml: no AWS anywhere."""
    document = copy.deepcopy(stack.document)
    document["clouds"]["sandbox"]["clouds_yaml"] = "mine"
    config = tmp_path / "config.yaml"
    config.write_text(yaml.safe_dump(document))
    secret = stack.cloud.secret("export")
    auth = {
        "auth_url": secret["auth_url"],
        "username": secret["username"],
        "password": secret["password"],
        "user_domain_name": secret["domain"],
    }
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(yaml.safe_dump({"clouds": {"mine": {"auth": auth}}}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
    return config, stack.cloud


def test_without_aws_a_config_file_is_enough(
    cli: Cli,
    cloud_alone: tuple[Path, CloudSandbox],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config, cloud = cloud_alone
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(config.with_name("clouds.yaml")))
    ran = cli(
        "export",
        "--config",
        str(config),
        "--json",
        env={"VOLUME_IMAGES_CLOCK_URL": cloud.clock_url},
    )
    assert (ran.code, ran.err) == (0, "")
    assert ran.said == [ACCEPTED] * 3
    store = config.parent / ".volume-images"
    assert (store / "state/export/sandbox.json").is_file()
    assert [path.name for path in store.rglob("reports/export/**/*.json")] == [
        f"{ran.document['run_id']}.json"
    ]


def test_options_win_over_the_environment(
    cli: Cli, cloud_alone: tuple[Path, CloudSandbox], tmp_path: Path
) -> None:
    config, cloud = cloud_alone
    env = {
        "VOLUME_IMAGES_CONFIG": "/nowhere/config.yaml",
        "VOLUME_IMAGES_STORE": "/nowhere",
        "VOLUME_IMAGES_CLOCK_URL": cloud.clock_url,
        "OS_CLIENT_CONFIG_FILE": str(config.with_name("clouds.yaml")),
    }
    store = tmp_path / "elsewhere"
    ran = cli("export", "--config", str(config), "--store", str(store), env=env)
    assert ran.code == 0
    assert (store / "state/export/sandbox.json").is_file()


def test_without_a_config_the_command_says_how_to_name_one(cli: Cli) -> None:
    ran = cli("export")
    assert ran.code == 2
    assert "--config" in ran.err
