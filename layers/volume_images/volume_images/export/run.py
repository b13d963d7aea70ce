"""The export run: one trigger, all clouds side by side, one report."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from volume_images.errors import StoreError
from volume_images.export.changes import Reported
from volume_images.export.intake import (
    Known,
    Share,
    known_cloud,
    request_shares,
    take_on,
    tick_shares,
)
from volume_images.export.memory import read, write_through
from volume_images.export.serving import Served, serve, serve_again
from volume_images.filing import filed
from volume_images.model import GroupKey, Requests, Tick, Trigger
from volume_images.protocols import RunLimits, World
from volume_images.report import (
    SERVED_RESULTS,
    ExportResult,
    Function,
    Gauge,
    Outcome,
    Report,
)
from volume_images.side_by_side import AT_ONCE, each, side_by_side
from volume_images.stopwatch import Stopwatch
from volume_images.unserved import out_of_time, unserved

_NEVER = datetime.min.replace(tzinfo=UTC)


def export_run(world: World, trigger: Trigger, *, limits: RunLimits) -> Report:
    """Settle, plan and start what a trigger asks for, and file the report.

    One volume's failure never stops the others, nor does one cloud's.
    Raises TriggerError for a tick that names a policy which is not in the config.
    """
    started_at = world.clock.now()
    stopwatch = Stopwatch.begin(world.clock, limits)
    known, unknown = _known_clouds(world, trigger)
    refused: Sequence[Outcome] = ()
    match trigger:
        case Tick():
            shares = tick_shares(world, trigger, known, started_at)
        case Requests():
            shares, refused = request_shares(world, trigger, known, started_at)
            if unknown:
                unknown = [_delivered_again(one, trigger) for one in unknown]
                refused = [one for one in refused if one.reason != "request_refused"]
    shares.sort(key=lambda share: known[share.cloud].served_at or _NEVER)
    served = side_by_side(
        [_Turn(share) for share in shares],
        partial(_look, world, stopwatch),
        _late,
        stopwatch,
        again=lambda turn, look: replace(turn, before=look) if look.waits else None,
    )
    served = [*served, *unknown]
    report = _report(world, trigger, served, refused, started_at)
    report = filed(report, world.store)
    if report.address:
        report = replace(report, red=(*report.red, *_forget_reported(served)))
    return report


def _known_clouds(world: World, trigger: Trigger) -> tuple[dict[str, Known], list[Served]]:
    """Read what is known of each cloud; of one whose state cannot be read, say so."""

    def known(cloud: str) -> Known | Served:
        try:
            return known_cloud(world, cloud, trigger)
        except StoreError as error:
            return _without_state(cloud, error)

    clouds = tuple(world.config.clouds)
    if isinstance(trigger, Tick) and len(clouds) <= AT_ONCE:
        return dict.fromkeys(clouds, Known()), []  # all begin at once: whose turn it is, no matter
    read = dict(zip(clouds, each(clouds, known, AT_ONCE), strict=True))
    return (
        {cloud: one for cloud, one in read.items() if isinstance(one, Known)},
        [one for one in read.values() if isinstance(one, Served)],
    )


@dataclass(frozen=True, slots=True)
class _Turn:
    """A cloud whose turn it is, and what the look before came to, where slots wait for room."""

    share: Share
    before: Served | None = None


def _look(world: World, stopwatch: Stopwatch, turn: _Turn) -> Served:
    return _first(world, stopwatch, turn.share) if turn.before is None else _again(turn.before)


def _first(world: World, stopwatch: Stopwatch, share: Share) -> Served:
    try:
        errand, memory = take_on(world, share, stopwatch)
    except StoreError as error:
        unwritten = _without_state(share.cloud, error)
        return replace(unwritten, failed_records=tuple(share.message_ids))
    try:
        return serve(errand, memory)
    except StoreError as error:
        return _without_state(share.cloud, error)


def _again(served: Served) -> Served:
    try:
        return serve_again(served)
    except StoreError as error:
        lost = _without_state(served.cloud.cloud, error)
        return replace(served, cloud=lost.cloud, red=(*served.red, *lost.red), visit=None)


def _late(turn: _Turn) -> Served:
    share = turn.share
    late = out_of_time(share.cloud)
    if turn.before is not None:
        return replace(turn.before, cloud=late, is_news=True, visit=None)
    return Served(cloud=late, is_news=True, failed_records=tuple(share.message_ids))


def _without_state(cloud: str, error: StoreError) -> Served:
    return Served(cloud=unserved(cloud, error), is_news=True, red=(f"{cloud}: {error}",))


def _delivered_again(served: Served, requests: Requests) -> Served:
    """Have all messages delivered again: which of them ask this cloud for something is not known.

    What other clouds accept of them now, a second delivery finds accepted.
    """
    ids = [one.message_id for one in requests.requests if one.message_id]
    return replace(served, failed_records=tuple(ids))


def _report(
    world: World,
    trigger: Trigger,
    served: Sequence[Served],
    refused: Iterable[Outcome],
    started_at: datetime,
) -> Report:
    missed = [outcome for one in served for outcome in _missed_before(one)]
    strays = _strays(trigger, served)
    beyond = (*refused, *missed, *strays)
    in_flight = {
        (one.cloud.cloud, policy): count
        for one in served
        for policy, count in one.in_flight.items()
    }
    unreadable = (
        [record.message_id for record in trigger.unreadable]
        if isinstance(trigger, Requests)
        else []
    )
    again = [*unreadable, *(record for one in served for record in one.failed_records)]
    return Report(
        run_id=world.run_id,
        function=Function.EXPORT,
        started_at=started_at,
        finished_at=world.clock.now(),
        config_version=world.config_version,
        dry_run=_is_dry(trigger),
        outcomes=(*(one for each in served for one in each.outcomes), *beyond),
        changed=(*(one for each in served for one in each.news), *beyond),
        clouds=tuple(one.cloud for one in served),
        changed_clouds=tuple(one.cloud for one in served if one.is_news),
        gauges={
            Gauge.CONFIG_UNREADABLE: int(bool(world.config_fault)),
            Gauge.EXPORTS_IN_FLIGHT: sum(in_flight.values()),
            Gauge.IMAGES_STUCK: sum(one.stuck for one in served),
            Gauge.IMAGES_UNMARKED: sum(one.unmarked for one in served),
            Gauge.REQUESTS_WAITING: sum(one.requests_waiting for one in served),
        },
        in_flight=in_flight,
        red=_red(world, served),
        failed_records=tuple(dict.fromkeys(again)),
    )


def _missed_before(served: Served) -> list[Outcome]:
    """Return the missed slots that no report holds yet, besides those that this run found."""
    found = []
    for missed in served.missed.values():
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


def _is_dry(trigger: Trigger) -> bool:
    if isinstance(trigger, Tick):
        return trigger.dry_run
    return any(request.dry_run for request in trigger.requests)


def _forget_reported(served: Iterable[Served]) -> Iterator[str]:
    """Drop the missed slots that now stand in a written report; until then they are kept.

    Yields why that could not be done: the next run tells of them again.
    """
    for one in served:
        if one.errand is not None:
            try:
                write_through(one.errand, read(one.errand), [Reported(one.reported)])
            except StoreError as error:
                yield f"{one.cloud.cloud}: what was reported is not written down: {error}"
