"""Each role may do what its function needs, and nothing else."""

import pytest

from tests.template.permissions import allowed, listed, statements
from tests.template.rendered import Stack, template
from volume_images.pages.after_cleanup import PAGE_KEY
from volume_images.telling.bus import SOURCE

SECRET = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:volume-images"
ROLES = {"ExportRole": "export", "CleanupRole": "cleanup"}
OTHERS = {"ExportRole": "cleanup", "CleanupRole": "export"}

# (action, resource, prefix of a listing)
EXPORTER_MAY = [
    ("s3:GetObject", "arn:ConfigBucket/config.yaml", None),
    ("s3:ListBucket", "arn:ConfigBucket", "config.yaml"),
    ("s3:GetObject", "arn:StoreBucket/state/export/otc.json", None),
    ("s3:GetObjectVersion", "arn:StoreBucket/state/export/otc.json", None),
    ("s3:ListBucket", "arn:StoreBucket", "state/export/otc.json"),
    ("s3:ListBucketVersions", "arn:StoreBucket", "state/export/otc.json"),
    ("s3:PutObject", "arn:StoreBucket/state/export/otc.json", None),
    ("s3:PutObject", "arn:StoreBucket/reports/export/2026/03/02/run.json", None),
    ("secretsmanager:GetSecretValue", f"{SECRET}/export/otc-AbCdEf", None),
    ("sqs:ReceiveMessage", "arn:RequestQueue", None),
    ("sqs:DeleteMessage", "arn:RequestQueue", None),
    ("sqs:GetQueueAttributes", "arn:RequestQueue", None),
    ("sqs:SendMessage", "arn:FailureQueue", None),
    ("logs:PutLogEvents", "arn:ExportLogGroup", None),
]
CLEANER_MAY = [
    ("s3:GetObject", "arn:ConfigBucket/config.yaml", None),
    ("s3:GetObjectVersion", "arn:ConfigBucket/config.yaml", None),
    ("s3:ListBucket", "arn:ConfigBucket", "config.yaml"),
    ("s3:ListBucketVersions", "arn:ConfigBucket", "config.yaml"),
    ("s3:GetObject", "arn:StoreBucket/state/cleanup/otc.json", None),
    ("s3:GetObjectVersion", "arn:StoreBucket/state/cleanup/otc.json", None),
    ("s3:ListBucket", "arn:StoreBucket", "state/cleanup/otc.json"),
    ("s3:ListBucketVersions", "arn:StoreBucket", "state/cleanup/otc.json"),
    ("s3:GetObject", "arn:StoreBucket/state/export/otc.json", None),
    ("s3:GetObjectVersion", "arn:StoreBucket/state/export/otc.json", None),
    ("s3:ListBucket", "arn:StoreBucket", "state/export/otc.json"),
    ("s3:ListBucketVersions", "arn:StoreBucket", "state/export/otc.json"),
    ("s3:PutObject", "arn:StoreBucket/state/cleanup/otc.json", None),
    ("s3:PutObject", "arn:StoreBucket/reports/cleanup/2026/03/02/run.json", None),
    ("s3:PutObject", f"arn:StoreBucket/{PAGE_KEY}", None),
    ("secretsmanager:GetSecretValue", f"{SECRET}/cleanup/otc-AbCdEf", None),
    ("sqs:SendMessage", "arn:FailureQueue", None),
    ("logs:PutLogEvents", "arn:CleanupLogGroup", None),
]


@pytest.mark.parametrize(("action", "resource", "prefix"), EXPORTER_MAY)
def test_exporter_may_do_its_work(action: str, resource: str, prefix: str | None) -> None:
    assert allowed(Stack(), "ExportRole", action, resource, prefix)


@pytest.mark.parametrize(("action", "resource", "prefix"), CLEANER_MAY)
def test_cleaner_may_do_its_work(action: str, resource: str, prefix: str | None) -> None:
    assert allowed(Stack(), "CleanupRole", action, resource, prefix)


@pytest.mark.parametrize(("role", "other"), OTHERS.items())
def test_no_function_writes_what_the_other_owns(role: str, other: str) -> None:
    assert not allowed(Stack(), role, "s3:PutObject", f"arn:StoreBucket/state/{other}/otc.json")
    assert not allowed(Stack(), role, "s3:PutObject", f"arn:StoreBucket/reports/{other}/r.json")


@pytest.mark.parametrize(("role", "other"), OTHERS.items())
def test_no_function_reads_the_credentials_of_the_other(role: str, other: str) -> None:
    action = "secretsmanager:GetSecretValue"
    assert not allowed(Stack(), role, action, f"{SECRET}/{other}/otc-AbCdEf")
    assert not allowed(Stack(), role, action, f"{SECRET}/restore/otc-AbCdEf")


def test_exporter_never_reads_what_the_cleaner_remembers() -> None:
    """The cleaner reads the exporter's state, never the other way round."""
    assert not allowed(
        Stack(), "ExportRole", "s3:GetObject", "arn:StoreBucket/state/cleanup/otc.json"
    )


@pytest.mark.parametrize("role", ROLES)
def test_no_function_writes_the_config(role: str) -> None:
    assert not allowed(Stack(), role, "s3:PutObject", "arn:ConfigBucket/config.yaml")


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("prefix", [None, "", "reports/", "state/"])
def test_no_function_lists_more_than_it_reads(role: str, prefix: str | None) -> None:
    assert not allowed(Stack(), role, "s3:ListBucket", "arn:StoreBucket", prefix)
    assert not allowed(Stack(), role, "s3:ListBucketVersions", "arn:StoreBucket", prefix)


@pytest.mark.parametrize("action", ["s3:DeleteObject", "s3:DeleteObjectVersion"])
@pytest.mark.parametrize("role", ROLES)
def test_no_function_deletes_what_is_stored(role: str, action: str) -> None:
    for resource in ("arn:ConfigBucket/config.yaml", "arn:StoreBucket/state/export/otc.json"):
        assert not allowed(Stack(), role, action, resource)


def test_only_a_bundle_that_is_named_may_be_read() -> None:
    resource = "arn:ConfigBucket/ca.pem"
    with_bundle = Stack(CaBundleKey="ca.pem")
    for role in ROLES:
        assert allowed(with_bundle, role, "s3:GetObject", resource)
        assert not allowed(Stack(), role, "s3:GetObject", resource)


@pytest.mark.parametrize("role", ROLES)
def test_a_function_tells_one_bus_and_only_as_itself(role: str) -> None:
    """As another source it could ask itself for exports."""
    bus = "arn:aws:events:eu-central-1:111122223333:event-bus"
    stack, action = Stack(EventBusName="backup"), "events:PutEvents"
    assert allowed(stack, role, action, f"{bus}/backup", SOURCE)
    assert not allowed(stack, role, action, f"{bus}/backup", "acme.ops")
    assert not allowed(stack, role, action, f"{bus}/default", SOURCE)
    assert not allowed(Stack(EventBusName=""), role, action, f"{bus}/", SOURCE)


def test_secrets_are_found_under_another_prefix() -> None:
    stack = Stack(SecretPrefix="team/backup")
    secret = "arn:aws:secretsmanager:eu-central-1:111122223333:secret:team/backup/export/otc-AbCdEf"
    assert allowed(stack, "ExportRole", "secretsmanager:GetSecretValue", secret)


@pytest.mark.parametrize("role", [*ROLES, "SchedulerRole"])
def test_no_statement_speaks_of_every_action_or_resource(role: str) -> None:
    """A wildcard stands only at the end, behind the name of what is ours."""
    for statement in statements(Stack(), role):
        assert statement["Effect"] == "Allow"
        for action in listed(statement["Action"]):
            assert "*" not in action
        for resource in listed(statement["Resource"]):
            assert "*" not in resource.removesuffix("/*")
            assert resource.startswith("arn:")


def test_every_role_is_written_out() -> None:
    """A role that SAM makes may write any log group: `Role` and `RoleArn` are always given."""
    stack = Stack()
    assert set(stack.of_type("AWS::IAM::Role")) == {*ROLES, "SchedulerRole"}
    for function in stack.of_type("AWS::Serverless::Function").values():
        assert function["Role"] in {"arn:ExportRole", "arn:CleanupRole"}
        assert "Policies" not in function
        for event in function["Events"].values():
            if event["Type"] == "ScheduleV2":
                assert event["Properties"]["RoleArn"] == "arn:SchedulerRole"


def test_only_in_a_vpc_a_function_may_make_network_interfaces() -> None:
    managed = ["arn:aws:iam::aws:policy/service-role/AWSLambdaENIManagementAccess"]
    in_vpc = Stack(SubnetIds="subnet-0a,subnet-0b", SecurityGroupIds="sg-0c")
    for role in ROLES:
        assert "ManagedPolicyArns" not in Stack().properties(role)
        assert in_vpc.properties(role)["ManagedPolicyArns"] == managed


def test_schedules_may_start_the_two_functions_and_say_what_was_not_delivered() -> None:
    may = {
        (action, resource)
        for statement in statements(Stack(), "SchedulerRole")
        for action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
    }
    assert may == {
        ("lambda:InvokeFunction", "arn:ExportVolumes"),
        ("lambda:InvokeFunction", "arn:CleanupImages"),
        ("sqs:SendMessage", "arn:FailureQueue"),
    }


@pytest.mark.parametrize(
    ("role", "service"),
    [
        ("ExportRole", "lambda.amazonaws.com"),
        ("CleanupRole", "lambda.amazonaws.com"),
        ("SchedulerRole", "scheduler.amazonaws.com"),
    ],
)
def test_a_role_is_assumed_by_its_service_alone(role: str, service: str) -> None:
    trust = Stack().properties(role)["AssumeRolePolicyDocument"]["Statement"]
    assert [statement["Principal"] for statement in trust] == [{"Service": service}]


def test_schedules_of_other_accounts_cannot_use_our_role() -> None:
    (trust,) = Stack().properties("SchedulerRole")["AssumeRolePolicyDocument"]["Statement"]
    assert trust["Condition"] == {"StringEquals": {"aws:SourceAccount": "111122223333"}}


@pytest.mark.parametrize("policy", ["RequestQueuePolicy", "FailureQueuePolicy"])
def test_nobody_but_our_rule_sends_to_a_queue_by_its_policy(policy: str) -> None:
    properties = Stack(AllowedRequestSources="acme.ops").properties(policy)
    (statement,) = properties["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "events.amazonaws.com"}
    assert statement["Action"] == "sqs:SendMessage"
    assert statement["Condition"] == {"ArnEquals": {"aws:SourceArn": "arn:RequestRule"}}


def test_no_capability_beyond_unnamed_roles_is_needed() -> None:
    """Named roles need CAPABILITY_NAMED_IAM, and two stacks of them collide."""
    for name, resource in template()["Resources"].items():
        if resource["Type"] == "AWS::IAM::Role":
            assert "RoleName" not in resource["Properties"], name
