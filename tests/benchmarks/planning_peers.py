"""Others that plan what goes: restic and borg as whole dry runs, Cloud Custodian's age filter.

The dry runs are whole processes over the same groups, times and rules; making the repositories is
not counted. restic and borg read theirs from this machine's disk. Ours is `cleanup --dry-run`: it
opens a cloud, lists volumes and images over TLS, judges, and prints every image with its reasons.
borg judges one group at a time, so that it is run once for each. What more snapshots cost is the
difference of two sizes, without starts and keys: there ours is `retention --json`, which reads what
it judges from this machine's disk, as restic does.
"""

import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from uuid import UUID

import yaml

from tests.benchmarks import planning
from tests.benchmarks.clients import PROJECT
from tests.benchmarks.fast_cloud import FastCloud
from tests.benchmarks.names import REGION, history
from tests.benchmarks.repositories import (
    BORG,
    RESTIC,
    Repository,
    borg_repository,
    group,
    restic_repository,
)
from tests.benchmarks.table import Row, not_run

CUSTODIAN = Path(__file__).parents[2] / ".tools" / "custodian" / "bin" / "python"
CUSTODIAN_FILTER = Path(__file__).with_name("custodian_filter.py")
COMMAND = Path(sys.executable).with_name("volume-images")
GOAL = 1.0
CLEANUP = "cleanup"
RETENTION = "retention"
FORGET = "restic forget"
PRUNE = "borg prune, once a group"
RULES = {"last": 3, "hourly": 24, "daily": 7, "weekly": 4, "monthly": 12, "yearly": 3}
OPTIONS = [word for tier, count in RULES.items() for word in (f"--keep-{tier}", str(count))]


@dataclass(frozen=True, slots=True)
class Took:
    """What a dry run took, and how many it would keep."""

    seconds: float
    cpu_seconds: float
    kept: int


Sizes = Mapping[int, Sequence[Took]]
"""The rounds of each number of images."""


def dry_run_rows(groups: int, images: tuple[int, int], rounds: int) -> list[Row]:
    """Run each in turn, with few images and with many."""
    took: dict[str, dict[int, list[Took]]] = {}
    for size in images:
        for name, each in _dry_runs(groups, size // groups, rounds).items():
            took.setdefault(name, {})[size] = each
    us, from_disk = took.pop(CLEANUP), took.pop(RETENTION)
    section = f"a whole dry run, images, snapshots and archives in {groups} groups"
    rows = [row for peer, them in took.items() for row in _rows(section, peer, us, them)]
    if FORGET in took:
        rows.append(_growth_row(section, from_disk, took[FORGET]))
    missing = [peer for peer in (RESTIC, BORG) if not shutil.which(peer)]
    return rows + [not_run(section, f"{peer} is not installed here") for peer in missing]


def _dry_runs(groups: int, each: int, rounds: int) -> dict[str, list[Took]]:
    with TemporaryDirectory() as name, FastCloud(volumes=groups, history=each) as cloud:
        folder = Path(name)
        ours = Repository(str(COMMAND), _ours(folder, cloud))
        _write_images(folder, groups * each)
        runs: dict[str, Callable[[], int]] = {
            CLEANUP: lambda: _kept_by_us(ours),
            RETENTION: lambda: _kept_from_disk(ours, folder),
        }
        if shutil.which(RESTIC):
            restic = restic_repository(folder, groups, each)
            runs[FORGET] = lambda: _kept_by_restic(restic)
        if shutil.which(BORG):
            borg = borg_repository(folder, groups, each)
            runs[PRUNE] = lambda: _kept_by_borg(borg, groups)
        took: dict[str, list[Took]] = {peer: [] for peer in runs}
        for turn in range(rounds + 1):
            for peer, run in runs.items():
                found = _timed(run)
                if turn:  # the first fills restic's cache
                    took[peer].append(found)
    return took


def age_filter_rows(images: int, rounds: int) -> list[Row]:
    """Judge by all rules, with reasons, against one comparison with a date."""
    section = f"planning {images:,} images in memory"
    if not CUSTODIAN.exists():
        why = f"{CUSTODIAN} is not there: `make .tools/custodian/.ready` makes it"
        return [not_run(section, why)]
    groups = str(images // planning.GROUP_SIZE)
    ours = [sys.executable, "-m", "tests.benchmarks.planning", "--json", "--groups", groups]
    theirs = [str(CUSTODIAN), str(CUSTODIAN_FILTER), "--images", str(images)]
    judged = _last_line([*ours, "--rounds", str(rounds)])
    filtered = _last_line([*theirs, "--rounds", str(rounds)])
    return [
        Row(
            section=section,
            what="processor, every rule and reason",
            floor_is="Cloud Custodian's image-age",
            floor=filtered["seconds"],
            ours=judged["judged"],
            unit="s",
            goal=GOAL,
        )
    ]


def _rows(section: str, peer: str, us: Sizes, them: Sizes) -> list[Row]:
    few, many = us

    def wall(sizes: Sizes, size: int) -> float:
        return median(one.seconds for one in sizes[size])

    def processor(sizes: Sizes, size: int) -> float:
        return median(one.cpu_seconds for one in sizes[size])

    def row(what: str, of: Callable[[Sizes], float], why: str = "") -> Row:
        return Row(
            section=section,
            what=what,
            floor_is=peer,
            floor=of(them),
            ours=of(us),
            unit="s",
            goal=GOAL,
            why=why,
        )

    kept = f"of {many:,} ours keeps {us[many][0].kept}, {peer} {them[many][0].kept}"
    return [
        row(f"{few:,}: wall", lambda sizes: wall(sizes, few)),
        row(f"{few:,}: processor", lambda sizes: processor(sizes, few)),
        row(f"{many:,}: wall", lambda sizes: wall(sizes, many), kept),
        row(f"{many:,}: processor", lambda sizes: processor(sizes, many)),
    ]


def _growth_row(section: str, us: Sizes, them: Sizes) -> Row:
    """Compare with restic alone: borg's many starts hide what its archives cost.

    The least of all rounds counts, as what else this machine does only adds to one.
    """
    few, many = us

    def growth(sizes: Sizes) -> float:
        least = {size: min(one.cpu_seconds for one in each) for size, each in sizes.items()}
        return (least[many] - least[few]) / (many - few) * 1000

    ours, theirs = growth(us), growth(them)
    what = "every 1,000 more, read from disk: processor"
    if min(ours, theirs) <= 0:
        return not_run(section, f"{what}: lost in what else this machine does")
    return Row(
        section=section,
        what=what,
        floor_is=FORGET,
        floor=theirs,
        ours=ours,
        unit="s",
        goal=GOAL,
    )


def _timed(run: Callable[[], int]) -> Took:
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    kept = run()
    seconds = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Took(seconds, spent, kept)


def _ours(folder: Path, cloud: FastCloud) -> Mapping[str, str]:
    """Write a config as anybody would; return the environment that finds the cloud."""
    secret = cloud.secret()
    entry = {
        "auth": {
            "auth_url": secret["auth_url"],
            "username": secret["username"],
            "password": secret["password"],
            "user_domain_name": secret["domain"],
            "project_name": PROJECT,
            "project_domain_name": secret["domain"],
        },
        "region_name": REGION,
    }
    site = {"dialect": "openstack", "region": REGION, "project": PROJECT, "clouds_yaml": "bench"}
    policy = {
        "select": {"backup": "daily"},
        "schedule": "0 2 * * *",
        "retention": {f"keep_{tier}": count for tier, count in RULES.items()},
    }
    config = {
        "version": 1,
        "prefix": "bench",
        "clouds": {"bench": site},
        "policies": {"daily": policy},
        "discover": [{"cloud": "bench", "tags": {"backup": ["daily"]}}],
    }
    (folder / "clouds.yaml").write_text(yaml.safe_dump({"clouds": {"bench": entry}}))
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": str(folder),
        "NO_PROXY": "127.0.0.1",
        "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"),
        "VOLUME_IMAGES_CONFIG": str(folder / "config.yaml"),
        "VOLUME_IMAGES_CA_BUNDLE": str(cloud.own_ca),
    }


def _kept_by_us(ours: Repository) -> int:
    counts = json.loads(ours.run("cleanup", "--dry-run", "--json"))["counts"]
    return int(counts["kept"])


def _write_images(folder: Path, count: int) -> None:
    """Write the rules, and so many images of one group, as `retention` reads them."""
    rules = {f"keep_{tier}": most for tier, most in RULES.items()}
    images = [
        {"id": str(UUID(int=slot.toordinal() * 24 + slot.hour)), "time": slot.isoformat()}
        for slot in history(count)
    ]
    (folder / "rules.json").write_text(json.dumps(rules))
    (folder / "images.json").write_text(json.dumps(images))


def _kept_from_disk(ours: Repository, folder: Path) -> int:
    files = ("--policy", str(folder / "rules.json"), "--images", str(folder / "images.json"))
    return len(json.loads(ours.run("retention", *files, "--json"))["keep"])


def _kept_by_restic(restic: Repository) -> int:
    asked = ("forget", "--dry-run", "--no-lock", "--quiet", "--json", "--group-by", "host")
    return sum(len(found["keep"]) for found in json.loads(restic.run(*asked, *OPTIONS)))


def _kept_by_borg(borg: Repository, groups: int) -> int:
    """Prune as its manual shows it; what it lists goes to standard error."""
    kept = 0
    for number in range(groups):
        asked = ("prune", "--dry-run", "--list", "--glob-archives", f"{group(number)}_*")
        ran = subprocess.run(
            [borg.program, *asked, *OPTIONS],
            env=borg.environment,
            stderr=subprocess.PIPE,
            text=True,
            check=True,
        )
        kept += ran.stderr.count("Keeping archive")
    return kept


def _last_line(command: Sequence[str]) -> dict[str, float]:
    # `planning` fails where its own goal is missed, which has a row of its own.
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found
