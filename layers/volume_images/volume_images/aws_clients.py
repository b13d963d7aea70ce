"""The clients of AWS: each made when it is first needed, so without AWS none ever is."""

import logging
from collections.abc import Callable
from threading import RLock
from typing import TYPE_CHECKING, TypeVar

import boto3
from botocore.config import Config as ClientOptions
from botocore.exceptions import BotoCoreError

from volume_images.errors import SettingsError
from volume_images.telling.bus import EventsClient

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_secretsmanager import SecretsManagerClient

_CLIENT_OPTIONS = ClientOptions(
    connect_timeout=5,
    read_timeout=20,
    retries={"mode": "standard", "total_max_attempts": 4},
    max_pool_connections=16,  # as many clouds are served side by side
)

_EVENT_OPTIONS = ClientOptions(
    connect_timeout=2,
    read_timeout=3,
    retries={"mode": "standard", "total_max_attempts": 2},  # a run's last seconds, not more
)

Made = TypeVar("Made")


class AwsClients:
    """The clients of one process; they may be shared by its threads."""

    def __init__(self) -> None:
        # botocore logs the body of every answer at debug level: a secret's too. The level keeps
        # that out of most logs, the filter also where somebody sets the level of each logger. At
        # info level it says at each cold start where it found credentials, and not as JSON.
        logging.getLogger("botocore").setLevel(logging.WARNING)
        logging.getLogger("botocore.parsers").addFilter(_not_debug)
        self._lock = RLock()
        self._s3: S3Client | None = None
        self._secrets: SecretsManagerClient | None = None
        self._events: EventsClient | None = None

    @property
    def s3(self) -> "S3Client":
        """The client of S3. Raises SettingsError."""
        with self._lock:
            if self._s3 is None:
                self._s3 = _client(lambda: boto3.client("s3", config=_CLIENT_OPTIONS))
            return self._s3

    @property
    def secrets(self) -> "SecretsManagerClient":
        """The client of Secrets Manager. Raises SettingsError."""
        with self._lock:
            if self._secrets is None:
                self._secrets = _client(
                    lambda: boto3.client("secretsmanager", config=_CLIENT_OPTIONS)
                )
            return self._secrets

    @property
    def events(self) -> EventsClient:
        """The client of EventBridge. Raises SettingsError."""
        with self._lock:
            if self._events is None:
                self._events = _client(lambda: boto3.client("events", config=_EVENT_OPTIONS))
            return self._events


def _not_debug(record: logging.LogRecord) -> bool:
    return record.levelno > logging.DEBUG


def _client(make: Callable[[], Made]) -> Made:
    try:
        return make()
    except (BotoCoreError, ValueError) as error:
        raise SettingsError(
            f"no client of AWS can be made: {error}: check AWS_REGION, AWS_PROFILE and"
            " AWS_ENDPOINT_URL"
        ) from error
