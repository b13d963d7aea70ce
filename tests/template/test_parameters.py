"""What a deployer may set: described, bounded, and refused when it cannot work."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.template.rendered import Stack, template
from volume_images.settings import Settings

PARAMETERS = template()["Parameters"]


@pytest.mark.parametrize("name", PARAMETERS)
def test_a_parameter_is_described_bounded_and_has_a_default(name: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter["Description"].endswith(".")
    assert "Default" in parameter
    assert parameter.keys() & {"AllowedPattern", "AllowedValues", "MinValue"}


@pytest.mark.parametrize("name", [n for n, p in PARAMETERS.items() if "AllowedPattern" in p])
def test_a_pattern_is_explained_and_takes_the_default(name: str) -> None:
    parameter = PARAMETERS[name]
    assert "ConstraintDescription" in parameter
    assert re.fullmatch(parameter["AllowedPattern"], parameter["Default"])


def test_the_console_shows_every_parameter_in_a_group() -> None:
    groups = template()["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]
    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(PARAMETERS)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TickSchedule", "rate(15 minutes)"),
        ("CleanupSchedule", "rate(2 hours)"),
        ("CleanupSchedule", "rate(24 hours)"),
        ("MinimumGrace", "3d"),
        ("MinimumGrace", "1d12h"),
        ("SecretPrefix", "team/volume-images"),
        ("ConfigKey", "prod/config.json"),
        ("AllowedRequestSources", "acme.ops"),
        ("SubnetIds", "subnet-0123456789abcdef0"),
        ("SecurityGroupIds", "sg-0123456789abcdef0"),
        ("CaBundleKey", "ca.pem"),
        ("AlarmEmail", "ops@example.com"),
        ("EventBusName", ""),
        ("EventBusName", "backup"),
        ("ExportHeartbeatUrl", "https://watch.example.com:8443/5f0c1a9e?every=10"),
    ],
)
def test_what_works_is_accepted(name: str, value: str) -> None:
    assert re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("TickSchedule", "rate(9 minutes)"),
        ("TickSchedule", "rate(1 day)"),
        ("CleanupSchedule", "rate(30 minutes)"),
        ("CleanupSchedule", "rate(25 hours)"),
        ("CleanupSchedule", "rate(1 hours)"),
        ("MinimumGrace", "0h"),
        ("MinimumGrace", "72"),
        ("MinimumGrace", ""),
        ("SecretPrefix", "*"),
        ("SecretPrefix", "volume-images/"),
        ("SecretPrefix", "team/*"),
        ("ConfigKey", "*.yaml"),
        ("ConfigKey", "/config.yaml"),
        ("ConfigKey", "config.txt"),
        ("CaBundleKey", "*"),
        ("CaBundleKey", "certificates/"),
        ("AllowedRequestSources", "*"),
        ("AlarmEmail", "ops"),
        ("EventBusName", "*"),
        ("EventBusName", "default:x"),
        ("ExportHeartbeatUrl", "http://watch.example.com"),
        ("CleanupHeartbeatUrl", "https://me:you@watch.example.com"),
        ("SubnetIds", "default"),
        ("SecurityGroupIds", "default"),
    ],
)
def test_what_cannot_work_or_would_widen_a_permission_is_refused(name: str, value: str) -> None:
    assert not re.fullmatch(PARAMETERS[name]["AllowedPattern"], value)


def accepted(name: str) -> st.SearchStrategy[str]:
    """Draw what CloudFormation takes; it matches whole values, so the anchors say nothing more."""
    pattern = PARAMETERS[name]["AllowedPattern"].removeprefix("^").removesuffix("$")
    return st.from_regex(re.compile(pattern, re.ASCII), fullmatch=True)


@given(
    secret_prefix=accepted("SecretPrefix"),
    minimum_grace=accepted("MinimumGrace"),
    config_key=accepted("ConfigKey"),
    ca_bundle_key=accepted("CaBundleKey"),
    event_bus=accepted("EventBusName"),
    heartbeat=accepted("ExportHeartbeatUrl"),
)
def test_what_a_pattern_accepts_the_functions_accept(
    secret_prefix: str,
    minimum_grace: str,
    config_key: str,
    ca_bundle_key: str,
    event_bus: str,
    heartbeat: str,
) -> None:
    """A value that deploys but stops every run would be found hours later."""
    stack = Stack(
        SecretPrefix=secret_prefix,
        MinimumGrace=minimum_grace,
        ConfigKey=config_key,
        CaBundleKey=ca_bundle_key,
        EventBusName=event_bus,
        ExportHeartbeatUrl=heartbeat,
    )
    environment = stack.properties("ExportVolumes")["Environment"]["Variables"]
    as_deployed = {name: value.lower() for name, value in environment.items()}  # bucket names are
    assert Settings.parse(as_deployed).deployment


def test_every_output_is_described_and_says_what_is_there() -> None:
    for output in Stack().outputs.values():
        assert output["Description"]
        assert isinstance(output["Value"], str)
        assert output["Value"]
