"""Turning a trigger into each cloud's share of a run, and taking the shares on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from volume_images.config.selection import Member, resolve_request
from volume_images.export.accepting import Wanted, accept
from volume_images.export.draft import changed
from volume_images.export.errand import Errand
from volume_images.export.gathering import known_members
from volume_images.export.memory import read, read_cloud, write
from volume_images.export.state import ExportState
from volume_images.memory import Memory, with_newest
from volume_images.model import RequestedExport, Requests, Tick, Trigger, Unreadable
from volume_images.protocols import World
from volume_images.report import ExportResult, Outcome
from volume_images.stopwatch import Stopwatch
from volume_images.triggers import refuse_strange_policies


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a cloud before its turn: when it last had one, and its volumes."""

    served_at: datetime | None = None
    members: Sequence[Member] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """One cloud's share of a run; `message_ids` are the queue's records that it came in."""

    cloud: str
    at: datetime
    tick: Tick
    wanted: Sequence[Wanted] = ()
    message_ids: frozenset[str] = frozenset()


def known_cloud(world: World, cloud: str, trigger: Trigger) -> Known:
    """Read what must be known before the shares are dealt; volumes only where requests ask.

    A fleet's states are too large to hold them all at once: each is read again in its turn.
    Raises StoreError.
    """
    state = read_cloud(world, cloud).state
    asked = isinstance(trigger, Requests)
    return Known(state.served_at, known_members(world.config, cloud, state) if asked else ())


def tick_shares(world: World, tick: Tick, clouds: Iterable[str], now: datetime) -> list[Share]:
    """Give each cloud the tick.

    Raises TriggerError for a policy that is not in the config.
    """
    refuse_strange_policies(tick, world.config)
    at = tick.scheduled_at or now
    return [Share(cloud=cloud, at=at, tick=tick) for cloud in clouds]


def request_shares(
    world: World, requests: Requests, known: Mapping[str, Known], now: datetime
) -> tuple[list[Share], list[Outcome]]:
    """Give each cloud what the requests ask of it, and say what of them is refused."""
    by_cloud = {cloud: one.members for cloud, one in known.items()}
    everywhere = tuple(member for members in by_cloud.values() for member in members)
    shares: dict[str, Share] = {}
    refused = [_unreadable(record) for record in requests.unreadable]
    for request in requests.requests:
        slot = _slot(request, now)
        asked, refusals = resolve_request(request, world.config, everywhere)
        refused += [_refused(refusal.subject, refusal.why, slot) for refusal in refusals]
        for cloud, members in by_cloud.items():
            wanted = [member for member in asked if member in members]
            if wanted:
                share = shares.get(cloud) or Share(
                    cloud=cloud,
                    at=now,
                    tick=Tick(dry_run=request.dry_run),
                )
                shares[cloud] = _with_request(share, wanted, slot, request)
    return list(shares.values()), refused


def take_on(world: World, share: Share, stopwatch: Stopwatch) -> tuple[Errand, Memory[ExportState]]:
    """Write down what the share asks for outside the schedule: from then on it is accepted.

    Raises StoreError where it cannot be written down.
    """
    memory = read_cloud(world, share.cloud)
    errand = Errand(
        world=world,
        cloud=share.cloud,
        origin=memory.origin,
        at=share.at,
        tick=share.tick,
        stopwatch=stopwatch,
    )
    if not share.wanted:
        return errand, memory

    def accepted(newest: Memory[ExportState]) -> tuple[Errand, Memory[ExportState]]:
        acceptance = accept(
            share.wanted,
            cloud=share.cloud,
            config=world.config,
            state=newest.state,
            now=world.clock.now(),
        )
        state = changed(newest.state, acceptance.changes)
        taken = replace(errand, acceptance=acceptance)
        if share.tick.dry_run or not acceptance.changes:
            return taken, replace(newest, state=state)
        return taken, write(errand, newest, state)

    return with_newest(errand.state_key, accepted, memory, partial(read, errand))


def _slot(request: RequestedExport, now: datetime) -> datetime:
    """Return a request's own time, else when it was sent, else now; names know whole seconds."""
    return (request.requested_at or request.sent_at or now).replace(microsecond=0)


def _with_request(
    share: Share, members: Sequence[Member], slot: datetime, request: RequestedExport
) -> Share:
    message_ids = {request.message_id} if request.message_id else set()
    return replace(
        share,
        wanted=(*share.wanted, Wanted(members, slot)),
        message_ids=share.message_ids | message_ids,
    )


def _unreadable(record: Unreadable) -> Outcome:
    return Outcome(
        cloud="",
        result=ExportResult.REFUSED,
        reason="unreadable_request",
        details={"message_id": record.message_id, "why": record.why},
    )


def _refused(subject: str, why: str, slot: datetime) -> Outcome:
    return Outcome(
        cloud="",
        volume_id=subject,
        slot=slot,
        result=ExportResult.REFUSED,
        reason="request_refused",
        details={"why": why},
    )
