"""When a volume is fresh, stale, or was never exported."""

from datetime import UTC, datetime, timedelta

import pytest

from volume_images.cleanup.freshness import Covered, freshness, newest_slot
from volume_images.cleanup.state import Series
from volume_images.report import FreshnessState

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
LONG_AGO = NOW - timedelta(days=300)
DAILY = Covered(cloud="otc", policy="daily", volume_id="db", max_age=40 * HOUR)
AGELESS = Covered(cloud="otc", policy="daily", volume_id="db", max_age=None)


@pytest.mark.parametrize(
    ("covered", "series", "expected"),
    [
        (DAILY, Series(first_seen=LONG_AGO, newest_slot=NOW - 40 * HOUR), ("fresh", False)),
        (DAILY, Series(first_seen=LONG_AGO, newest_slot=NOW - 41 * HOUR), ("stale", True)),
        (AGELESS, Series(first_seen=LONG_AGO, newest_slot=LONG_AGO), ("fresh", False)),
        (DAILY, Series(first_seen=NOW - 40 * HOUR), ("never_exported", False)),
        (DAILY, Series(first_seen=NOW - 41 * HOUR), ("never_exported", True)),
        (AGELESS, Series(first_seen=LONG_AGO), ("never_exported", False)),
    ],
)
def test_a_volume_is_stale_when_its_newest_slot_or_its_joining_is_older_than_max_age(
    covered: Covered, series: Series, expected: tuple[str, bool]
) -> None:
    found = freshness(covered, series, NOW)

    assert (found.state, found.stale) == (FreshnessState(expected[0]), expected[1])
    assert found.newest_slot == series.newest_slot
    assert (found.cloud, found.policy, found.volume_id) == ("otc", "daily", "db")


def test_a_slot_in_the_future_makes_no_volume_fresh() -> None:
    slots = [NOW - 30 * HOUR, NOW + timedelta(minutes=5), NOW + HOUR]

    assert newest_slot(slots, NOW) == NOW + timedelta(minutes=5)
    assert newest_slot([NOW + HOUR], NOW) is None
    assert newest_slot([], NOW) is None
