"""Filing a run's report in the store."""

from dataclasses import replace

from volume_images.errors import StoreError
from volume_images.protocols import Store
from volume_images.report import CloudResult, Report


def filed(report: Report, store: Store) -> Report:
    """Write the report, and return it with its address; one that cannot be written is red.

    A dry run and an idle one leave none: nothing happened that somebody may look for.
    """
    if report.dry_run or is_idle(report):
        return report
    key = f"reports/{report.function.role}/{report.started_at:%Y/%m/%d}/{report.run_id}.json"
    try:
        address = store.write_report(key, report.as_text().encode())
    except StoreError as error:
        return replace(report, red=[*report.red, str(error)])
    return replace(report, address=address)


def is_idle(report: Report) -> bool:
    """Whether a run found nothing to do."""
    return not (report.outcomes or report.red) and all(
        cloud.result is CloudResult.IDLE for cloud in report.clouds
    )
