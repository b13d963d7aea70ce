"""AWS in the sandbox: conditional writes, versions, secrets, queues, isolation."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from tests.sandbox.aws_server import AwsSandbox


@pytest.fixture(scope="module")
def aws() -> Iterator[AwsSandbox]:
    with AwsSandbox() as aws:
        yield aws


@pytest.fixture(scope="module")
def bucket(aws: AwsSandbox) -> str:
    return aws.create_bucket(f"bucket-{aws.account_id}")


def test_a_write_only_if_there_is_none_yet(aws: AwsSandbox, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="new", Body=b"1", IfNoneMatch="*")
    with pytest.raises(ClientError, match="PreconditionFailed"):
        aws.s3.put_object(Bucket=bucket, Key="new", Body=b"2", IfNoneMatch="*")


def test_a_write_only_if_unchanged(aws: AwsSandbox, bucket: str) -> None:
    s3 = aws.s3
    first = s3.put_object(Bucket=bucket, Key="state", Body=b"1")["ETag"]
    s3.put_object(Bucket=bucket, Key="state", Body=b"2", IfMatch=first)
    with pytest.raises(ClientError, match="PreconditionFailed"):
        s3.put_object(Bucket=bucket, Key="state", Body=b"3", IfMatch=first)
    assert s3.get_object(Bucket=bucket, Key="state")["Body"].read() == b"2"


def test_of_many_conditional_writes_at_once_one_wins(aws: AwsSandbox, bucket: str) -> None:
    s3 = aws.s3
    etag = s3.put_object(Bucket=bucket, Key="race", Body=b"start")["ETag"]

    def write(number: int) -> bool:
        try:
            s3.put_object(Bucket=bucket, Key="race", Body=b"%d" % number, IfMatch=etag)
        except ClientError:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(write, range(24))) == 1


def test_versions_are_kept_and_listed_newest_first(aws: AwsSandbox, bucket: str) -> None:
    s3 = aws.s3
    ids = [s3.put_object(Bucket=bucket, Key="kept", Body=b"x")["VersionId"] for _ in range(3)]
    listed = s3.list_object_versions(Bucket=bucket, Prefix="kept")["Versions"]
    assert [version["VersionId"] for version in listed] == ids[::-1]
    old = s3.get_object(Bucket=bucket, Key="kept", VersionId=ids[0])
    assert old["VersionId"] == ids[0]


def test_keys_may_hold_any_character(aws: AwsSandbox, bucket: str) -> None:
    aws.s3.put_object(Bucket=bucket, Key="state/é b+%.json", Body=b"x")
    found = aws.s3.list_objects_v2(Bucket=bucket, Prefix="state/")["Contents"]
    assert [entry["Key"] for entry in found] == ["state/é b+%.json"]


def test_two_sandboxes_of_one_process_do_not_share_secrets(aws: AwsSandbox) -> None:
    aws.secrets.create_secret(Name="volume-images/export/x", SecretString="{}")
    with AwsSandbox() as other, pytest.raises(ClientError, match="ResourceNotFound"):
        other.secrets.get_secret_value(SecretId="volume-images/export/x")


def test_queues_work(aws: AwsSandbox) -> None:
    url = aws.sqs.create_queue(QueueName="requests")["QueueUrl"]
    aws.sqs.send_message(QueueUrl=url, MessageBody="hello")
    assert aws.sqs.receive_message(QueueUrl=url)["Messages"][0]["Body"] == "hello"
