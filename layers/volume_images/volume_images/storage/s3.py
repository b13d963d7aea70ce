"""S3 as store: conditional writes, versions, and what each of its refusals means."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as NoConnection
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from volume_images.errors import ConfigError, Conflict, Problem, StoreError
from volume_images.protocols import StoredObject
from volume_images.storage.address import (
    CONFIG_LIMIT,
    CONFIG_VERSIONS,
    EARLIER_STATES,
    REPORT_LIMIT,
    STATE_LIMIT,
    ConfigSource,
    S3Address,
    checked_key,
    newest_reports,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

# What may end a request that had been sent: botocore repeats one that was not answered, so that
# not even a refused connection at the end proves that nothing arrived. It leaves urllib3's own
# errors bare while a body is read, and its parser's error is in no tree.
_LOST = (NoConnection, HTTPClientError, HTTPError, ResponseParserError)
_ANY_FAILURE = (BotoCoreError, ClientError, *_LOST)


class Answer(StrEnum):
    """What S3 says when it does not do what it was asked."""

    MISSING = "removed since it was read"
    NO_BUCKET = "no bucket"
    DENIED = "denied"
    CHANGED = "replaced since it was read"
    UNCLEAR = "the answer to a write was lost"
    REFUSED = "refused"


def read_answer(error: ClientError) -> Answer:
    """Tell what an error answer of S3 means; `UNCLEAR` may have been carried out (5xx).

    A key that is missing answers 404 only to a caller with `s3:ListBucket`, else 403: so 403 never
    means that there is none.
    """
    status = error.response["ResponseMetadata"]["HTTPStatusCode"]
    code = error.response["Error"]["Code"]
    match status:
        case 404:
            return Answer.NO_BUCKET if code == "NoSuchBucket" else Answer.MISSING
        case 401 | 403:
            return Answer.DENIED
        case 409 | 412:
            return Answer.CHANGED
        case _:
            return Answer.UNCLEAR if status >= 500 else Answer.REFUSED  # noqa: PLR2004


@dataclass(frozen=True, slots=True)
class S3Config:
    """A config document in S3.

    Its version is the VersionId where the bucket is versioned, else the ETag: only by ids, never
    by times, can be told which edits lie between two of them.
    """

    client: "S3Client"
    address: S3Address

    def read(self) -> StoredObject:
        """Read it, up to a byte more than it may have."""
        answer = _get(self.client, self.address)
        if answer is None:
            raise ConfigError(
                str(self.address), [Problem("", "no such object: upload the config there")]
            )
        version = _version_id(answer.get("VersionId")) or answer["ETag"]
        return StoredObject(_body(answer, self.address, CONFIG_LIMIT + 1), version)

    def versions(self, since: str) -> Sequence[bytes] | None:
        """Read every version written after `since`, oldest first.

        None when `since` is not among the newest hundred, one in between was removed meanwhile,
        or the bucket keeps no versions.
        """
        newer: list[str] = []
        for version in islice(_version_ids(self.client, self.address), CONFIG_VERSIONS + 1):
            if version == since:
                return self._bodies(reversed(newer))
            newer.append(version)
        return None

    def _bodies(self, versions: Iterable[str]) -> Sequence[bytes] | None:
        bodies: list[bytes] = []
        for version in versions:
            answer = _get(self.client, self.address, version)
            if answer is None:
                return None
            bodies.append(_body(answer, self.address, CONFIG_LIMIT + 1))
        return bodies


@dataclass(frozen=True, slots=True)
class S3Store:
    """States and reports in S3, and the config wherever `source` reads it.

    A state's version is its ETag, which a conditional write names in `If-Match`.
    """

    client: "S3Client"
    root: S3Address
    source: ConfigSource

    def config(self) -> StoredObject:
        """Read the config document."""
        return self.source.read()

    def config_versions(self, since: str) -> Sequence[bytes] | None:
        """Read every config written after version `since`."""
        return self.source.versions(since)

    def state(self, key: str) -> StoredObject | None:
        """Read a state object; None when S3 answers that there is none."""
        return self._stored(key, STATE_LIMIT)

    def earlier_states(self, key: str) -> Sequence[bytes]:
        """Read the versions before the current one, newest first."""
        address = self._address(key)
        earlier = islice(_version_ids(self.client, address), 1, EARLIER_STATES + 1)
        answers = [_get(self.client, address, version) for version in earlier]
        return [_bounded(answer, address, STATE_LIMIT) for answer in answers if answer is not None]

    def replace_state(self, key: str, body: bytes, version: str | None) -> str:
        """Write only if the object is still at `version`.

        Without a clear answer it raises Conflict too: botocore repeats a PUT whose answer was
        lost, and then the repeated one meets its own write. Only reading it again can tell.
        """
        address = self._address(key)
        try:
            if version is None:
                answer = self.client.put_object(
                    Bucket=address.bucket, Key=address.key, Body=body, IfNoneMatch="*"
                )
            else:
                answer = self.client.put_object(
                    Bucket=address.bucket, Key=address.key, Body=body, IfMatch=version
                )
        except ClientError as error:
            if read_answer(error) in {Answer.CHANGED, Answer.MISSING, Answer.UNCLEAR}:
                raise Conflict(f"{address}: {read_answer(error)}: read it again") from error
            raise _failed("write", address, error) from error
        except _LOST as error:
            raise Conflict(f"{address}: {Answer.UNCLEAR}: read it again") from error
        except BotoCoreError as error:
            raise _failed("write", address, error) from error
        return answer["ETag"]

    def write_report(self, key: str, body: bytes) -> str:
        """Write a report and return its address."""
        address = self._address(key)
        content = "text/html; charset=utf-8" if key.endswith(".html") else "application/json"
        try:
            self.client.put_object(
                Bucket=address.bucket, Key=address.key, Body=body, ContentType=content
            )
        except _ANY_FAILURE as error:
            raise _failed("write", address, error) from error
        return str(address)

    def reports(self, folder: str) -> Sequence[str]:
        """Return the keys of the reports directly in a folder, newest first."""
        address = self._address(folder)
        names = _names(self.client, S3Address(address.bucket, f"{address.key}/"))
        return newest_reports(folder, names)

    def report(self, key: str) -> StoredObject | None:
        """Read a report; None when S3 answers that there is none."""
        return self._stored(key, REPORT_LIMIT)

    def _stored(self, key: str, limit: int) -> StoredObject | None:
        address = self._address(key)
        answer = _get(self.client, address)
        if answer is None:
            return None
        return StoredObject(_bounded(answer, address, limit), answer["ETag"])

    def _address(self, key: str) -> S3Address:
        prefix = f"{self.root.key}/" if self.root.key else ""
        return S3Address(self.root.bucket, prefix + checked_key(key))


def read_object(client: "S3Client", address: S3Address, limit: int) -> bytes:
    """Read a whole object that must be there and hold at most `limit` bytes. Raises StoreError."""
    answer = _get(client, address)
    if answer is None:
        raise StoreError(f"{address}: no such object")
    return _bounded(answer, address, limit)


def _get(
    client: "S3Client", address: S3Address, version: str | None = None
) -> "GetObjectOutputTypeDef | None":
    """Ask for an object; None only when S3 answers that it, and not its bucket, is missing."""
    try:
        if version is None:
            return client.get_object(Bucket=address.bucket, Key=address.key)
        return client.get_object(Bucket=address.bucket, Key=address.key, VersionId=version)
    except ClientError as error:
        if read_answer(error) is Answer.MISSING:
            return None
        raise _failed("read", address, error) from error
    except (BotoCoreError, *_LOST) as error:
        raise _failed("read", address, error) from error


def _body(answer: "GetObjectOutputTypeDef", address: S3Address, most: int) -> bytes:
    try:
        with closing(answer["Body"]) as stream:
            return stream.read(most)
    except _ANY_FAILURE as error:
        raise _failed("read", address, error) from error


def _bounded(answer: "GetObjectOutputTypeDef", address: S3Address, limit: int) -> bytes:
    body = _body(answer, address, limit + 1)
    if len(body) > limit:
        raise StoreError(f"{address}: larger than {limit} bytes: not what was expected there")
    return body


def _names(client: "S3Client", folder: S3Address) -> Iterator[str]:
    """Yield the names of the objects directly under a prefix that ends in a slash."""
    pages = client.get_paginator("list_objects_v2").paginate(
        Bucket=folder.bucket, Prefix=folder.key, Delimiter="/"
    )
    try:
        for page in pages:
            for entry in page.get("Contents", []):
                yield entry["Key"].removeprefix(folder.key)
    except _ANY_FAILURE as error:
        raise _failed("list", folder, error) from error


def _version_ids(client: "S3Client", address: S3Address) -> Iterator[str]:
    """Walk the versions of one key, newest first; nothing where its bucket keeps none.

    Keys come in order and the versions of each newest first; a key that merely begins with ours
    comes after ours, so the walk ends there. Marks of deletion are no versions.
    """
    pages = client.get_paginator("list_object_versions").paginate(
        Bucket=address.bucket, Prefix=address.key
    )
    try:
        for page in pages:
            for entry in page.get("Versions", []):
                version = _version_id(entry["VersionId"])
                if entry["Key"] != address.key or version is None:
                    return
                yield version
    except _ANY_FAILURE as error:
        raise _failed("list the versions of", address, error) from error


def _version_id(version: str | None) -> str | None:
    """Return a version's id, or None for the one version of a bucket that keeps none ("null")."""
    return None if version in {None, "null"} else version


_ADVICE = {
    Answer.DENIED: "check the role's policy, the key's policy and the credentials",
    Answer.NO_BUCKET: "check the setting that names the bucket",
    Answer.UNCLEAR: "the next run tries again",
}


def _failed(verb: str, address: S3Address, error: Exception) -> StoreError:
    if isinstance(error, ClientError):
        said = f"S3 answers {error.response['Error']['Code']}"
        advice = _ADVICE.get(read_answer(error), "look this code up in the S3 documentation")
    elif isinstance(error, _LOST):
        said = f"no answer from S3 ({type(error).__name__})"
        advice = "check network, region and endpoint"
    else:
        said = str(error)
        advice = "check the AWS credentials and region"
    return StoreError(f"cannot {verb} {address}: {said}: {advice}")
