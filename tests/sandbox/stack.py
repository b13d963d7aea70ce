"""Cloud and AWS together, with a config, its secrets and the environment to run against them."""

import json
from typing import Any, Self

import yaml

from tests.sandbox.aws_server import AwsSandbox
from tests.sandbox.cloud_server import CloudSandbox
from tests.sandbox.seeds import BACKUP_TAGS, PREFIX
from tests.sandbox.startable import Startable
from volume_images.dialect import Dialect

CLOUD_NAME = "sandbox"
POLICY_NAME = "daily"
SECRET_PREFIX = "volume-images"
CONFIG_KEY = "config.yaml"
ROLES = ("export", "cleanup", "restore")
DISK_FORMATS = {Dialect.HUAWEI: "zvhd2", Dialect.OPENSTACK: "qcow2"}
UNTHROTTLED = 1000
"""Requests a second in the sandbox's config: more than it can answer."""


class SandboxStack(Startable):
    """Everything that a run needs.

    `env` holds the environment variables under which every command works against it; `document`
    is the config as it was written first, `write_config` writes another one.
    """

    def __init__(
        self,
        *,
        dialect: Dialect,
        volumes: int = 3,
        latency_ms: float = 0,
        in_flight: int | None = None,
        foreign: bool = False,
        port: int = 0,
    ) -> None:
        if volumes < 1:
            raise ValueError("a sandbox needs at least one volume: its config must cover one")
        self.cloud = CloudSandbox(
            dialect=dialect, volumes=volumes, latency_ms=latency_ms, port=port, foreign=foreign
        )
        self.aws = AwsSandbox()
        self.config_bucket = f"volume-images-config-{self.aws.account_id}"
        self.state_bucket = f"volume-images-state-{self.aws.account_id}"
        self.document = self._document(in_flight or volumes)

    @property
    def config_location(self) -> str:
        """Where the config lies."""
        return f"s3://{self.config_bucket}/{CONFIG_KEY}"

    @property
    def endpoints(self) -> dict[str, str]:
        """Every address that something listens on."""
        return {"identity": self.cloud.auth_url, **self.cloud.endpoints, "aws": self.aws.url}

    @property
    def env(self) -> dict[str, str]:
        """The environment of a run against this sandbox."""
        return {
            "VOLUME_IMAGES_CONFIG": self.config_location,
            "VOLUME_IMAGES_STORE": f"s3://{self.state_bucket}",
            "VOLUME_IMAGES_DEPLOYMENT": "sandbox",
            "VOLUME_IMAGES_SECRET_PREFIX": SECRET_PREFIX,
            "VOLUME_IMAGES_CLOCK_URL": self.cloud.clock_url,
            "NO_PROXY": "127.0.0.1,localhost",
            **self.aws.env,
        }

    def start(self) -> Self:
        """Answer from now on, with buckets, config and secrets in place."""
        self.cloud.start()
        self.aws.start()
        self.aws.create_bucket(self.config_bucket)
        self.aws.create_bucket(self.state_bucket)
        self._furnish()
        return self

    def reset(self) -> None:
        """Be a stack that was just started, at the same addresses: quicker than another one."""
        self.cloud.reset()
        self.aws.empty(self.config_bucket)
        self.aws.empty(self.state_bucket)
        self.aws.forget_secrets()
        self._furnish()

    def write_config(self, document: dict[str, Any]) -> None:
        """Put another version of the config into its bucket."""
        body = yaml.safe_dump(document, sort_keys=False).encode()
        self.aws.s3.put_object(Bucket=self.config_bucket, Key=CONFIG_KEY, Body=body)

    def stop(self) -> None:
        """End every connection and thread."""
        self.aws.stop()
        self.cloud.stop()

    def _furnish(self) -> None:
        self.write_config(self.document)
        secrets = self.aws.secrets
        for role in ROLES:
            secrets.create_secret(
                Name=f"{SECRET_PREFIX}/{role}/{CLOUD_NAME}",
                SecretString=json.dumps(self.cloud.secret(role)),
            )

    def _document(self, in_flight: int) -> dict[str, Any]:
        cloud: dict[str, Any] = {
            "dialect": str(self.cloud.dialect),
            "region": self.cloud.region,
            "project": self.cloud.project_name,
            "max_in_flight": in_flight,
            "requests_per_second": UNTHROTTLED,
            "export_minutes": 1,
        }
        if self.cloud.dialect is Dialect.HUAWEI:  # its tokens are asked for without a catalogue
            cloud["endpoints"] = self.cloud.endpoints
        return {
            "version": 1,
            "prefix": PREFIX,
            "clouds": {CLOUD_NAME: cloud},
            "policies": {
                POLICY_NAME: {
                    "select": dict(BACKUP_TAGS),
                    "schedule": "0 2 * * *",
                    "timezone": "UTC",
                    "catch_up": "12h",
                    "max_age": "40h",
                    "export": {"disk_format": DISK_FORMATS[self.cloud.dialect]},
                    "retention": {
                        "keep_last": 3,
                        "keep_daily": 7,
                        "keep_weekly": 5,
                        "keep_monthly": 12,
                    },
                }
            },
            "volumes": [
                {
                    "id": volume.id,
                    "cloud": CLOUD_NAME,
                    "name": volume.name,
                    "tags": dict(volume.tags),
                }
                for volume in self.cloud.world.volumes.values()
            ],
            "grace": "72h",
        }
