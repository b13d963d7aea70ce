"""The buckets: private, encrypted, versioned, and still there when the stack is gone."""

import pytest

from tests.template.rendered import Stack

BUCKETS = ["ConfigBucket", "StoreBucket"]


def test_the_stack_has_two_buckets() -> None:
    assert sorted(Stack().of_type("AWS::S3::Bucket")) == BUCKETS


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_never_public(bucket: str) -> None:
    assert Stack().properties(bucket)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True,
        "BlockPublicPolicy": True,
        "IgnorePublicAcls": True,
        "RestrictPublicBuckets": True,
    }


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_is_encrypted_and_versioned(bucket: str) -> None:
    properties = Stack().properties(bucket)
    (rule,) = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule == {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}


@pytest.mark.parametrize("name", [*BUCKETS, "ConfigBucketPolicy", "StoreBucketPolicy"])
def test_a_bucket_and_its_policy_outlive_the_stack(name: str) -> None:
    resource = Stack().resources[name]
    assert resource["DeletionPolicy"] == "Retain"
    assert resource["UpdateReplacePolicy"] == "Retain"


@pytest.mark.parametrize("bucket", BUCKETS)
def test_a_bucket_answers_over_tls_alone(bucket: str) -> None:
    policy = Stack().properties(f"{bucket}Policy")
    (statement,) = policy["PolicyDocument"]["Statement"]
    assert policy["Bucket"] == bucket
    assert statement["Effect"] == "Deny"
    assert statement["Principal"] == "*"
    assert statement["Action"] == "s3:*"
    assert statement["Resource"] == [f"arn:{bucket}", f"arn:{bucket}/*"]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_no_version_of_the_config_expires() -> None:
    """Cleanup compares all versions since the last run: none may be missing."""
    assert "LifecycleConfiguration" not in Stack().properties("ConfigBucket")


def test_earlier_states_are_kept_for_thirty_days() -> None:
    rules = Stack().properties("StoreBucket")["LifecycleConfiguration"]["Rules"]
    (rule,) = [rule for rule in rules if "NoncurrentVersionExpiration" in rule]
    assert rule["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert rule["Status"] == "Enabled"
    assert "Prefix" not in rule


def test_only_reports_expire() -> None:
    """A state that expired would be a state lost."""
    stack = Stack(ReportRetentionDays="30")
    rules = stack.properties("StoreBucket")["LifecycleConfiguration"]["Rules"]
    expiring = {
        rule["Id"]: (rule.get("Prefix"), rule["ExpirationInDays"])
        for rule in rules
        if "ExpirationInDays" in rule
    }
    assert expiring == {"reports": ("reports/", "30")}
