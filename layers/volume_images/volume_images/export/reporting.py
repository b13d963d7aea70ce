"""The report of an export run, from what became of it in each cloud."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from volume_images.export.intake import Deal
from volume_images.export.outcomes import outcome_about
from volume_images.export.serving import LEVELS, Served
from volume_images.metrics import Gauge
from volume_images.model import Tick, Trigger
from volume_images.protocols import World
from volume_images.report import SERVED_RESULTS, ExportResult, Function, Outcome, Report


def report_of(
    world: World, trigger: Trigger, deal: Deal, served: Sequence[Served], started_at: datetime
) -> Report:
    """Put together what a run did, what it leaves, and why it is red."""
    missed = [outcome for one in served for outcome in _missed_before(one)]
    beyond = (*deal.refused, *missed, *_strays(trigger, served))
    in_flight = {
        (one.cloud.cloud, policy): count
        for one in served
        for policy, count in one.in_flight.items()
    }
    again = [*deal.failed_records, *(record for one in served for record in one.failed_records)]
    return Report(
        run_id=world.run_id,
        function=Function.EXPORT,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        dry_run=trigger.dry_run,
        outcomes=(*(one for each in served for one in each.outcomes), *beyond),
        changed=(*(one for each in served for one in each.news), *beyond),
        clouds=tuple(one.cloud for one in served),
        changed_clouds=tuple(one.cloud for one in served if one.is_news),
        gauges={
            Gauge.CONFIG_UNREADABLE: int(bool(world.config_fault)),
            **{gauge: sum(one.gauges.get(gauge, 0) for one in served) for gauge in LEVELS},
        },
        in_flight=in_flight,
        red=_red(world, served),
        failed_records=tuple(dict.fromkeys(again)),
    )


def _missed_before(served: Served) -> list[Outcome]:
    """Return the missed slots that no report holds yet, besides those that this run found."""
    return [
        outcome_about(
            served.cloud.cloud, missed.group, missed.slot, ExportResult.MISSED, missed.reason
        )
        for missed in served.missed.values()
    ]


def _strays(trigger: Trigger, served: Iterable[Served]) -> list[Outcome]:
    """Refuse the volumes that a tick names and no policy covers: a trigger can only narrow."""
    if not isinstance(trigger, Tick):
        return []
    known = frozenset[str]().union(*(one.known for one in served))
    return [
        Outcome(
            cloud="",
            volume_id=volume_id,
            result=ExportResult.REFUSED,
            reason="not_in_config",
        )
        for volume_id in sorted(trigger.volume_ids - known)
    ]


def _red(world: World, served: Sequence[Served]) -> tuple[str, ...]:
    """Say why the run could not do its own work; a single cloud that is down is no reason."""
    reasons = [world.config_fault] if world.config_fault else []
    reasons += [reason for one in served for reason in one.red]
    if served and not any(one.cloud.result in SERVED_RESULTS for one in served):
        failures = "; ".join(f"{one.cloud.cloud}: {one.cloud.reason}" for one in served)
        reasons.append(f"no cloud could be served: {failures}")
    return tuple(reasons)
