"""The sandbox's clouds, opened by the real client: no pace, and waiting takes no time."""

import json
from collections.abc import Mapping
from typing import Any

from tests.cloud.scripted import TLS, StillClock
from tests.sandbox.cloud_server import CloudSandbox
from volume_images.cloud.credentials import parse_secret
from volume_images.cloud.open import OpenedCloud, open_cloud
from volume_images.cloud.session import Record
from volume_images.config.schema import CloudConfig


def open_sandbox(
    sandbox: CloudSandbox,
    secret: Mapping[str, Any],
    *,
    record: Record | None = None,
    **config: object,
) -> OpenedCloud:
    """Open a sandbox with a secret, and with changes of its entry in the config."""
    entry = {
        "dialect": sandbox.dialect,
        "region": sandbox.region,
        "project": sandbox.project_name,
        "requests_per_second": 1e6,
        **config,
    }
    return open_cloud(
        CloudConfig.model_validate(entry),
        parse_secret(json.dumps(secret), "x"),
        clock=StillClock(),
        tls=TLS,
        record=record,
    )
