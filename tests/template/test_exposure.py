"""Nothing of the stack is public, unencrypted or allowed too much, whatever is switched on.

These hold for every resource, so that one added later is held to the same.
"""

import json
from typing import Any

import pytest
from typing_extensions import override

from tests.template.permissions import listed
from tests.template.rendered import Stack

# What cannot be named in advance, or has no resource (Service Authorization Reference).
WITHOUT_RESOURCE = {"ec2:CreateNetworkInterface", "cloudwatch:PutMetricData"}
SERVICES = {"lambda.amazonaws.com", "scheduler.amazonaws.com"}
ACCOUNT = "arn:aws:iam::111122223333:root"


class Everything(Stack):
    """The stack with every option switched on at once."""

    @override
    def _holds(self, condition: str) -> bool:
        return True


STACKS = [Stack(), Everything()]
both = pytest.mark.parametrize("stack", STACKS, ids=["as it comes", "with everything"])


def role_statements(stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    return [
        (role, statement)
        for role, properties in stack.of_type("AWS::IAM::Role").items()
        for policy in properties.get("Policies", [])
        for statement in policy["PolicyDocument"]["Statement"]
    ]


def resource_policies(stack: Stack) -> list[tuple[str, dict[str, Any]]]:
    """Return the statements of all policies that hang on a resource, with its name."""
    found = []
    for name, resource in stack.resources.items():
        properties = resource.get("Properties", {})
        document = properties.get("PolicyDocument") or properties.get("KeyPolicy") or {}
        found += [(name, statement) for statement in document.get("Statement", [])]
    return found


@both
def test_every_statement_of_a_role_names_actions_and_resources(stack: Stack) -> None:
    statements = role_statements(stack)
    assert len(statements) >= 10
    for role, statement in statements:
        assert statement["Effect"] == "Allow", role
        for action in listed(statement["Action"]):
            assert "*" not in action, (role, action)
            if action not in WITHOUT_RESOURCE:
                assert "*" not in listed(statement["Resource"]), (role, action)
        assert not {"NotAction", "NotResource"} & set(statement), role


@both
def test_no_role_may_give_itself_or_others_more(stack: Stack) -> None:
    reaching = ("iam:", "sts:", "kms:Put", "s3:PutBucket", "s3:DeleteObject", "lambda:Update")
    actions = {
        action for _, statement in role_statements(stack) for action in listed(statement["Action"])
    }
    assert {action for action in actions if action.startswith(reaching)} == set()


@both
def test_only_services_of_aws_may_assume_a_role(stack: Stack) -> None:
    for role, properties in stack.of_type("AWS::IAM::Role").items():
        for statement in properties["AssumeRolePolicyDocument"]["Statement"]:
            assert set(statement["Principal"]) == {"Service"}, role
            assert set(listed(statement["Principal"]["Service"])) <= SERVICES, role


@both
def test_no_policy_of_a_resource_lets_strangers_in(stack: Stack) -> None:
    for name, statement in resource_policies(stack):
        if statement["Effect"] == "Deny":
            continue
        principal = statement["Principal"]
        assert principal != "*", name
        assert set(principal) <= {"Service", "AWS"}, name
        if "AWS" in principal:
            assert set(listed(principal["AWS"])) == {ACCOUNT}, name


@both
def test_every_bucket_is_private_encrypted_and_speaks_tls_alone(stack: Stack) -> None:
    denied = {
        statement["Resource"][0]
        for _, statement in resource_policies(stack)
        if statement.get("Condition") == {"Bool": {"aws:SecureTransport": "false"}}
    }
    for name, bucket in stack.of_type("AWS::S3::Bucket").items():
        assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}, name
        assert len(bucket["PublicAccessBlockConfiguration"]) == 4, name
        assert "BucketEncryption" in bucket, name
        assert f"arn:{name}" in denied, name


@both
def test_every_queue_topic_and_key_is_encrypted_or_turns(stack: Stack) -> None:
    for name, queue in stack.of_type("AWS::SQS::Queue").items():
        assert queue.get("SqsManagedSseEnabled") is True or "KmsMasterKeyId" in queue, name
    for name, topic in stack.of_type("AWS::SNS::Topic").items():
        assert "KmsMasterKeyId" in topic, name
    for name, key in stack.of_type("AWS::KMS::Key").items():
        assert key["EnableKeyRotation"] is True, name


@both
def test_nothing_answers_the_internet(stack: Stack) -> None:
    """No function URL, API, load balancer, public permission, or resource of another kind."""
    kinds = {resource["Type"] for resource in stack.resources.values()}
    public = ("AWS::ApiGateway", "AWS::Lambda::Url", "AWS::ElasticLoad", "AWS::Serverless::Api")
    assert not {kind for kind in kinds if kind.startswith(public)}
    for function in stack.of_type("AWS::Serverless::Function").values():
        assert "FunctionUrlConfig" not in function
        events = {event["Type"] for event in function.get("Events", {}).values()}
        assert events <= {"ScheduleV2", "SQS", "Schedule"}


@both
def test_no_function_is_told_a_secret(stack: Stack) -> None:
    """Names of secrets alone stand in the environment: it is shown in the console."""
    for function in stack.of_type("AWS::Serverless::Function").values():
        text = json.dumps(function["Environment"]).lower()
        assert "password" not in text
        assert "{{resolve:" not in text
