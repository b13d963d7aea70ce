"""The secret of a cloud: from Secrets Manager, or from clouds.yaml where there is no AWS."""

import os
from dataclasses import dataclass, field
from hashlib import scrypt
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from volume_images.cloud.clouds_yaml import read_clouds_yaml
from volume_images.cloud.credentials import Secret, parse_secret
from volume_images.errors import CloudUnavailable, CredentialError

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

_ADVICE = {
    "ResourceNotFoundException": "create it",
    "AccessDeniedException": "let the function's role read it",
}
_LATER = frozenset({"ThrottlingException", "InternalServiceError"})


@dataclass(frozen=True, slots=True)
class Credential:
    """A secret, where it was read, and what tells it from its successor and nothing else of it."""

    secret: Secret = field(repr=False)
    source: str
    fingerprint: str


def read_aws_secret(secrets: "SecretsManagerClient", name: str) -> Credential:
    """Read a secret of Secrets Manager. Raises CredentialError, CloudUnavailable."""
    try:
        answer = secrets.get_secret_value(SecretId=name)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _LATER or error.response["ResponseMetadata"]["HTTPStatusCode"] >= 500:  # noqa: PLR2004
            raise CloudUnavailable(f"secret {name}: Secrets Manager answers {code}") from error
        advice = _ADVICE.get(code, "see it in Secrets Manager")
        raise CredentialError(f"secret {name}: cannot be read ({code}): {advice}") from error
    except BotoCoreError as error:
        raise CloudUnavailable(
            f"secret {name}: no answer from Secrets Manager ({type(error).__name__})"
        ) from error
    return Credential(
        parse_secret(answer.get("SecretString", ""), name), f"secret {name}", answer["VersionId"]
    )


def read_local_secret(entry: str) -> Credential:
    """Read an entry of clouds.yaml, or the variables OS_*. Raises CredentialError.

    It has no version, so its fingerprint is a hash that is slow to guess from, and short.
    """
    secret = read_clouds_yaml(entry, os.environ)
    told = "\n".join([secret.auth_url, *secret.hidden]).encode()
    digest = scrypt(told, salt=b"volume-images", n=2**14, r=8, p=1, dklen=6)
    return Credential(secret, f"clouds.yaml entry {entry}", digest.hex())
