"""The ready-made stack and its command: config, secrets, environment, a clean stop."""

import json
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path

import boto3
import pytest
import requests

from tests.sandbox.__main__ import main
from tests.sandbox.aws_server import CLIENT_CONFIG
from tests.sandbox.seeds import FIRST_VOLUMES
from tests.sandbox.stack import SandboxStack
from volume_images.config.schema import parse_config
from volume_images.dialect import Dialect
from volume_images.settings import Settings

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("dialect", list(Dialect))
def test_a_stack_has_a_config_that_parses_and_a_secret_for_each_role(dialect: Dialect) -> None:
    with SandboxStack(dialect=dialect, volumes=4, in_flight=2) as stack:
        s3, secrets = stack.aws.s3, stack.aws.secrets
        body = s3.get_object(Bucket=stack.config_bucket, Key="config.yaml")["Body"].read()
        config = parse_config(body, stack.config_location)
        settings = Settings.parse(stack.env)
        names = [f"volume-images/{role}/sandbox" for role in ("export", "cleanup", "restore")]
        kept = [
            json.loads(secrets.get_secret_value(SecretId=name)["SecretString"]) for name in names
        ]
        assert kept[0] == stack.cloud.secret("export")
        assert len({secret["username"] for secret in kept}) == 3
    assert config.clouds["sandbox"].max_in_flight == 2
    assert [volume.id for volume in config.volumes[:3]] == [each[0] for each in FIRST_VOLUMES]
    assert len(config.volumes) == 4
    assert settings.config == stack.config_location
    assert settings.clock_url == stack.cloud.clock_url


def test_every_start_has_the_same_volumes_and_all_may_be_in_flight() -> None:
    first, second = (SandboxStack(dialect=Dialect.HUAWEI, volumes=40) for _ in range(2))
    with first, second:
        assert list(first.cloud.world.volumes) == list(second.cloud.world.volumes)
        assert first.document["clouds"]["sandbox"]["max_in_flight"] == 40


def test_a_stopped_stack_leaves_no_thread() -> None:
    before = set(threading.enumerate())
    with SandboxStack(dialect=Dialect.OPENSTACK) as stack, requests.Session() as session:
        session.get(f"{stack.cloud.url}/identity/v3", timeout=5)
        stack.stop()
        assert set(threading.enumerate()) <= before
        stack.stop()


def test_the_command_prints_one_line_serves_and_stops_on_sigterm() -> None:
    command = [sys.executable, "-m", "tests.sandbox", "--dialect", "openstack", "--volumes", "2"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        greeting = json.loads(process.stdout.readline())
        told = requests.get(greeting["clock"], timeout=5).json()
        env = greeting["env"]
        s3 = boto3.client(
            "s3",
            endpoint_url=env["AWS_ENDPOINT_URL"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
            region_name=env["AWS_DEFAULT_REGION"],
            config=CLIENT_CONFIG,
        )
        bucket, _, key = greeting["config"].removeprefix("s3://").partition("/")
        body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
        assert process.wait(timeout=10) == 0
    assert told["now"].startswith("2026-03-02T02:")
    assert set(greeting["endpoints"]) == {"identity", "block_storage", "image", "aws"}
    assert len(parse_config(body, "the sandbox's config").volumes) == 2
    assert rest == ""


def test_a_taken_port_is_one_clear_line(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["--port", str(port)]) == 2
    expected = f"port {port}: Address already in use: choose another --port\n"
    assert capsys.readouterr() == ("", expected)


@pytest.mark.parametrize("arguments", [["--volumes", "0"], ["--dialect", "nova"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
