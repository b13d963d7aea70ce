"""Whatever is wrong with config, secret, state, store or cloud: one clear line, the right code."""

import json
import os
from collections.abc import Callable
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.sandbox.stack import SandboxStack

RUNS = pytest.mark.parametrize("run", ["export", "cleanup"])


def one_line(err: str) -> str:
    assert err.startswith("volume-images: ")
    assert err.endswith("\n")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    return err


def put_config(stack: SandboxStack, body: bytes) -> None:
    stack.aws.s3.put_object(Bucket=stack.config_bucket, Key="config.yaml", Body=body)


@RUNS
@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"prefix: [unclosed", "YAML"),
        (b"\xff\xfe\x00", "config.yaml"),
        (b"version: 7", "version"),
        (b"prefix: 1\nclouds: 2\npolicies: 3", "clouds"),
    ],
)
def test_a_config_that_cannot_be_used_stops_the_run(
    sandbox_cli: Cli, stack: SandboxStack, run: str, body: bytes, says: str
) -> None:
    put_config(stack, body)
    ran = sandbox_cli(run)
    assert (ran.code, ran.out) == (2, "")
    assert says in one_line(ran.err)


@RUNS
def test_a_config_that_is_not_there_stops_the_run(
    sandbox_cli: Cli, stack: SandboxStack, run: str
) -> None:
    stack.aws.s3.delete_object(Bucket=stack.config_bucket, Key="config.yaml")
    ran = sandbox_cli(run)
    assert ran.code == 2
    assert f"{stack.config_location}: no such object" in one_line(ran.err)


@RUNS
def test_a_store_that_is_not_there_is_named(sandbox_cli: Cli, run: str) -> None:
    ran = sandbox_cli(run, "--store", "s3://no-such-bucket-anywhere")
    assert ran.code == 1
    assert "no-such-bucket-anywhere" in one_line(ran.err)


def secret_name(run: str) -> str:
    return f"volume-images/{run}/sandbox"


@RUNS
def test_a_secret_that_is_not_there_is_named(
    sandbox_cli: Cli, stack: SandboxStack, run: str
) -> None:
    stack.aws.secrets.delete_secret(SecretId=secret_name(run), ForceDeleteWithoutRecovery=True)
    ran = sandbox_cli(run, "--json")
    assert ran.code == 1
    assert secret_name(run) in one_line(ran.err)
    assert [cloud["result"] for cloud in ran.document["clouds"]] == ["no_credential"]


@RUNS
@pytest.mark.parametrize("secret", ["", "hello", "[]", '{"username": "x"}', '{"auth_url": 1}'])
def test_a_secret_of_the_wrong_shape_is_named_and_not_shown(
    sandbox_cli: Cli, stack: SandboxStack, run: str, secret: str
) -> None:
    stack.aws.secrets.put_secret_value(SecretId=secret_name(run), SecretString=secret or " ")
    ran = sandbox_cli(run)
    assert ran.code == 1
    assert secret_name(run) in one_line(ran.err)
    assert "hello" not in ran.err


@RUNS
def test_a_refused_password_is_told_and_not_shown(
    sandbox_cli: Cli, stack: SandboxStack, run: str
) -> None:
    secret = {**stack.cloud.secret(run), "password": "correct-horse"}
    stack.aws.secrets.put_secret_value(SecretId=secret_name(run), SecretString=json.dumps(secret))
    ran = sandbox_cli(run)
    assert ran.code == 1
    assert "sandbox" in one_line(ran.err)
    assert "correct-horse" not in ran.out + ran.err


@RUNS
@pytest.mark.parametrize("state", [b"", b"{", b"[]", b'{"version": "x"}'])
def test_a_damaged_state_is_named_and_the_work_is_done_all_the_same(
    sandbox_cli: Cli, stack: SandboxStack, run: str, state: bytes
) -> None:
    key = f"state/{run}/sandbox.json"
    stack.aws.s3.put_object(Bucket=stack.state_bucket, Key=key, Body=state)
    ran = sandbox_cli(run, "--json")
    assert ran.code == 1
    assert key in one_line(ran.err)
    assert ran.document["counts"].get("started", 0) == (3 if run == "export" else 0)
    assert sandbox_cli(run).code == 0


@RUNS
@pytest.mark.parametrize("body", [b"<html><h1>Welcome</h1></html>", b"", None])
@pytest.mark.parametrize("service", ["identity", "block_storage", "image"])
def test_a_cloud_that_answers_no_answer_is_one_clear_line(
    sandbox_cli: Cli,
    stack: SandboxStack,
    broken_service: Callable[[bytes | None], str],
    run: str,
    service: str,
    body: bytes | None,
) -> None:
    url = broken_service(body)
    break_service(stack, run, service, url)
    ran = sandbox_cli(run, "--json")
    assert ran.code in (1, 3)
    assert "sandbox" in one_line(ran.err)
    assert [cloud["result"] for cloud in ran.document["clouds"]] != ["served"]
    assert stack.cloud.world.images == {}


def break_service(stack: SandboxStack, run: str, service: str, url: str) -> None:
    if service == "identity":
        secret = {**stack.cloud.secret(run), "auth_url": f"{url}/v3"}
        stack.aws.secrets.put_secret_value(
            SecretId=secret_name(run), SecretString=json.dumps(secret)
        )
        return
    cloud: dict[str, Any] = {
        **stack.document["clouds"]["sandbox"],
        "endpoints": {**stack.cloud.endpoints, service: url},
    }
    stack.write_config({**stack.document, "clouds": {"sandbox": cloud}})


def test_an_unexpected_error_is_one_line_that_says_how_to_see_more(
    sandbox_cli: Cli,
    tmp_path: Any,  # noqa: ANN401
) -> None:
    """A folder where a file should be is nothing that anybody wrote a line for."""
    os.environ["AWS_CA_BUNDLE"] = str(tmp_path / "nowhere.pem")
    ran = sandbox_cli("export")
    assert ran.code in (1, 2)
    one_line(ran.err)
