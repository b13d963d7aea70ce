"""What a new config changes about who covers a volume, as the last cleanup saw it."""

from datetime import UTC, datetime
from typing import Any

from tests.core.cleanup_samples import DB, DEPLOYMENT, WEB
from volume_images.cleanup.moves import moves
from volume_images.cleanup.state import CleanupState, Series, empty_cleanup_state
from volume_images.config.schema import Config

SEEN = Series(first_seen=datetime(2026, 3, 1, tzinfo=UTC))
AS_ORPHANS = "are kept as orphans beside what is exported from now on"


def covered(*series: str) -> dict[str, CleanupState]:
    state = empty_cleanup_state(DEPLOYMENT)
    return {"otc": state.model_copy(update={"series": dict.fromkeys(series, SEEN)})}


def config(*tagged: tuple[str, str], **changes: Any) -> Config:  # noqa: ANN401
    policy = {"schedule": "0 2 * * *", "retention": {"keep_last": 3}}
    document: dict[str, Any] = {
        "prefix": "acme",
        "clouds": {"otc": {"dialect": "huawei", "region": "eu-de", "project": "backup"}},
        "policies": {
            "daily": policy | {"select": {"backup": "daily"}},
            "weekly": policy | {"select": {"backup": "weekly"}} | changes.pop("weekly", {}),
        },
        "volumes": [{"id": id_, "cloud": "otc", "tags": {"backup": tag}} for id_, tag in tagged],
    }
    return Config.model_validate(document | changes)


def test_nothing_moves_under_the_same_config() -> None:
    same = config((DB, "daily"), (WEB, "weekly"))

    assert moves(same, covered(f"daily/{DB}", f"weekly/{WEB}")) == ()


def test_volumes_that_change_their_policy_are_counted_by_from_and_to() -> None:
    new = config((DB, "weekly"), (WEB, "weekly"))

    (found,) = moves(new, covered(f"daily/{DB}", f"daily/{WEB}"))

    assert found.path == "policies.weekly"
    assert found.message == (
        "2 volumes of cloud otc move from daily to weekly: their images under daily " + AS_ORPHANS
    )


def test_a_volume_that_only_leaves_is_counted_too() -> None:
    (found,) = moves(config((WEB, "daily")), covered(f"daily/{DB}", f"daily/{WEB}"))

    assert found.path == "policies.daily"
    assert found.message.startswith("1 volume of cloud otc leave")


def test_a_renamed_policy_that_says_so_moves_nothing() -> None:
    renamed = config((DB, "weekly"), weekly={"formerly": ["nightly"]})

    assert moves(renamed, covered(f"nightly/{DB}")) == ()


def test_a_volume_that_gains_a_policy_moves_nowhere() -> None:
    both = config((DB, "daily"), weekly={"select": {"backup": "daily"}})

    assert moves(both, covered(f"daily/{DB}")) == ()


def test_discovered_volumes_are_said_to_be_unknown() -> None:
    new = config((DB, "daily"), discover=[{"cloud": "otc", "tags": {"backup": "daily"}}])

    (found,) = moves(new, covered(f"daily/{DB}", f"daily/{WEB}"))

    assert found.path == "discover"
    assert found.message.startswith("1 volume of cloud otc cannot be compared")


def test_a_cloud_that_left_the_config_is_not_compared() -> None:
    assert moves(config((DB, "daily")), {"gone": covered(f"daily/{WEB}")["otc"]}) == ()
