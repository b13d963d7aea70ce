"""Warnings: what can be meant and mostly is not. Rules without effect, tags with a slip in them."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise

from volume_images.config.capacity import policy_steady_state
from volume_images.config.problems import Path, problem, spell_path
from volume_images.config.schema import Config, Policy
from volume_images.errors import Problem
from volume_images.retention.calendar import LONGEST_BUCKETS
from volume_images.simulate import DAY, slots_within
from volume_images.steady_state import YEAR

SHORTEST_WORD = 4
"""Of shorter words, one letter is too much of it to be a slip: `db`, `web`."""

_HOUR = timedelta(hours=1)  # by which a night of changing clocks lengthens a gap


@dataclass(frozen=True, slots=True)
class _Tag:
    """A tag, as its first place in the config spells it, and how many places there are."""

    key: str
    value: str
    path: Path
    places: int


def lint_config(config: Config) -> tuple[Problem, ...]:
    """Give what somebody should look at once more; none of it stops anything."""
    return (
        *(warning for name in config.policies for warning in _lint_rules(config, name)),
        *_lint_tags(config),
    )


def _lint_rules(config: Config, name: str) -> Iterator[Problem]:
    policy = config.policies[name]
    unreachable = _unreachable(policy)
    for rule, says in unreachable.items():
        yield problem("policies", name, "retention", rule, says=says)
    for rule, says in _swallowed(config, policy).items():
        if rule not in unreachable:
            yield problem("policies", name, "retention", rule, says=says)


def _unreachable(policy: Policy) -> dict[str, str]:
    """Find tiers finer than the schedule: no two images ever share a bucket of theirs."""
    if policy.schedule is None:
        return {}
    gap = _usual_gap(policy.schedule, policy.timezone)
    found = {}
    for tier, period in LONGEST_BUCKETS.items():
        count = getattr(policy.retention, f"keep_{tier}")
        if gap <= (period if period < DAY else period + _HOUR):
            continue
        if count:
            found[f"keep_{tier}"] = (
                f"the schedule leaves {_spell(gap)} or more between images, so this counts images:"
                f" it keeps the newest {count}, as keep_last: {count} would say"
            )
        if window := getattr(policy.retention, f"keep_within_{tier}"):
            found[f"keep_within_{tier}"] = (
                f"the schedule leaves {_spell(gap)} or more between images, so this keeps every"
                f" one, as keep_within: {window} would say"
            )
    return found


def _usual_gap(schedule: str, timezone: str) -> timedelta:
    """Return the smallest gap between slots, but for those that changing clocks make twice a year.

    Where a year has few slots, or one: its smallest gap, or the year.
    """
    year = slots_within(schedule, timezone, YEAR)
    gaps = Counter(later - earlier for earlier, later in pairwise(year))
    usual = [gap for gap, times in gaps.items() if times > 2]  # noqa: PLR2004 - twice a year
    return min(usual or gaps, default=YEAR.end - YEAR.start)


def _swallowed(config: Config, policy: Policy) -> dict[str, str]:
    """Find tiers without which the same images would stay, through a year after all are full.

    `keep_last` is left out: people write it as a floor, whatever the calendar keeps.
    """
    state = policy_steady_state(config, policy)
    if state is None:
        return {}
    found = {}
    for rule in (f"keep_{prefix}{tier}" for prefix in ("", "within_") for tier in LONGEST_BUCKETS):
        if rule not in state.work or rule in state.needed:
            continue
        others = sorted(
            state.work[rule] - {"floor"}, key=lambda other: (other not in state.needed, other)
        )
        by = f"{others[0]}: {getattr(policy.retention, others[0])}" if others else "other rules"
        found[rule] = (
            f"has no effect on this schedule: what it keeps stays by {by} anyway; raise it or"
            " leave it out"
        )
    return found


def _lint_tags(config: Config) -> Iterator[Problem]:
    """Find tags of volumes that one letter keeps from being selected, and the other way round."""
    selected = _tags(
        (("policies", name, part, key), key, values)
        for name, policy in config.policies.items()
        for part, selector in (("select", policy.select), ("exclude", policy.exclude))
        for key, values in selector.items()
    )
    given = _tags(
        [
            *(
                (("volumes", place, "tags", key), key, (value,))
                for place, volume in enumerate(config.volumes)
                for key, value in volume.tags.items()
            ),
            *(
                (("discover", place, "tags", key), key, values)
                for place, entry in enumerate(config.discover)
                for key, values in entry.tags.items()
            ),
        ]
    )
    told: set[tuple[str, str]] = set()
    for tag, meant in _slips(given, selected):
        told.add((meant.key, meant.value))
        says = f"{_pair(tag)} is one letter away from {_pair(meant)}, which"
        yield _slip(tag, f"{says} {spell_path(meant.path)} names")
    for tag, meant in _slips(selected, given):
        if (tag.key, tag.value) not in told:
            says = f"nothing is tagged {_pair(tag)}; one letter away, {_pair(meant)} is, at"
            yield _slip(tag, f"{says} {spell_path(meant.path)}")


def _tags(places: Iterable[tuple[Path, str, Sequence[str]]]) -> dict[tuple[str, str], _Tag]:
    tags: dict[tuple[str, str], _Tag] = {}
    for path, key, values in places:
        for value in values:
            known = tags.get((key, value))
            first = known.path if known else path
            tags[key, value] = _Tag(key, value, first, 1 + (known.places if known else 0))
    return tags


def _slips(
    tags: Mapping[tuple[str, str], _Tag], known: Mapping[tuple[str, str], _Tag]
) -> Iterator[tuple[_Tag, _Tag]]:
    """Yield each tag that nothing on the other side has, with the first one it is close to."""
    keys = {key for key, _ in known}
    for (key, value), tag in tags.items():
        if (key, value) in known:
            continue
        for other in known.values():
            same_key = key == other.key and _one_letter_apart(value, other.value)
            same_value = (
                value == other.value and key not in keys and _one_letter_apart(key, other.key)
            )
            if same_key or same_value:
                yield tag, other
                break


def _one_letter_apart(one: str, other: str) -> bool:
    """Say whether a letter was left out, added, mistyped or swapped with its neighbour.

    A digit is no slip: `web1` and `web2` are two names.
    """
    if min(len(one), len(other)) < SHORTEST_WORD or abs(len(one) - len(other)) > 1:
        return False
    start = 0
    while start < min(len(one), len(other)) and one[start] == other[start]:
        start += 1
    one, other = one[start:], other[start:]
    while one and other and one[-1] == other[-1]:
        one, other = one[:-1], other[:-1]
    differing = one + other
    if any(char.isdigit() for char in differing):
        return False
    swapped = len(one) == 2 and one == other[::-1]  # noqa: PLR2004 - neighbours
    return max(len(one), len(other)) == 1 or swapped


def _slip(tag: _Tag, says: str) -> Problem:
    more = f" (and {tag.places - 1} more)" if tag.places > 1 else ""
    return problem(*tag.path, says=says + more)


def _pair(tag: _Tag) -> str:
    return f"{tag.key}: {tag.value}"


def _spell(gap: timedelta) -> str:
    days, rest = divmod(gap, timedelta(days=1))
    parts = ((days, "d"), (rest // _HOUR, "h"), (rest % _HOUR // timedelta(minutes=1), "min"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)
