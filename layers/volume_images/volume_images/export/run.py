"""The export run: one trigger, all clouds side by side, one report."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from volume_images.errors import StoreError
from volume_images.export.changes import Reported
from volume_images.export.errand import Errand
from volume_images.export.gathering import known_members
from volume_images.export.intake import Share, request_shares, take_on, tick_shares
from volume_images.export.memory import read_cloud, write_through
from volume_images.export.serving import Served, serve
from volume_images.export.state import ExportState
from volume_images.filing import filed
from volume_images.memory import Memory
from volume_images.model import GroupKey, Requests, Tick, Trigger
from volume_images.protocols import RunLimits, World
from volume_images.report import (
    SERVED_RESULTS,
    CloudOutcome,
    CloudResult,
    ExportResult,
    Function,
    Gauge,
    Outcome,
    Report,
)
from volume_images.stopwatch import Stopwatch

CLOUDS_AT_ONCE = 16
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Done:
    """One cloud's part of the run: what was served, or why its state could not be used."""

    cloud: CloudOutcome
    served: Served | None = None
    errand: Errand | None = None
    store_error: str = ""
    message_ids: frozenset[str] = frozenset()


def export_run(world: World, trigger: Trigger, *, limits: RunLimits) -> Report:
    """Settle, plan and start what a trigger asks for, and file the report.

    One volume's failure never stops the others, nor does one cloud's.
    Raises TriggerError for a tick that names a policy which is not in the config.
    """
    started_at = world.clock.now()
    stopwatch = Stopwatch(world.clock, limits, world.clock.monotonic())
    with ThreadPoolExecutor(CLOUDS_AT_ONCE) as pool:
        clouds = tuple(world.config.clouds)
        read = dict(zip(clouds, pool.map(lambda name: _read(world, name), clouds), strict=True))
        memories = {name: one for name, one in read.items() if isinstance(one, Memory)}
        refused: Sequence[Outcome] = ()
        match trigger:
            case Tick():
                shares = tick_shares(world, trigger, memories, started_at)
            case Requests():
                shares, refused = request_shares(world, trigger, memories, started_at)
        shares.sort(key=lambda share: share.memory.state.served_at or _NEVER)
        done = [*pool.map(lambda share: _serve(world, share, stopwatch), shares)]
    done += [one for one in read.values() if isinstance(one, _Done)]
    report = _report(world, trigger, done, refused, started_at)
    report = filed(report, world.store)
    if report.address:
        _forget_reported(done)
    return report


def _read(world: World, cloud: str) -> Memory[ExportState] | _Done:
    try:
        return read_cloud(world, cloud)
    except StoreError as error:
        return _without_state(cloud, error)


def _serve(world: World, share: Share, stopwatch: Stopwatch) -> _Done:
    try:
        errand = take_on(world, share, stopwatch)
    except StoreError as error:
        return replace(_without_state(share.cloud, error), message_ids=share.message_ids)
    try:
        served = serve(errand)
    except StoreError as error:
        return _without_state(share.cloud, error)
    return _Done(served.cloud, served, errand)


def _without_state(cloud: str, error: StoreError) -> _Done:
    outcome = CloudOutcome(cloud=cloud, result=CloudResult.NO_STATE, reason=str(error))
    return _Done(outcome, store_error=f"{cloud}: {error}")


def _report(
    world: World,
    trigger: Trigger,
    done: Sequence[_Done],
    refused: Iterable[Outcome],
    started_at: datetime,
) -> Report:
    served = [one.served for one in done if one.served is not None]
    missed = [outcome for one in served for outcome in _missed_before(one)]
    strays = _strays(world, trigger, served)
    beyond = (*refused, *missed, *strays)
    states = {one.cloud.cloud: one.memory.state for one in served}
    under_way = [
        (cloud, GroupKey.parse(entry.group).policy)
        for cloud, state in states.items()
        for entry in state.under_way.values()
    ]
    unreadable = (
        [record.message_id for record in trigger.unreadable]
        if isinstance(trigger, Requests)
        else []
    )
    return Report(
        run_id=world.run_id,
        function=Function.EXPORT,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        dry_run=_is_dry(trigger),
        outcomes=(*(one for each in served for one in each.progress.outcomes.values()), *beyond),
        changed=(*(one for each in served for one in each.progress.news()), *beyond),
        clouds=tuple(one.cloud for one in done),
        gauges={
            Gauge.EXPORTS_IN_FLIGHT: len(under_way),
            Gauge.IMAGES_STUCK: sum(len(state.stuck) for state in states.values()),
            Gauge.IMAGES_UNMARKED: sum(len(state.unmarked) for state in states.values()),
            Gauge.REQUESTS_WAITING: sum(len(state.waiting) for state in states.values()),
            Gauge.CONFIG_UNREADABLE: int(bool(world.config_fault)),
        },
        in_flight=Counter(under_way),
        red=_red(world, done),
        failed_records=(*unreadable, *(record for one in done for record in one.message_ids)),
    )


def _missed_before(served: Served) -> list[Outcome]:
    """Return the missed slots that no report holds yet, besides those that this run found."""
    found = []
    for key, missed in served.memory.state.missed.items():
        if key not in served.progress.outcomes:
            group = GroupKey.parse(missed.group)
            found.append(
                Outcome(
                    cloud=served.cloud.cloud,
                    policy=group.series,
                    volume_id=group.volume_id,
                    slot=missed.slot,
                    result=ExportResult.MISSED,
                    reason=missed.reason,
                )
            )
    return found


def _strays(world: World, trigger: Trigger, served: Iterable[Served]) -> list[Outcome]:
    """Refuse the volumes that a tick names and no policy covers: a trigger can only narrow."""
    if not isinstance(trigger, Tick):
        return []
    known = {
        member.volume_id
        for one in served
        for member in known_members(world.config, one.cloud.cloud, one.memory.state)
    }
    return [
        Outcome(
            cloud="",
            volume_id=volume_id,
            result=ExportResult.REFUSED,
            reason="not_in_config",
        )
        for volume_id in sorted(trigger.volume_ids - known)
    ]


def _red(world: World, done: Sequence[_Done]) -> tuple[str, ...]:
    """Say why the run could not do its own work; a single cloud that is down is no reason."""
    reasons = [world.config_fault] if world.config_fault else []
    reasons += [one.store_error for one in done if one.store_error]
    reasons += [one.served.red for one in done if one.served is not None and one.served.red]
    if done and not any(one.cloud.result in SERVED_RESULTS for one in done):
        failures = "; ".join(f"{one.cloud.cloud}: {one.cloud.reason}" for one in done)
        reasons.append(f"no cloud could be served: {failures}")
    return tuple(reasons)


def _is_dry(trigger: Trigger) -> bool:
    if isinstance(trigger, Tick):
        return trigger.dry_run
    return any(request.dry_run for request in trigger.requests)


def _forget_reported(done: Iterable[_Done]) -> None:
    """Drop the missed slots that now stand in a written report; until then they are kept."""
    for one in done:
        if one.served is None or one.errand is None or not one.served.memory.state.missed:
            continue
        memory = one.served.memory
        write_through(one.errand, memory, [Reported(tuple(memory.state.missed))])
