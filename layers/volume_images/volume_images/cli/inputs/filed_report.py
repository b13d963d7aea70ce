"""A report as it was filed -> the Report that it was."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from volume_images.errors import StoreError
from volume_images.report import (
    RESULTS,
    CloudOutcome,
    CloudResult,
    Function,
    Outcome,
    Report,
)


def parse_report(body: bytes, address: str) -> Report:
    """Read a report back, as far as people look at it. Raises StoreError for anything else."""
    try:
        document = json.loads(body)
        function = Function(document["function"])
        return Report(
            run_id=document["run_id"],
            function=function,
            started_at=datetime.fromisoformat(document["started_at"]),
            finished_at=datetime.fromisoformat(document["finished_at"]),
            config_version=document["config_version"],
            dry_run=document["dry_run"],
            outcomes=[_outcome(entry, function) for entry in document["outcomes"]],
            clouds=[_cloud(entry) for entry in document["clouds"]],
            gauges=document["gauges"],
            red=document["red"],
            safety_stops=document["safety_stops"],
            address=address,
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise StoreError(f"{address}: is not a report of this release: {error!r}") from error


def _outcome(entry: Mapping[str, Any], function: Function) -> Outcome:
    return Outcome(
        cloud=entry["cloud"],
        policy=entry["policy"],
        volume_id=entry["volume_id"],
        slot=datetime.fromisoformat(entry["slot"]) if entry["slot"] else None,
        image_id=entry["image_id"],
        image_name=entry["image_name"],
        result=RESULTS[function](entry["result"]),
        reason=entry["reason"],
        details=entry["details"],
    )


def _cloud(entry: Mapping[str, Any]) -> CloudOutcome:
    return CloudOutcome(
        cloud=entry["cloud"], result=CloudResult(entry["result"]), reason=entry["reason"]
    )
