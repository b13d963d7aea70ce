"""What a restore pins stays while it is read, and not a day longer than restores last."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.core.cleanup_samples import DAY, NOW, days, image, only_group, plan
from volume_images.cleanup.deciding import RESTORE_PIN_LASTS, overdue_pins
from volume_images.model import RestorePin


def pin(age: timedelta) -> RestorePin:
    return RestorePin(NOW - age, "any")


def expired(**changes: Any) -> set[str]:  # noqa: ANN401
    """Return what goes of six nights under keep_last 3, when the second has these changes."""
    images = [image(1), image(2, "read", **changes), *days(3, 4, 5, 6)]
    return {entry.image_id for entry in only_group(plan(images)).expired}


def test_an_image_that_no_rule_keeps_stays_while_it_is_restored() -> None:
    assert "read" in expired()
    assert expired(restore_pins=(pin(DAY),)) == expired() - {"read"}


def test_a_pin_that_a_killed_restore_left_holds_for_seven_days() -> None:
    assert "read" not in expired(restore_pins=(pin(7 * DAY),))
    assert "read" in expired(restore_pins=(pin(7 * DAY + timedelta(seconds=1)),))


def test_the_image_being_restored_is_said_to_be() -> None:
    group = only_group(plan([image(1, "read", restore_pins=(pin(DAY),)), *days(2, 3, 4)]))
    assert {entry.reason for entry in group.kept if entry.recognised.image.id == "read"} == {
        "being restored"
    }


def test_an_image_being_restored_still_takes_its_place_among_the_newest() -> None:
    """Else each restore of a newest image would bring an older one back, and its wait to naught."""
    newest = image(6, "read", restore_pins=(pin(DAY),))
    group = only_group(plan([*days(1, 2, 3, 4, 5), newest]))
    assert len(group.expired) == 3


def test_what_a_failed_export_left_stays_while_somebody_reads_it() -> None:
    group = only_group(plan([image(1, "x", status="killed", restore_pins=(pin(DAY),)), *days(2)]))
    assert group.failed == ()


@given(st.lists(st.timedeltas(timedelta(days=-1), timedelta(days=20)), max_size=4))
def test_one_young_pin_is_enough_and_all_old_ones_are_none(ages: list[timedelta]) -> None:
    pins = tuple(pin(age) for age in ages)
    young = [age for age in ages if age <= RESTORE_PIN_LASTS]
    assert ("read" in expired(restore_pins=pins)) == (not young)
    assert len(overdue_pins(image(1, restore_pins=pins), NOW)) == len(ages) - len(young)


def test_the_id_of_a_run_says_since_when_it_pins() -> None:
    run_id = "20260302T020500Z-5f0c1a9e"
    assert RestorePin.parse(run_id) == RestorePin(datetime(2026, 3, 2, 2, 5, tzinfo=UTC), run_id)


@pytest.mark.parametrize(
    "text", ["", "soon", "20260302T020500Z", "20261399T020500Z-5f0c1a9e", "20260302T020500Z-5F0C"]
)
def test_what_is_no_id_of_a_run_pins_nothing(text: str) -> None:
    assert RestorePin.parse(text) is None
