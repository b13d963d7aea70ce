"""From settings to the world of a run: config and its faults, secrets, clouds, clocks."""

import io
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import certifi
import pytest
import yaml

from tests.sandbox.aws_server import AwsSandbox
from tests.sandbox.stack import SandboxStack
from volume_images.bootstrap import connect
from volume_images.clock import ServedClock, SystemClock
from volume_images.cloud_secrets import read_aws_secret
from volume_images.connections import Connections
from volume_images.dialect import Dialect
from volume_images.errors import (
    CloudUnavailable,
    ConfigError,
    CredentialError,
    NoConfigYet,
    SettingsError,
    StoreError,
)
from volume_images.report import Function
from volume_images.run_id import new_run_id
from volume_images.settings import Settings
from volume_images.storage.folder import ConfigFile, FolderStore
from volume_images.used_config import LAST_CONFIG_KEY, use_config

CANARY = "canary-6f1d"
CONFIG = b"""
version: 1
prefix: acme-demo
clouds: {lab: {dialect: openstack, region: one, project: backup}}
policies: {daily: {select: {backup: daily}, schedule: "0 2 * * *", retention: {keep_last: 3}}}
"""
OTHER = CONFIG.replace(b"acme-demo", b"acme-other")
BROKEN = b"version: 1\nprefix: [\n"


@pytest.fixture(scope="module")
def started() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=1) as stack:
        yield stack


@pytest.fixture
def stack(started: SandboxStack, monkeypatch: pytest.MonkeyPatch) -> SandboxStack:
    for name, value in started.env.items():
        monkeypatch.setenv(name, value)
    started.write_config(started.document)
    put_secret(started.aws, json.dumps(started.cloud.secret("export")))
    return started


@pytest.fixture
def settings(stack: SandboxStack) -> Settings:
    return Settings.parse(stack.env)


def put_secret(aws: AwsSandbox, text: str, name: str = "volume-images/export/sandbox") -> None:
    aws.secrets.put_secret_value(SecretId=name, SecretString=text)


def tokens_asked_for(stack: SandboxStack) -> int:
    return sum("/auth/tokens" in path for _, path, _ in stack.cloud.requests)


class TestWorld:
    def test_it_holds_what_the_settings_name(self, stack: SandboxStack, settings: Settings) -> None:
        world = connect(settings, Function.EXPORT, Connections())
        assert world.config.prefix == stack.document["prefix"]
        assert world.config_fault == ""
        assert world.config_version == world.store.config().version
        assert world.deployment_id == settings.deployment_id
        assert world.minimum_grace == timedelta(hours=72)
        assert re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f]{8}", world.run_id)

    def test_no_secret_is_read_and_no_cloud_called_before_one_is_opened(
        self, stack: SandboxStack, settings: Settings
    ) -> None:
        before = len(stack.cloud.requests)
        put_secret(stack.aws, "no secret at all")
        connect(settings, Function.EXPORT, Connections())
        asked = [path for _, path, _ in stack.cloud.requests[before:]]
        assert {path for path in asked if "clock" not in path} == set()

    def test_without_aws_a_folder_and_a_file_do(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        monkeypatch.setenv("AWS_PROFILE", "there-is-no-such-profile")
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "export_volumes")
        (tmp_path / "config.yaml").write_bytes(CONFIG)
        settings = Settings(
            config=str(tmp_path / "config.yaml"), store=str(tmp_path / "store"), deployment="here"
        )
        world = connect(settings, Function.EXPORT, Connections.warmed_up())
        assert world.config.prefix == "acme-demo"
        assert isinstance(world.clock, SystemClock)

    def test_a_client_of_aws_that_cannot_be_made_is_a_fault_of_the_settings(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        monkeypatch.setenv("AWS_PROFILE", "there-is-no-such-profile")
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_NAME", "export_volumes")
        with pytest.raises(SettingsError, match="no client of AWS can be made"):
            connect(settings, Function.EXPORT, Connections.warmed_up())

    def test_a_config_in_a_file_goes_with_a_store_in_s3(
        self, settings: Settings, tmp_path: Path
    ) -> None:
        (tmp_path / "config.yaml").write_bytes(CONFIG)
        local = replace(settings, config=str(tmp_path / "config.yaml"))
        world = connect(local, Function.CLEANUP, Connections())
        assert world.config.prefix == "acme-demo"
        assert world.store.state("state/export/none.json") is None


class TestClouds:
    def test_a_cloud_is_opened_with_the_secret_of_the_role(
        self, stack: SandboxStack, settings: Settings
    ) -> None:
        put_secret(stack.aws, "no secret at all", "volume-images/cleanup/sandbox")
        world = connect(settings, Function.EXPORT, Connections())
        assert world.open_cloud("sandbox").project_id == stack.cloud.project_id
        cleanup = connect(settings, Function.CLEANUP, Connections())
        with pytest.raises(CredentialError, match="volume-images/cleanup/sandbox"):
            cleanup.open_cloud("sandbox")

    def test_an_opened_cloud_is_kept_while_its_secret_and_config_stay(
        self, stack: SandboxStack, settings: Settings
    ) -> None:
        connections = Connections()
        before = tokens_asked_for(stack)
        first = connect(settings, Function.EXPORT, connections).open_cloud("sandbox")
        second = connect(settings, Function.EXPORT, connections).open_cloud("sandbox")
        assert first is second
        assert tokens_asked_for(stack) == before + 1

    def test_a_new_secret_counts_at_once(self, stack: SandboxStack, settings: Settings) -> None:
        connections = Connections()
        connect(settings, Function.EXPORT, connections).open_cloud("sandbox")
        wrong = {**stack.cloud.secret("export"), "password": CANARY}
        put_secret(stack.aws, json.dumps(wrong))
        with pytest.raises(CredentialError):
            connect(settings, Function.EXPORT, connections).open_cloud("sandbox")

    def test_another_config_of_the_cloud_opens_it_anew(
        self, stack: SandboxStack, settings: Settings
    ) -> None:
        connections = Connections()
        first = connect(settings, Function.EXPORT, connections).open_cloud("sandbox")
        clouds = {"sandbox": {**stack.document["clouds"]["sandbox"], "max_concurrency": 2}}
        stack.write_config({**stack.document, "clouds": clouds})
        second = connect(settings, Function.EXPORT, connections).open_cloud("sandbox")
        assert first is not second

    def test_a_kept_cloud_follows_a_served_clock(
        self, stack: SandboxStack, settings: Settings
    ) -> None:
        """Else its own idea of the time would differ by days from that of the cloud's answers."""
        connections = Connections()
        connect(settings, Function.EXPORT, connections).open_cloud("sandbox")
        stack.cloud.clock.advance(timedelta(days=1))
        cloud = connect(settings, Function.EXPORT, connections).open_cloud("sandbox")
        list(cloud.volumes.all())
        assert abs(cloud.clock_skew()) < timedelta(minutes=1)

    def test_a_refused_secret_is_told_by_its_fingerprint_and_not_tried_again(
        self, stack: SandboxStack, settings: Settings
    ) -> None:
        put_secret(stack.aws, json.dumps({**stack.cloud.secret("export"), "password": CANARY}))
        world = connect(settings, Function.EXPORT, Connections())
        with pytest.raises(CredentialError) as refusal:
            world.open_cloud("sandbox")
        assert refusal.value.refused
        assert refusal.value.fingerprint
        before = tokens_asked_for(stack)
        with pytest.raises(CredentialError, match="less than an hour ago") as rest:
            world.open_cloud("sandbox", refusal.value.fingerprint)
        assert not rest.value.refused
        assert tokens_asked_for(stack) == before

    def test_credentials_come_from_clouds_yaml_where_the_config_says_so(
        self,
        stack: SandboxStack,
        settings: Settings,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        secret = stack.cloud.secret("export")
        auth = {
            "auth_url": secret["auth_url"],
            "username": secret["username"],
            "password": secret["password"],
            "user_domain_name": secret["domain"],
        }
        (tmp_path / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"lab": {"auth": auth}}}))
        monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(tmp_path / "clouds.yaml"))
        put_secret(stack.aws, "no secret at all")
        clouds = {"sandbox": {**stack.document["clouds"]["sandbox"], "clouds_yaml": "lab"}}
        stack.write_config({**stack.document, "clouds": clouds})
        connections = Connections()
        world = connect(settings, Function.EXPORT, connections)
        assert world.open_cloud("sandbox").project_id == stack.cloud.project_id
        assert world.open_cloud("sandbox") is world.open_cloud("sandbox")

    def test_a_ca_bundle_in_s3_is_trusted(self, stack: SandboxStack, settings: Settings) -> None:
        bundle = "s3://" + stack.config_bucket + "/ca.pem"
        put = stack.aws.s3.put_object
        world = connect(replace(settings, ca_bundle=bundle), Function.EXPORT, Connections())
        with pytest.raises(StoreError, match=r"ca\.pem: no such object"):
            world.open_cloud("sandbox")
        put(Bucket=stack.config_bucket, Key="ca.pem", Body=b"no certificate")
        with pytest.raises(SettingsError, match=r"s3://.*ca\.pem: not a PEM file"):
            world.open_cloud("sandbox")
        put(Bucket=stack.config_bucket, Key="ca.pem", Body=Path(certifi.where()).read_bytes())
        assert world.open_cloud("sandbox").project_id == stack.cloud.project_id


class TestSecrets:
    @pytest.mark.parametrize(
        "text",
        ["", CANARY, f'"{CANARY}"', f'{{"password": "{CANARY}"', f'{{"password": "{CANARY}"}}'],
    )
    def test_one_of_a_wrong_shape_is_named_and_never_quoted(
        self, stack: SandboxStack, settings: Settings, text: str
    ) -> None:
        put_secret(stack.aws, text or " ")
        with pytest.raises(CredentialError, match="volume-images/export/sandbox") as caught:
            connect(settings, Function.EXPORT, Connections()).open_cloud("sandbox")
        error: BaseException | None = caught.value
        while error is not None:
            assert CANARY not in f"{error} {error!r} {vars(error)}"
            error = error.__cause__ or error.__context__

    def test_a_missing_one_is_named_with_what_to_do(self, stack: SandboxStack) -> None:
        with pytest.raises(CredentialError, match=r"secret other/export/sandbox: .*create it"):
            read_aws_secret(stack.aws.secrets, "other/export/sandbox")

    def test_one_that_is_not_text_is_refused(self, stack: SandboxStack) -> None:
        stack.aws.secrets.create_secret(Name="binary", SecretBinary=CANARY.encode())
        with pytest.raises(CredentialError, match="secret binary: must be a JSON object"):
            read_aws_secret(stack.aws.secrets, "binary")

    def test_no_answer_is_no_fault_of_the_secret(
        self, monkeypatch: pytest.MonkeyPatch, settings: Settings
    ) -> None:
        world = connect(settings, Function.EXPORT, Connections())
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        with pytest.raises(CloudUnavailable, match="no answer from Secrets Manager"):
            world.open_cloud("sandbox")

    def test_none_is_logged_at_debug_level(self, stack: SandboxStack, settings: Settings) -> None:
        """Not by botocore, not by keystoneauth1, not by urllib3: nobody under the root logger."""
        secret = {**stack.cloud.secret("export"), "password": CANARY}
        put_secret(stack.aws, json.dumps(secret))
        written = io.StringIO()
        handler = logging.StreamHandler(written)
        root = logging.getLogger()
        level = root.level
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        try:
            with pytest.raises(CredentialError):
                connect(settings, Function.EXPORT, Connections()).open_cloud("sandbox")
        finally:
            root.setLevel(level)
            root.removeHandler(handler)
        assert "Starting new HTTP connection" in written.getvalue()
        assert CANARY not in written.getvalue()


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    return FolderStore(tmp_path / "store", ConfigFile(tmp_path / "config.yaml"))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config.yaml"


class TestUsedConfig:
    def test_a_broken_config_gives_way_to_the_last_good_one_in_exports(
        self, store: FolderStore, config: Path
    ) -> None:
        config.write_bytes(CONFIG)
        good = use_config(store, "config.yaml", Function.EXPORT)
        config.write_bytes(BROKEN)
        used = use_config(store, "config.yaml", Function.EXPORT)
        assert (used.config, used.version) == (good.config, good.version)
        assert used.fault.startswith("config.yaml: ")
        assert used.fault.endswith(f"version {good.version} is used")

    def test_a_removed_config_gives_way_to_the_last_good_one_in_exports(
        self, store: FolderStore, config: Path
    ) -> None:
        config.write_bytes(CONFIG)
        good = use_config(store, "config.yaml", Function.EXPORT)
        config.unlink()
        used = use_config(store, "config.yaml", Function.EXPORT)
        assert used.config == good.config
        assert "no such file" in used.fault

    @pytest.mark.parametrize("fault", ["broken", "removed"])
    def test_a_cleanup_stops_at_any_fault(
        self, store: FolderStore, config: Path, fault: str
    ) -> None:
        config.write_bytes(CONFIG)
        use_config(store, "config.yaml", Function.EXPORT)
        config.write_bytes(BROKEN)
        if fault == "removed":
            config.unlink()
        with pytest.raises(ConfigError) as caught:
            use_config(store, "config.yaml", Function.CLEANUP)
        assert not isinstance(caught.value, NoConfigYet)

    @pytest.mark.parametrize("function", list(Function))
    def test_where_there_never_was_a_config_there_is_nothing_to_do_yet(
        self, store: FolderStore, function: Function
    ) -> None:
        with pytest.raises(NoConfigYet, match=r"config\.yaml: no such file"):
            use_config(store, "config.yaml", function)

    def test_a_first_config_that_is_broken_is_a_fault(
        self, store: FolderStore, config: Path
    ) -> None:
        config.write_bytes(BROKEN)
        with pytest.raises(ConfigError) as caught:
            use_config(store, "config.yaml", Function.EXPORT)
        assert not isinstance(caught.value, NoConfigYet)

    def test_only_exports_keep_what_they_read(self, store: FolderStore, config: Path) -> None:
        """The other role may not even write there."""
        config.write_bytes(CONFIG)
        use_config(store, "config.yaml", Function.CLEANUP)
        assert store.state(LAST_CONFIG_KEY) is None

    def test_the_newest_that_could_be_read_is_kept(self, store: FolderStore, config: Path) -> None:
        for body in (CONFIG, OTHER, BROKEN):
            config.write_bytes(body)
            used = use_config(store, "config.yaml", Function.EXPORT)
        assert used.config.prefix == "acme-other"

    def test_a_config_of_the_same_version_is_not_parsed_again(
        self, store: FolderStore, config: Path
    ) -> None:
        config.write_bytes(CONFIG)
        first = use_config(store, "config.yaml", Function.EXPORT)
        assert use_config(store, "config.yaml", Function.EXPORT, first) is first
        config.write_bytes(OTHER)
        assert use_config(store, "config.yaml", Function.EXPORT, first).version != first.version

    def test_a_mended_config_is_used_again(self, store: FolderStore, config: Path) -> None:
        config.write_bytes(CONFIG)
        use_config(store, "config.yaml", Function.EXPORT)
        config.write_bytes(BROKEN)
        broken = use_config(store, "config.yaml", Function.EXPORT)
        config.write_bytes(CONFIG)
        assert use_config(store, "config.yaml", Function.EXPORT, broken).fault == ""

    @pytest.mark.parametrize(
        "damage", [b"", b"[]", b"{}", b'{"document": 1}', b'{"document": "version: 9"}']
    )
    def test_a_damaged_record_of_the_last_config_is_none_but_not_never(
        self, store: FolderStore, damage: bytes
    ) -> None:
        store.replace_state(LAST_CONFIG_KEY, damage, None)
        with pytest.raises(ConfigError) as caught:
            use_config(store, "config.yaml", Function.EXPORT)
        assert not isinstance(caught.value, NoConfigYet)

    def test_a_damaged_record_gives_way_to_its_earlier_version(
        self, stack: SandboxStack, settings: Settings
    ) -> None:
        connect(settings, Function.EXPORT, Connections())
        put = stack.aws.s3.put_object
        put(Bucket=stack.state_bucket, Key=LAST_CONFIG_KEY, Body=b"{")
        put(Bucket=stack.config_bucket, Key="config.yaml", Body=BROKEN)
        world = connect(settings, Function.EXPORT, Connections())
        assert world.config.prefix == stack.document["prefix"]
        assert world.config_fault.startswith(stack.config_location)


class TestClock:
    def test_a_served_clock_runs_on_from_what_it_read(self, stack: SandboxStack) -> None:
        served = ServedClock(stack.cloud.clock_url)
        assert abs(served.now() - stack.cloud.clock.now()) < timedelta(seconds=5)
        before = served.now()
        stack.cloud.clock.advance(timedelta(days=1))
        assert before <= served.now() < before + timedelta(hours=1)
        served.read()
        assert abs(served.now() - before - timedelta(days=1)) < timedelta(seconds=5)

    @pytest.mark.parametrize(
        "url",
        [
            "http://example.org/clock",
            "http://10.0.0.1/",
            "https://127.0.0.1/",
            "file:///etc/passwd",
        ],
    )
    def test_only_a_loopback_address_is_asked(self, url: str) -> None:
        with pytest.raises(SettingsError, match="only http on a loopback address"):
            ServedClock(url)

    def test_a_clock_that_does_not_answer_is_a_fault_of_the_settings(
        self, stack: SandboxStack
    ) -> None:
        for url in ("http://127.0.0.1:9/clock", f"{stack.cloud.url}/no/clock"):
            with pytest.raises(SettingsError, match="no clock answers there"):
                ServedClock(url)

    @pytest.mark.parametrize("clock", [SystemClock(), "served"])
    def test_every_clock_is_aware_and_only_runs_forward(
        self, stack: SandboxStack, clock: SystemClock | str
    ) -> None:
        running = ServedClock(stack.cloud.clock_url) if isinstance(clock, str) else clock
        before, now = running.monotonic(), running.now()
        running.sleep(0.01)
        assert running.monotonic() >= before + 0.01
        assert running.now() > now
        assert now.tzinfo is UTC

    def test_run_ids_sort_by_time_and_are_never_given_twice(self) -> None:
        at = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
        ids = {new_run_id(at) for _ in range(100)}
        assert len(ids) == 100
        assert max(ids) < new_run_id(at + timedelta(seconds=1))
        assert all(re.fullmatch(r"20260302T020500Z-[0-9a-f]{8}", one) for one in ids)
