"""Whatever is wrong with config, secret, state, store or cloud: one clear line, the right code."""

import json
from collections.abc import Callable

import pytest

from tests.cli.conftest import Cli
from tests.sandbox.stack import SandboxStack

pytestmark = pytest.mark.slow

HTML = b"<html><h1>Welcome</h1></html>"
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
    for line in ran.err.splitlines():  # neither state nor report can be kept there
        assert line.startswith("volume-images: ")
        assert "s3://no-such-bucket-anywhere" in line


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


@pytest.mark.parametrize("secret", ["hello", "[]", '{"username": "x"}'])
def test_a_secret_of_the_wrong_shape_is_named_and_not_shown(
    sandbox_cli: Cli, stack: SandboxStack, secret: str
) -> None:
    stack.aws.secrets.put_secret_value(SecretId=secret_name("export"), SecretString=secret)
    ran = sandbox_cli("export")
    assert ran.code == 1
    assert secret_name("export") in one_line(ran.err)
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
@pytest.mark.parametrize("state", [b"", b'{"version": "x"}'])
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


@pytest.mark.parametrize(
    ("run", "body"), [("export", HTML), ("cleanup", b""), ("export", None), ("cleanup", None)]
)
def test_an_identity_service_that_answers_no_answer_is_one_clear_line(
    sandbox_cli: Cli,
    stack: SandboxStack,
    broken_service: Callable[[bytes | None], str],
    run: str,
    body: bytes | None,
) -> None:
    secret = {**stack.cloud.secret(run), "auth_url": f"{broken_service(body)}/v3"}
    stack.aws.secrets.put_secret_value(SecretId=secret_name(run), SecretString=json.dumps(secret))
    ran = sandbox_cli(run, "--json")
    assert ran.code in (1, 3)
    assert "sandbox" in one_line(ran.err)
    assert [cloud["result"] for cloud in ran.document["clouds"]] != ["served"]
    assert stack.cloud.world.images == {}


def test_services_that_answer_no_answer_are_one_clear_line_that_names_their_clouds(
    sandbox_cli: Cli, stack: SandboxStack, broken_service: Callable[[bytes | None], str]
) -> None:
    """Reads are tried again for some seconds: all clouds wait for them in one run."""
    broken = {
        "pages": {"block_storage": broken_service(HTML)},
        "hangs-up": {"image": broken_service(None)},
    }
    cloud = stack.document["clouds"]["sandbox"]
    clouds = {
        name: {**cloud, "endpoints": {**stack.cloud.endpoints, **endpoints}}
        for name, endpoints in broken.items()
    }
    volumes = [
        {**volume, "cloud": name}
        for volume, name in zip(stack.document["volumes"], broken, strict=False)
    ]
    stack.write_config({**stack.document, "clouds": clouds, "volumes": volumes})
    for name in broken:
        stack.aws.secrets.create_secret(
            Name=f"volume-images/cleanup/{name}",
            SecretString=json.dumps(stack.cloud.secret("cleanup")),
        )
    ran = sandbox_cli("cleanup", "--json")
    assert ran.code in (1, 3)
    told = {one["cloud"]: one["result"] for one in ran.document["clouds"]}
    assert told == {"pages": "unavailable", "hangs-up": "unavailable"}
    line = one_line(ran.err)
    assert "pages: 200: GET " in line
    assert "hangs-up: GET " in line
