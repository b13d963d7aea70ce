"""Turning a trigger into each cloud's share of a run, and taking the shares on."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import assert_never

from volume_images.config.schema import Config
from volume_images.config.selection import Member, Refusal, resolve_request
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
    message_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deal:
    """A trigger dealt out: the clouds' shares, and what of it no cloud is given.

    `failed_records` are the queue's records to deliver again, whatever becomes of the shares.
    """

    shares: tuple[Share, ...]
    refused: tuple[Outcome, ...] = ()
    failed_records: tuple[str, ...] = ()


def known_cloud(world: World, cloud: str, trigger: Trigger) -> Known:
    """Read what must be known before the shares are dealt; volumes only where requests ask.

    A fleet's states are too large to hold them all at once: each is read again in its turn.
    Raises StoreError.
    """
    state = read_cloud(world, cloud).state
    asked = isinstance(trigger, Requests)
    return Known(state.served_at, known_members(world.config, cloud, state) if asked else ())


def deal_out(
    config: Config, trigger: Trigger, known: Mapping[str, Known], now: datetime, *, are_all: bool
) -> Deal:
    """Give each known cloud its share of a trigger; `are_all` when there are no others.

    Raises TriggerError for a tick that names a policy which is not in the config.
    """
    match trigger:
        case Tick():
            refuse_strange_policies(trigger, config)
            at = trigger.scheduled_at or now
            return Deal(tuple(Share(cloud=cloud, at=at, tick=trigger) for cloud in known))
        case Requests():
            shares, refused = _request_shares(config, trigger.requests, known, now)
            unread = [_unreadable(record) for record in trigger.unreadable]
            again = [record.message_id for record in trigger.unreadable]
            if are_all:
                return Deal(shares, (*unread, *refused), tuple(again))
            # Which of them ask something of a cloud that is not known, nobody can say: all are
            # delivered again. What other clouds accept of them now is found accepted then.
            again += [one.message_id for one in trigger.requests if one.message_id]
            return Deal(shares, tuple(unread), tuple(again))
        case _ as never:
            assert_never(never)


def _request_shares(
    config: Config,
    requests: Iterable[RequestedExport],
    known: Mapping[str, Known],
    now: datetime,
) -> tuple[tuple[Share, ...], list[Outcome]]:
    """Give each cloud what the requests ask of it, and say what of them is refused."""
    everywhere = tuple(member for one in known.values() for member in one.members)
    shares: dict[str, Share] = {}
    refused: list[Outcome] = []
    for request in requests:
        slot = (request.requested_at or now).replace(microsecond=0)  # as names spell it
        asked, refusals = resolve_request(request, config, everywhere)
        refused += [_refused(refusal, slot) for refusal in refusals]
        for cloud, one in known.items():
            wanted = [member for member in asked if member in one.members]
            if wanted:
                tick = Tick(dry_run=request.dry_run)
                share = shares.get(cloud) or Share(cloud=cloud, at=now, tick=tick)
                shares[cloud] = _with_request(share, Wanted(wanted, slot), request)
    return tuple(shares.values()), refused


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


def _with_request(share: Share, wanted: Wanted, request: RequestedExport) -> Share:
    message_ids = (request.message_id,) if request.message_id else ()
    return replace(
        share,
        wanted=(*share.wanted, wanted),
        message_ids=(*share.message_ids, *message_ids),
    )


def _unreadable(record: Unreadable) -> Outcome:
    return Outcome(
        cloud="",
        result=ExportResult.REFUSED,
        reason="unreadable_request",
        details={"message_id": record.message_id, "why": record.why},
    )


def _refused(refusal: Refusal, slot: datetime) -> Outcome:
    return Outcome(
        cloud="",
        volume_id=refusal.subject,
        slot=slot,
        result=ExportResult.REFUSED,
        reason="request_refused",
        details={"why": refusal.why},
    )
