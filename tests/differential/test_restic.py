"""Our strict mode against `restic forget` itself, on random histories by random policies.

Debian's restic 0.14 predates the rule of the oldest image (restic 0.16), so that is switched off on
our side; and it knows no `unlimited`, which is a million for it.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from tests.differential.repository import AT_ONCE, ZONE, Repository, Wanted
from volume_images.errors import PolicyWouldEmptyGroup
from volume_images.retention.judging import Candidate, judge
from volume_images.retention.rules import RetentionRules

pytestmark = pytest.mark.restic

POLICIES = 150
SEED = 1
TIERS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")
WINDOWS = ("1h", "36h", "2d", "7d", "1m", "2m3d", "1y", "1y6m2d12h", "100y")
TAGS = ("db", "prod", "db,prod", "")

Reasons = Mapping[str, list[tuple[datetime, tuple[str, ...]]]]


@dataclass(frozen=True, slots=True)
class Policy:
    rules: dict[str, object]
    keep_labels: list[list[str]] = field(default_factory=list)

    @property
    def options(self) -> list[str]:
        """Spell it for restic's command line."""
        words = []
        for name, value in self.rules.items():
            said = 1_000_000 if value == "unlimited" else value
            words += [f"--{name.replace('_', '-')}", str(said)]
        for labels in self.keep_labels:
            words += ["--keep-tag", ",".join(labels)]
        return words


def chance() -> Random:
    return Random(SEED)  # noqa: S311 - the same each time


def histories(random: Random) -> Iterator[Wanted]:
    """Yield dense hours, days, weeks, years, nights of both clock changes, equal times, futures."""
    spread = {
        "minutes": (timedelta(minutes=7), 20),
        "hours": (timedelta(hours=1), 30),
        "days": (timedelta(days=1), 30),
        "fortnights": (timedelta(days=14), 20),
        "years": (timedelta(days=200), 15),
    }
    for host, (step, count) in spread.items():
        at = datetime(2024, 3, 31, 4)  # noqa: DTZ001 - a wall clock; daylight saving has just begun
        for _ in range(count):
            yield Wanted(host, f"{at:%Y-%m-%d %H:%M:%S}", random.choice(TAGS))
            at -= step * random.choice((0.3, 1, 1, 1, 2.5))
    for host, night in {"autumn": "2023-10-29", "spring": "2024-03-31"}.items():
        for minutes in range(0, 6 * 60, 25):
            at = f"{night} {minutes // 60:02}:{minutes % 60:02}:00"
            yield Wanted(host, at, random.choice(TAGS))
    for at in ("2024-02-29 02:00:00", "2024-01-31 02:00:00", "2023-12-31 02:00:00"):
        yield Wanted("equal", at, "")
        yield Wanted("equal", at, "")
    for year in (2020, 2021, 2098, 2099):
        yield Wanted("future", f"{year}-06-01 02:00:00", random.choice(TAGS))


def policies(random: Random) -> Iterator[Policy]:
    for _ in range(POLICIES):
        rules: dict[str, object] = {
            f"keep_{tier}": random.choice((1, 1, 2, 3, 5, 8, 13, "unlimited"))
            for tier in TIERS
            if random.random() < 0.35
        }
        for tier in ("", *(f"_{tier}" for tier in TIERS[1:])):
            if random.random() < 0.15:
                rules[f"keep_within{tier}"] = random.choice(WINDOWS)
        labels = [text.split(",") for text in TAGS[:3] if random.random() < 0.1]
        yield Policy(rules or {"keep_last": 1}, labels)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    repository = Repository(tmp_path_factory.mktemp("restic"))
    repository.fill(list(histories(chance())))
    return repository


def ours(groups: Mapping[str, Sequence[Candidate]], policy: Policy) -> Reasons:
    rules = RetentionRules.model_validate(policy.rules)
    kept = {}
    for host, images in groups.items():
        times = {image.id: image.time for image in images}
        try:
            verdicts = judge(
                images,
                rules,
                timezone=ZONE,
                now=datetime.now(UTC),
                strict=True,
                oldest_rule=False,
                keep_labels=policy.keep_labels,
            )
        except PolicyWouldEmptyGroup:  # restic 0.14 would remove them all
            verdicts = ()
        kept[host] = sorted(
            (times[verdict.id], verdict.reasons) for verdict in verdicts if verdict.keep
        )
    return kept


def in_our_words(kept: Reasons) -> Reasons:
    def said(match: str) -> str:
        match = match.removesuffix(" snapshot")
        return "labels" if match.startswith("has tags") else re.sub(r"within .*", "within", match)

    return {
        host: sorted((at, tuple(map(said, matches))) for at, matches in found)
        for host, found in kept.items()
    }


def test_restic_keeps_the_same_for_the_same_reasons(repository: Repository) -> None:
    groups = repository.histories()
    wanted = list(policies(chance()))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        theirs = list(
            pool.map(lambda policy: in_our_words(repository.kept(policy.options)), wanted)
        )

    differing = [
        policy.options
        for policy, kept in zip(wanted, theirs, strict=True)
        if kept != ours(groups, policy)
    ]

    assert len(wanted) >= 100
    assert sum(len(images) for images in groups.values()) == len(list(histories(chance())))
    assert differing == []
