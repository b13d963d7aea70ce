"""What Lambda is told, where `sam validate --lint` is silent on what AWS refuses or we need."""

import tomllib
from dataclasses import fields
from pathlib import Path

import pytest

from tests.template.rendered import Stack, template
from volume_images.settings import PREFIX, Settings

ROOT = Path(__file__).parents[2]
FUNCTIONS = {"ExportVolumes": "export_volumes", "CleanupImages": "cleanup_images"}
HEARTBEATS = {
    "ExportHeartbeatUrl": "https://watch.example.com/export_volumes",
    "CleanupHeartbeatUrl": "https://watch.example.com/cleanup_images",
}


def test_the_stack_has_two_functions() -> None:
    assert set(Stack().of_type("AWS::Serverless::Function")) == set(FUNCTIONS)


@pytest.mark.parametrize(("function", "folder"), FUNCTIONS.items())
def test_a_function_runs_its_handler_on_both_layers(function: str, folder: str) -> None:
    properties = Stack().properties(function)
    assert properties["Runtime"] == "python3.13"
    assert properties["Architectures"] == ["arm64"]
    assert properties["Handler"] == "app.handler"
    assert properties["CodeUri"] == f"functions/{folder}/"
    assert properties["Layers"] == ["DependenciesLayer", "VolumeImagesLayer"]


def test_layers_are_built_for_the_runtime_of_the_functions() -> None:
    layers = Stack().of_type("AWS::Serverless::LayerVersion")
    assert {name: layer["ContentUri"] for name, layer in layers.items()} == {
        "DependenciesLayer": "layers/dependencies/",
        "VolumeImagesLayer": "layers/volume_images/",
    }
    for name, layer in layers.items():
        assert layer["CompatibleRuntimes"] == ["python3.13"]
        assert layer["CompatibleArchitectures"] == ["arm64"]
        assert Stack().resources[name]["Metadata"]["BuildMethod"] == "makefile"
        makefile = (ROOT / layer["ContentUri"] / "Makefile").read_text()
        assert "PYTHON_VERSION := 3.13\n" in makefile
        assert f"build-{name}:\n" in makefile
        assert makefile.endswith("\t$(compile-layer)\n")


def test_the_layer_of_dependencies_is_installed_for_the_runtime() -> None:
    makefile = (ROOT / "layers" / "dependencies" / "Makefile").read_text()
    assert "PLATFORM := manylinux2014_aarch64\n" in makefile
    for option in ("--require-hashes", "--no-deps", "--only-binary :all:"):
        assert option in makefile


def test_sam_builds_in_source_where_the_layer_reaches_its_pins() -> None:
    samconfig = tomllib.loads((ROOT / "samconfig.toml").read_text())
    assert samconfig["default"]["build"]["parameters"]["build_in_source"] is True


@pytest.mark.parametrize(("function", "seconds"), [("ExportVolumes", 540), ("CleanupImages", 900)])
def test_a_function_has_the_time_its_runs_count_on(function: str, seconds: int) -> None:
    assert Stack().properties(function)["Timeout"] == seconds


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_event_is_run_twice_or_late(function: str) -> None:
    """The next tick is the retry."""
    invocation = Stack().properties(function)["EventInvokeConfig"]
    assert invocation["MaximumRetryAttempts"] == 0
    assert invocation["MaximumEventAgeInSeconds"] == 540


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_crash_reaches_the_failure_queue(function: str) -> None:
    destination = Stack().properties(function)["EventInvokeConfig"]["DestinationConfig"]
    assert destination["OnFailure"] == {"Type": "SQS", "Destination": "arn:FailureQueue"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_is_told_where_everything_is(function: str) -> None:
    stack = Stack(CaBundleKey="ca.pem", **HEARTBEATS)
    assert stack.properties(function)["Environment"]["Variables"] == {
        "VOLUME_IMAGES_CONFIG": "s3://ConfigBucket/config.yaml",
        "VOLUME_IMAGES_STORE": "s3://StoreBucket",
        "VOLUME_IMAGES_SECRET_PREFIX": "volume-images",
        "VOLUME_IMAGES_DEPLOYMENT": "111122223333/eu-central-1/volume-images",
        "VOLUME_IMAGES_MINIMUM_GRACE": "72h",
        "VOLUME_IMAGES_CA_BUNDLE": "s3://ConfigBucket/ca.pem",
        "VOLUME_IMAGES_DETAILED_METRICS": "false",
        "VOLUME_IMAGES_EVENT_BUS": "default",
        "VOLUME_IMAGES_HEARTBEAT_URL": f"https://watch.example.com/{FUNCTIONS[function]}",
        "POWERTOOLS_SERVICE_NAME": FUNCTIONS[function],
        "POWERTOOLS_METRICS_NAMESPACE": "VolumeImages/volume-images",
        "LOG_LEVEL": "INFO",
    }


def test_every_setting_but_the_sandbox_clock_is_deployed() -> None:
    stack = Stack(CaBundleKey="ca.pem", **HEARTBEATS)
    environment = stack.properties("ExportVolumes")["Environment"]
    deployed = {name for name in environment["Variables"] if name.startswith(PREFIX)}
    known = {f"{PREFIX}{field.name.upper()}" for field in fields(Settings)}
    assert deployed == known - {f"{PREFIX}CLOCK_URL"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_what_is_left_empty_is_not_set(function: str) -> None:
    environment = Stack(EventBusName="").properties(function)["Environment"]["Variables"]
    left = {"CA_BUNDLE", "EVENT_BUS", "HEARTBEAT_URL"}
    assert not {f"{PREFIX}{name}" for name in left} & environment.keys()


@pytest.mark.parametrize("function", FUNCTIONS)
def test_logs_go_to_a_group_that_forgets(function: str) -> None:
    stack = Stack(LogRetentionDays="30")
    logging = stack.properties(function)["LoggingConfig"]
    assert logging["LogFormat"] == "Text"
    assert stack.properties(logging["LogGroup"])["RetentionInDays"] == "30"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_runs_in_a_vpc_only_when_asked(function: str) -> None:
    in_vpc = Stack(SubnetIds="subnet-0a,subnet-0b", SecurityGroupIds="sg-0c")
    assert "VpcConfig" not in Stack().properties(function)
    assert in_vpc.properties(function)["VpcConfig"] == {
        "SubnetIds": ["subnet-0a", "subnet-0b"],
        "SecurityGroupIds": ["sg-0c"],
    }


@pytest.mark.parametrize("half", ["SubnetIds", "SecurityGroupIds"])
def test_half_a_network_is_not_silently_none(half: str) -> None:
    """Lambda refuses it, and so the deployment fails."""
    stack = Stack(**{half: "subnet-0a" if half == "SubnetIds" else "sg-0c"})
    assert "VpcConfig" in stack.properties("ExportVolumes")


def test_no_function_takes_concurrency_from_the_account() -> None:
    """Reserved concurrency cannot be had in new accounts; the conditional write guards."""
    for function in FUNCTIONS:
        assert "ReservedConcurrentExecutions" not in Stack().properties(function)


def test_no_setting_is_a_secret() -> None:
    assert "NoEcho" not in str(template()["Parameters"])
