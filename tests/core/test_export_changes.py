"""Changes of the exporter's state: the same twice, in any state, and written as they are read."""

from hypothesis import given
from hypothesis import strategies as st

from tests.core.export_samples import DAILY, DAY, NOW, REQUESTED, SLOT, image, state, under_way
from tests.support.examples import examples
from volume_images.export.changes import (
    Accept,
    Accounted,
    Fail,
    FirstSeen,
    Follow,
    Forget,
    FoundGood,
    Intend,
    Leave,
    Miss,
    Refuse,
    Reported,
    Say,
    Stick,
    Unanswered,
    Unstick,
)
from volume_images.export.cloud_changes import (
    Discover,
    Looked,
    LookSoon,
    Pause,
    Reschedule,
    SecretRefused,
)
from volume_images.export.draft import Change, changed
from volume_images.export.state import (
    Discovered,
    ExportState,
    FormerSchedule,
    Missed,
    NewestGood,
    Refusal,
    Stuck,
    Waiting,
    slot_key,
)

GROUP = DAILY
GOOD = NewestGood(slot=SLOT, image_id="image-1", created_at=SLOT)
EVERY_CHANGE: tuple[Change, ...] = (
    FirstSeen(GROUP, SLOT - DAY, "daily", "0 2 * * * UTC"),
    Accounted(GROUP, SLOT),
    FoundGood(GROUP, GOOD),
    Miss(Missed(group=GROUP, slot=SLOT, reason="too_late")),
    Reported((slot_key(GROUP, SLOT),)),
    Accept(Waiting(group=REQUESTED, slot=NOW)),
    Intend(under_way(image_id=""), 1),
    Follow(under_way()),
    Leave(image().name),
    Fail(GROUP, 1, NOW, "export_failed"),
    Refuse(GROUP, Refusal(reason="r", facts="f", config_version="v", at=NOW)),
    Unanswered(GROUP, NOW),
    Stick("image-1", Stuck(group=GROUP, slot=SLOT, image_name=image().name, found_at=NOW)),
    Unstick("image-1"),
    Say(str(GROUP), "started"),
    Discover({"volume": Discovered(name="db01", tags={"backup": "daily"})}),
    Forget(frozenset({str(GROUP)})),
    Pause(NOW),
    SecretRefused("fingerprint", NOW),
    Reschedule("daily", "0 5 * * * UTC", FormerSchedule(text="0 2 * * * UTC", until=NOW)),
    Looked(NOW, NOW + DAY, "v1", {"daily": "0 2 * * * UTC"}, {}),
    LookSoon(NOW),
)
some_changes = st.lists(st.sampled_from(EVERY_CHANGE), max_size=12)


@examples(200)
@given(before=some_changes, again=some_changes)
def test_applying_changes_again_in_order_changes_nothing(
    before: list[Change], again: list[Change]
) -> None:
    once = changed(state(before), again)
    assert changed(once, again) == changed(changed(once, again), again)


@examples(200)
@given(changes=some_changes)
def test_a_state_is_read_as_it_was_written(changes: list[Change]) -> None:
    written = state(changes)
    assert ExportState.model_validate_json(written.model_dump_json()) == written


@examples(200)
@given(changes=some_changes)
def test_accounted_slots_only_move_forward(changes: list[Change]) -> None:
    known = state([Accounted(GROUP, SLOT + DAY)])
    after = changed(known, [one for one in changes if not isinstance(one, Forget)])
    assert after.record(DAILY).accounted_until == SLOT + DAY


def test_a_missed_slot_is_kept_until_it_is_reported() -> None:
    known = state([Miss(Missed(group=GROUP, slot=SLOT, reason="too_late"))])
    assert list(known.missed) == [slot_key(GROUP, SLOT)]
    assert changed(known, [Reported(tuple(known.missed))]).missed == {}


def test_an_older_good_image_changes_nothing() -> None:
    older = GOOD.model_copy(update={"slot": SLOT - DAY})
    known = state([FoundGood(GROUP, GOOD), Fail(GROUP, 2, NOW, "export_failed")])
    assert changed(known, [FoundGood(GROUP, older)]) == known


def test_a_volume_is_seen_first_once() -> None:
    first = FirstSeen(GROUP, SLOT, "daily", "0 2 * * * UTC")
    known = state([first, FirstSeen(GROUP, SLOT + DAY, "daily", "0 3 * * * UTC")])
    assert known.record(DAILY).accounted_until == SLOT
    assert known.schedules == {"daily": "0 2 * * * UTC"}
