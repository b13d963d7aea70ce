"""What becomes of a started export, by every fact that a cloud may show."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from tests.core.export_samples import (
    DAILY,
    DB,
    HOUR,
    IDENTITY,
    MINUTE,
    NOW,
    SLOT,
    image,
    recognised,
    state,
    under_way,
    volume,
)
from volume_images.export.changes import Follow, Stick
from volume_images.export.consequences import changes_of, outcome_of, stuck_changes
from volume_images.export.draft import changed
from volume_images.export.settling import (
    Settled,
    Settlement,
    Sight,
    adopted,
    jobs_to_read,
    lookups,
    settle,
    with_their_images,
)
from volume_images.export.state import ExportState, Stuck
from volume_images.model import Image, ImageJob, JobStatus, Volume
from volume_images.recognition import ImageState
from volume_images.report import ExportResult

LATE = NOW + 2 * HOUR
VERY_LATE = NOW + 3 * HOUR


def sight(*images: Image, **read: object) -> Sight:
    listed = {one.id: one for one in images} | {one.name: one for one in images}
    return Sight(identity=IDENTITY, volumes={DB: volume()}, listed=listed, **read)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("active", Settlement.GOOD),
        ("queued", Settlement.PENDING),
        ("saving", Settlement.PENDING),
        ("uploading", Settlement.PENDING),
        ("importing", Settlement.PENDING),
        ("killed", Settlement.FAILED),
        ("deleted", Settlement.GONE),
        ("pending_delete", Settlement.GONE),
        ("deactivated", Settlement.UNKNOWN),
    ],
)
def test_a_listed_image_settles_by_its_status(status: str, expected: Settlement) -> None:
    entry = under_way(image_id="image-1")
    seen = sight(image(status=status, image_id="image-1"))
    assert settle(entry, seen, NOW).settlement is expected


def test_an_active_image_of_the_wrong_size_is_not_good() -> None:
    seen = Sight(
        identity=IDENTITY,
        volumes={DB: volume(size_gib=10)},
        listed={"image-1": image(image_id="image-1")},
    )
    settled = settle(under_way(), seen, NOW)
    assert settled.settlement is Settlement.UNKNOWN
    assert "does not fit" in settled.why


def test_an_image_that_changed_hands_is_unknown() -> None:
    stranger = Image(
        id="image-1",
        name="renamed by somebody",
        status="active",
        owner=IDENTITY.project_id,
        created_at=NOW,
    )
    assert settle(under_way(), sight(stranger), NOW).settlement is Settlement.UNKNOWN


def test_absence_from_a_listing_proves_nothing() -> None:
    assert settle(under_way(), sight(), NOW).settlement is Settlement.PENDING


def test_an_image_that_a_get_by_id_does_not_find_has_vanished_with_the_clouds_reason() -> None:
    seen = sight(images_read={"image-1": None}, messages={DB: "no space left"})
    settled = settle(under_way(), seen, NOW)
    assert (settled.settlement, settled.why) == (Settlement.VANISHED, "no space left")


def test_an_image_keeps_its_place_until_the_listing_shows_it_settled() -> None:
    read = {"image-1": image(image_id="image-1")}
    assert settle(under_way(), sight(images_read=read), NOW).settlement is Settlement.PENDING
    assert settle(under_way(), sight(images_read=read), VERY_LATE).settlement is Settlement.GOOD


def test_a_fresh_intent_belongs_to_the_run_that_wrote_it() -> None:
    intent = under_way(image_id="")
    assert settle(intent, sight(), NOW + 9 * MINUTE).settlement is Settlement.HELD


def test_an_intent_is_found_again_by_its_name() -> None:
    intent = under_way(image_id="")
    found = image(status="saving", image_id="image-7")
    settled = settle(intent, sight(found), NOW + 20 * MINUTE)
    assert settled.settlement is Settlement.PENDING
    assert changes_of([settled], state(), NOW) == [
        Follow(intent.model_copy(update={"image_id": "image-7"}))
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [("uploading", Settlement.HELD), ("available", Settlement.NO_ANSWER)],
)
def test_an_intent_without_an_image_ends_once_its_volume_is_not_uploading(
    status: str, expected: Settlement
) -> None:
    seen = sight(volumes_read={DB: volume(status=status)})
    assert settle(under_way(image_id=""), seen, NOW + 11 * MINUTE).settlement is expected


def test_an_intent_is_not_held_for_ever() -> None:
    seen = sight(volumes_read={DB: volume(status="uploading")})
    assert settle(under_way(image_id=""), seen, VERY_LATE).settlement is Settlement.NO_ANSWER


@pytest.mark.parametrize("found", [volume(status="available"), None])
def test_pending_beyond_its_deadline_with_an_idle_volume_is_stuck(found: Volume | None) -> None:
    pending = image(status="queued", image_id="image-1")
    settled = settle(under_way(), sight(pending, volumes_read={DB: found}), LATE)
    assert settled.settlement is Settlement.STUCK


def test_a_deadline_is_a_time_that_a_state_can_hold() -> None:
    """A cloud told of a pending image that was made on the last day there is."""
    made = datetime(8999, 12, 31, 23, 30, tzinfo=UTC)
    pending = recognised(state=ImageState.PENDING)
    made_late = replace(pending, image=replace(pending.image, created_at=made))
    (entry,) = adopted(state(), [made_late], {}, "run")
    assert entry.deadline == datetime(9000, 1, 1, tzinfo=UTC)


def test_pending_beyond_its_deadline_is_not_stuck_while_its_volume_uploads() -> None:
    pending = image(status="saving", image_id="image-1")
    uploading = {DB: volume(status="uploading")}
    assert settle(under_way(), sight(pending, volumes_read=uploading), LATE).settlement is (
        Settlement.PENDING
    )
    assert settle(under_way(), sight(pending), LATE).settlement is Settlement.PENDING
    late = settle(under_way(), sight(pending), VERY_LATE)
    assert late.settlement is Settlement.LATE
    assert outcome_of(late, "lab").result is ExportResult.UNKNOWN


def test_a_late_export_frees_its_place_and_is_followed_to_its_end() -> None:
    entry = under_way()
    pending = image(status="saving", image_id="image-1")
    before = state(under_way={entry.image_name: entry})
    late = settle(entry, sight(pending), VERY_LATE)
    after = changed(before, changes_of([late], before, VERY_LATE))
    assert after.under_way == {}
    assert list(after.late) == [entry.image_name]
    assert changes_of([late], after, VERY_LATE) == []
    freed = sight(pending, volumes_read={DB: volume()})
    ended = changed(after, changes_of([settle(entry, freed, VERY_LATE)], after, VERY_LATE))
    assert ended.late == {}
    assert list(ended.stuck) == ["image-1"]


def test_a_listing_that_lags_makes_nothing_stuck_that_is_done() -> None:
    """Else the same slot would be exported again."""
    shown = image(status="saving", image_id="image-1")
    late = under_way()
    assert lookups(state(), [late], {"image-1": shown}, LATE).image_ids == {"image-1"}
    done = {"image-1": image(image_id="image-1")}
    seen = sight(shown, volumes_read={DB: volume()}, images_read=done)
    assert settle(late, seen, LATE).settlement is Settlement.PENDING
    assert settle(late, seen, VERY_LATE).settlement is Settlement.GOOD
    pending = sight(shown, volumes_read={DB: volume()}, images_read={"image-1": shown})
    assert settle(late, pending, LATE).settlement is Settlement.STUCK


def test_what_a_listing_cannot_tell_is_read_by_id() -> None:
    young, late = under_way(), under_way(image_id="image-2", intended_at=NOW - 3 * HOUR)
    found = lookups(state(stuck={"image-3": stuck()}), [young, late], {}, NOW)
    assert found.image_ids == {"image-1", "image-2", "image-3"}
    assert found.volume_ids == {DB}
    listed = {"image-1": image(image_id="image-1")}
    assert lookups(state(), [young], listed, NOW).image_ids == frozenset()
    assert lookups(state(), [under_way(image_id="")], {}, NOW).volume_ids == frozenset()


def stuck() -> Stuck:
    return Stuck(group=DAILY, slot=SLOT, image_name=image().name, found_at=NOW)


def test_pending_images_that_nobody_follows_are_taken_in_once() -> None:
    pending = [recognised(state=ImageState.PENDING, image_id="image-1")]
    entries = adopted(state(), pending, {DB: volume()}, "run-2")
    assert [(one.image_id, one.deadline) for one in entries] == [
        ("image-1", SLOT + MINUTE + HOUR + 40 * MINUTE)
    ]
    followed = state(under_way={entries[0].image_name: entries[0]})
    assert adopted(followed, pending, {}, "run-2") == []
    assert adopted(state(stuck={"image-1": stuck()}), pending, {}, "run-2") == []


@pytest.mark.parametrize(
    ("settlement", "result", "reason"),
    [
        (Settlement.GOOD, ExportResult.DONE, "active"),
        (Settlement.PENDING, ExportResult.DEFERRED, "uploading"),
        (Settlement.HELD, ExportResult.DEFERRED, "intended"),
        (Settlement.FAILED, ExportResult.FAILED, "export_failed"),
        (Settlement.VANISHED, ExportResult.FAILED, "image_vanished"),
        (Settlement.GONE, ExportResult.FAILED, "image_deleted"),
        (Settlement.STUCK, ExportResult.FAILED, "stuck"),
        (Settlement.UNKNOWN, ExportResult.UNKNOWN, "image_unknown"),
        (Settlement.NO_ANSWER, ExportResult.UNKNOWN, "answer_lost"),
    ],
)
def test_every_settlement_has_its_outcome(
    settlement: Settlement, result: ExportResult, reason: str
) -> None:
    outcome = outcome_of(Settled(under_way(), settlement, "because"), "otc")
    assert (outcome.result, outcome.reason) == (result, reason)
    assert (outcome.slot, outcome.volume_id, outcome.policy) == (SLOT, DB, "daily")
    assert outcome.details == {"why": "because"}


def after(settlement: Settlement, known: ExportState | None = None) -> ExportState:
    entry = under_way()
    before = known or state(under_way={entry.image_name: entry})
    settled = Settled(entry, settlement, "", image(image_id="image-1"))
    return state(changes_of([settled], before, LATE), **dict(before))


def test_a_good_export_is_accounted_for_and_clears_what_went_wrong() -> None:
    known = after(Settlement.GOOD, after(Settlement.FAILED))
    record = known.record(DAILY)
    assert record.newest_good is not None
    assert (record.newest_good.image_id, record.accounted_until) == ("image-1", SLOT)
    assert (record.failures, record.failed_at, known.under_way) == (0, None, {})


@pytest.mark.parametrize(
    "settlement", [Settlement.FAILED, Settlement.VANISHED, Settlement.GONE, Settlement.STUCK]
)
def test_a_failed_export_frees_its_place_and_counts(settlement: Settlement) -> None:
    known = after(settlement)
    record = known.record(DAILY)
    assert (record.failures, record.failed_at, known.under_way) == (1, LATE, {})
    assert record.accounted_until is None


def test_an_export_without_an_answer_frees_its_place_and_spaces_the_next() -> None:
    known = after(Settlement.NO_ANSWER)
    assert known.under_way == {}
    assert known.record(DAILY).unanswered_at == NOW


def test_an_unknown_image_frees_its_place_and_counts_as_nothing() -> None:
    known = after(Settlement.UNKNOWN)
    assert known.under_way == {}
    assert known.record(DAILY).failures == 0


@pytest.mark.parametrize("settlement", [Settlement.PENDING, Settlement.HELD])
def test_what_is_on_its_way_keeps_its_place(settlement: Settlement) -> None:
    assert list(after(settlement).under_way) == [image().name]


def test_a_stuck_image_is_remembered_from_when_it_was_first_found() -> None:
    known = after(Settlement.STUCK)
    assert known.stuck["image-1"].found_at == LATE
    again = Stick("image-1", stuck().model_copy(update={"found_at": VERY_LATE}))
    assert state([again], **dict(known)).stuck["image-1"].found_at == LATE


@pytest.mark.parametrize(
    ("seen", "remains"),
    [
        (sight(), True),
        (sight(image(status="queued", image_id="image-1")), True),
        (sight(images_read={"image-1": image(status="saving", image_id="image-1")}), True),
        (sight(image(status="active", image_id="image-1")), False),
        (sight(images_read={"image-1": None}), False),
    ],
)
def test_a_stuck_image_is_forgotten_when_it_is_gone_or_pending_no_more(
    *, seen: Sight, remains: bool
) -> None:
    known = state(stuck={"image-1": stuck()})
    assert ("image-1" in state(stuck_changes(known, seen), **dict(known)).stuck) is remains


# --- exports that a job makes

RUNNING = ImageJob(JobStatus.RUNNING)
MADE = ImageJob(JobStatus.SUCCEEDED, "image-1")
BROKEN = ImageJob(JobStatus.FAILED, "", "IMG.0120 no")
IN_JOB = under_way(image_id="").model_copy(update={"job_id": "job-1"})


@pytest.mark.parametrize(
    ("job", "at", "expected"),
    [
        (RUNNING, NOW + HOUR, Settlement.PENDING),
        (RUNNING, VERY_LATE, Settlement.NO_ANSWER),
        (BROKEN, NOW + MINUTE, Settlement.FAILED),
        (ImageJob(JobStatus.SUCCEEDED), NOW + HOUR, Settlement.PENDING),
        (None, NOW + MINUTE, Settlement.HELD),
        (None, NOW + HOUR, Settlement.NO_ANSWER),
    ],
)
def test_a_job_tells_what_no_listing_shows_yet(
    job: ImageJob | None, at: datetime, expected: Settlement
) -> None:
    assert settle(IN_JOB, sight(jobs={"job-1": job}), at).settlement is expected


def test_a_job_gives_its_export_the_image_to_follow() -> None:
    (entry,) = with_their_images([IN_JOB], {"job-1": MADE})
    assert entry.image_id == "image-1"
    assert with_their_images([IN_JOB], {"job-1": RUNNING}) == [IN_JOB]
    shown = sight(image(image_id="image-1"), jobs={"job-1": MADE})
    assert settle(entry, shown, NOW).settlement is Settlement.GOOD


def test_only_jobs_that_a_listing_does_not_spare_are_read() -> None:
    pending = image(status="saving", image_id="image-1")
    followed = IN_JOB.model_copy(update={"image_id": "image-1"})
    assert jobs_to_read([under_way()], {}, NOW) == []
    assert jobs_to_read([IN_JOB], {}, NOW) == ["job-1"]
    assert jobs_to_read([followed], {"image-1": pending}, NOW) == []
    assert jobs_to_read([followed], {"image-1": pending}, LATE) == ["job-1"]


@pytest.mark.parametrize(
    ("job", "expected"),
    [(RUNNING, Settlement.PENDING), (MADE, Settlement.STUCK), (None, Settlement.STUCK)],
)
def test_the_image_of_a_job_is_stuck_only_when_the_job_has_ended(
    job: ImageJob | None, expected: Settlement
) -> None:
    """The volume says nothing: it stays in use all the time."""
    followed = IN_JOB.model_copy(update={"image_id": "image-1"})
    pending = image(status="saving", image_id="image-1")
    shown = sight(pending, jobs={"job-1": job}, volumes_read={DB: volume(status="in-use")})
    assert settle(followed, shown, LATE).settlement is expected
