"""Rows of plans: whether a plan continues what the one before it said of a group."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from volume_images.cleanup.rule_digest import RuleDigests
from volume_images.cleanup.state import CleanupState, Judged
from volume_images.model import GroupKey

LONGEST_GAP = timedelta(hours=36)
"""A row of plans breaks when none confirmed it for so long; cleanup runs every 1 to 24 hours."""

CLOCK_ALLOWANCE = timedelta(minutes=5)
"""Two runs' clocks may differ this much; a row confirmed further ahead proves nothing."""

History = Mapping[str, tuple[RuleDigests, ...] | None]
"""By the config version of an earlier plan: the rules under each version written since then.

None where the store does not know them: then only the rules then and now can be compared.
"""


@dataclass(frozen=True, slots=True)
class Past:
    """What earlier runs and people left in the state, and which rules there have been since."""

    state: CleanupState
    history: History


def row_stands(
    judged: Judged | None, key: GroupKey, digest: str, now: datetime, history: History
) -> bool:
    """Whether a plan by these rules continues the row of plans that `judged` is the last of.

    The row breaks after too long a gap, and when any config since then had other rules: comparing
    only then and now would let a slip that was reverted and made again keep its old date.
    """
    if judged is None or judged.digest != digest:
        return False
    if not -CLOCK_ALLOWANCE <= now - judged.at <= LONGEST_GAP:
        return False
    versions = history[judged.config_version]
    return versions is None or all(rules.of(key) == digest for rules in versions)
