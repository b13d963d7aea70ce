"""The export run: one trigger, all clouds side by side, one report."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial

from volume_images.errors import StoreError
from volume_images.export.changes import Reported
from volume_images.export.intake import Known, Share, deal_out, known_cloud, take_on
from volume_images.export.memory import read, write_through
from volume_images.export.reporting import report_of
from volume_images.export.serving import Served, serve, serve_again
from volume_images.filing import filed
from volume_images.model import Tick, Trigger
from volume_images.protocols import World
from volume_images.report import Report
from volume_images.side_by_side import AT_ONCE, each, side_by_side
from volume_images.stopwatch import RunLimits, Stopwatch
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
    deal = deal_out(world.config, trigger, known, started_at, are_all=not unknown)
    shares = sorted(deal.shares, key=lambda share: known[share.cloud].served_at or _NEVER)
    served = side_by_side(
        [_Turn(share) for share in shares],
        partial(_look, world, stopwatch),
        _late,
        stopwatch,
        again=lambda turn, look: replace(turn, before=look) if look.waits else None,
    )
    served = [*served, *unknown]
    report = filed(report_of(world, trigger, deal, served, started_at), world.store)
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
        return replace(unwritten, failed_records=share.message_ids)
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
    return Served(cloud=late, is_news=True, failed_records=share.message_ids)


def _without_state(cloud: str, error: StoreError) -> Served:
    return Served(cloud=unserved(cloud, error), is_news=True, red=(f"{cloud}: {error}",))


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
