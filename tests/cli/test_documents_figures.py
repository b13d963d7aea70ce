"""Every figure in the pages is the code's own, or comes out when it is reckoned again."""

import re
from datetime import timedelta

import pytest

from tests.benchmarks.cost_rows import storage_rows
from tests.differential.test_restic import POLICIES, chance, histories
from tests.documents.pages import CHECKOUT
from tests.template.rendered import Stack, template
from volume_images.cleanup.deciding import RESTORE_PIN_LASTS
from volume_images.cleanup.due import FAILED_WAIT
from volume_images.cleanup.gathering import MOST_SKEW
from volume_images.cleanup.rows import LONGEST_GAP
from volume_images.cloud.bounded import (
    LARGEST_ANSWER_BYTES,
    LARGEST_HEAD_BYTES,
    WHOLE_ANSWER_SECONDS,
)
from volume_images.cloud.retries import LEFT_ALONE, MOST_FAILURES
from volume_images.config.schema import CloudConfig, Config
from volume_images.config.selection import MOST_REQUESTED
from volume_images.dialect import Dialect
from volume_images.export.decisions import SPACING
from volume_images.export.gathering import READS_BY_ID
from volume_images.export.settling import DEADLINE, DEADLINE_PER_GIB, INTENT_HOLDS
from volume_images.image_name import MAX_LENGTH, ImageName
from volume_images.memory import CONFLICTS
from volume_images.metrics import METRICS
from volume_images.pages.after_cleanup import MOST_IMAGES
from volume_images.report import Function
from volume_images.side_by_side import AT_ONCE, THREADS
from volume_images.stopwatch import RunLimits
from volume_images.storage.address import CONFIG_LIMIT
from volume_images.telling.events import MOST_OF_A_KIND

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MIB = 2**20
SNAPSHOTS = len(list(histories(chance())))
OF_A_CLOUD = CloudConfig.model_fields
ALWAYS = len(METRICS[Function.EXPORT]) + len(METRICS[Function.CLEANUP])


def text(page: str) -> str:
    """Return a page as one line."""
    return (CHECKOUT / page).read_text().replace("\n", " ")


OPERATIONS = text("docs/operations.md")


IN_WORDS = {5: "five", 8: "eight", 10: "ten", 20: "twenty"}

FIGURES = {
    "docs/operations.md": [
        f"| clouds served at once by a run | {AT_ONCE},",
        f"one that takes over {RunLimits().patience:.0f} s goes on beside them, {THREADS} in",
        f"| volumes of a request | {MOST_REQUESTED} |",
        f"| image names | {MAX_LENGTH} characters |",
        f"| a volume on Huawei Cloud | {Dialect.HUAWEI.traits.largest_gib // 1024} TiB |",
        f"| listed volumes | config of {CONFIG_LIMIT // MIB} MiB,",
        f"`requests_per_second` ({OF_A_CLOUD['requests_per_second'].default})",
        f"`max_in_flight` ({OF_A_CLOUD['max_in_flight'].default})",
        f"asked {MOST_FAILURES} times, then left alone for {LEFT_ALONE // MINUTE} minutes",
        f"(up to {MOST_IMAGES:,} images)",
        f"announcements lapse after {LONGEST_GAP // HOUR} hours",
        f"cleanup deletes them after {FAILED_WAIT // HOUR} hours",
        f"images of failed exports go after {FAILED_WAIT // HOUR} hours",
        f"no longer counts after {RESTORE_PIN_LASTS.days} days",
        "an hour, and a minute for each GiB",
    ],
    "docs/reasons.md": [
        "After failures in a row: 10 min, 1 h, 3 h, then 6 h.",
        f"one run looks for {READS_BY_ID} such volumes",
        f"or more than {MOST_REQUESTED} volumes",
        f"Above the {Dialect.HUAWEI.traits.largest_gib // 1024} TiB that Huawei Cloud exports",
        f"one older than {RESTORE_PIN_LASTS.days} days no longer counts",
        f"Failed ones go {FAILED_WAIT // HOUR} h after",
        f"until {IN_WORDS[INTENT_HOLDS // MINUTE]} minutes later",
        f"more than {IN_WORDS[MOST_SKEW // MINUTE]} minutes: nothing is announced",
        f"faster {IN_WORDS[CONFLICTS]} times over",
    ],
    "docs/events.md": [f"a run tells at most {MOST_OF_A_KIND} transitions of a kind"],
    "docs/cleanup.md": [
        f"no run has confirmed the announcement for {LONGEST_GAP // HOUR} hours",
        f"differ by more than {IN_WORDS[MOST_SKEW // MINUTE]} minutes",
        f"`grace`, {Config.model_fields['grace'].default // HOUR} hours by default",
    ],
    "docs/retention.md": [f"{POLICIES} random policies on {SNAPSHOTS} random snapshots"],
    "SECURITY.md": [
        f"{LARGEST_ANSWER_BYTES // MIB} MiB, {LARGEST_HEAD_BYTES // 1024} KiB before it",
        f"{WHOLE_ANSWER_SECONDS:.0f} seconds",
        f"at most {MOST_REQUESTED} volumes are taken from one request",
    ],
}


@pytest.mark.parametrize(
    ("page", "said"), [(page, said) for page, every in FIGURES.items() for said in every]
)
def test_a_figure_is_the_one_of_the_code(page: str, said: str) -> None:
    assert said in text(page)


def test_attempts_are_spaced_and_exports_late_as_it_says() -> None:
    assert [wait / HOUR for wait in SPACING] == [1 / 6, 1, 3, 6]
    assert (DEADLINE, DEADLINE_PER_GIB) == (HOUR, MINUTE)


def test_the_targets_that_are_told_with_a_number_have_it() -> None:
    makefile = (CHECKOUT / "Makefile").read_text()
    assert "--inputs 100000 " in makefile
    assert "| `make test-fuzz` | 100,000 " in (CHECKOUT / "SECURITY.md").read_text()


class TestReadme:
    def test_the_name_it_shows_is_one_of_the_config_that_it_shows(self) -> None:
        """02:00 in Berlin is 01:00 UTC in March."""
        (name,) = re.findall(r"`(acme-prod_daily_\S+)`", text("README.md"))
        parsed = ImageName.parse(name)
        assert parsed is not None
        assert str(parsed) == name
        assert f"{parsed.slot:%H:%M}" == "01:00"

    def test_functions_run_as_often_as_it_says(self) -> None:
        parameters = template()["Parameters"]
        assert parameters["TickSchedule"]["Default"] == "rate(10 minutes)"
        assert "**A tick every ten minutes**" in text("README.md")
        assert parameters["CleanupSchedule"]["Default"] == "rate(1 hour)"
        assert "**Cleanup, every hour,**" in text("README.md")
        assert f"`grace` ({parameters['MinimumGrace']['Default'].replace('h', ' h')})" in text(
            "README.md"
        )


def dollars(cell: str) -> list[float]:
    """Return the amounts of a cell of a table."""
    return [float(amount.replace(",", "")) for amount in re.findall(r"\$([\d,.]*\d)", cell)]


def rows(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table below a heading of operations.md, by their first cells."""
    page = (CHECKOUT / "docs" / "operations.md").read_text()
    table = re.split(r"\n\n(?!\|)", page.split(heading, 1)[1].split("\n|", 1)[1], maxsplit=1)[0]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines()]
    return {first: rest for first, *rest in cells}


class TestCost:
    metrics = ALWAYS, ALWAYS + len(METRICS[Function.DRILL])
    stacks = Stack(), Stack(DrillSchedule="rate(7 days)")

    def alarms(self) -> list[int]:
        return [len(stack.of_type("AWS::CloudWatch::Alarm")) for stack in self.stacks]

    def watched(self, stack: Stack) -> int:
        """Return how many metrics the alarms look at: each is billed."""
        every = stack.of_type("AWS::CloudWatch::Alarm").values()
        return sum(
            sum("MetricStat" in one for one in alarm["Metrics"]) if "Metrics" in alarm else 1
            for alarm in every
        )

    def test_as_many_metrics_and_alarms_are_paid_for_as_it_says(self) -> None:
        one, two = self.metrics
        few, many = self.alarms()
        said = f"publishes {one} metrics ({two} with drills), and has {few} alarms ({many})"
        assert said in OPERATIONS

    def test_metrics_and_alarms_cost_what_it_says(self) -> None:
        table = rows("## Cost")
        (price,) = dollars(next(row for row in table if row.startswith("metrics")))
        (cell,) = table["metrics, $0.30 each"]
        assert dollars(cell) == [pytest.approx(count * price) for count in self.metrics]
        alarms = next(row for row in table if row.startswith("alarms"))
        (price,) = dollars(alarms)
        assert dollars(table[alarms][0]) == [
            pytest.approx(self.watched(stack) * price) for stack in self.stacks
        ]

    def test_the_page_on_performance_pays_for_as_many(self) -> None:
        stack, _ = self.stacks
        page = (CHECKOUT / "docs" / "performance.md").read_text()
        assert f"| metrics | {ALWAYS} | {ALWAYS * 0.3:.2f} |" in page
        watched = self.watched(stack)
        assert f"| metrics that alarms look at | {watched} | {watched * 0.1:.2f} |" in page
        table = page.split("| What | Quantity | USD |\n")[1].split("\n\n")[0]
        *parts, whole = map(float, re.findall(r"(\d+\.\d\d)(?:\*\*)? \|$", table, re.MULTILINE))
        assert whole == pytest.approx(sum(parts), abs=0.02)

    def test_secrets_cost_what_it_says(self) -> None:
        name = next(row for row in rows("## Cost") if row.startswith("secrets"))
        (price,) = dollars(name)
        assert dollars(rows("## Cost")[name][0]) == [
            pytest.approx(2 * price),
            pytest.approx(3 * price),
        ]

    def test_a_month_has_as_many_runs_as_it_says(self) -> None:
        assert f"{30 * 24 * 6:,} ticks and {30 * 24} cleanups" in OPERATIONS


def test_as_many_images_are_kept_as_the_page_on_performance_says() -> None:
    page = (CHECKOUT / "docs" / "performance.md").read_text()
    table = page.split("| images kept after three years |\n")[1].split("\n\n")[0]
    assert re.findall(r"\| (\d+) \|$", table, re.MULTILINE) == [
        f"{row.ours:.0f}" for row in storage_rows()
    ]


class TestAMillionVolumes:
    """The reckoning on paper, done again from its own figures."""

    projects, volumes, images = 500, 1_000_000 // 500, 3 + 7 + 5 + 12
    table = rows("**1,000,000 volumes in 500 projects, on paper**")

    def says(self, row: str, *parts: str) -> None:
        cells = " | ".join(self.table[row])
        assert [part for part in parts if part not in cells] == []

    def test_a_slot(self) -> None:
        minutes = self.volumes / 40 * 10
        self.says("a slot", f"{minutes // 60:.0f} h {minutes % 60:.0f} min")

    def test_ticks(self) -> None:
        a_day = self.projects * 24 * 6
        self.says("ticks", f"{a_day:,} invocations a day, {a_day * 30 / 1e6:.1f} million a month")

    def test_calls(self) -> None:
        self.says("calls to a project, a tick", f"{2 + 8 + 40 + 40}, in {90 / 10:.0f} s")

    def test_images(self) -> None:
        total = self.volumes * self.images
        self.says("images in a project", f"{total:,}")
        calls = total / 500 + 3 * self.volumes
        self.says("a cleanup, a project", f"{round(calls, -3):,.0f} calls: {calls / 600:.0f} min")

    def test_memory_and_reports(self) -> None:
        (each,) = re.findall(r"1,000,000 . ([\d.]+) kB", self.table["memory of one run for all"][0])
        self.says("memory of one run for all", f"{each} GB")
        (size,) = re.findall(r"54,000 . (\d+) B", self.table["reports of cleanup"][0])
        total = self.volumes * self.images * int(size) * self.projects
        self.says("reports of cleanup", f"{total / 1e9:.0f} GB a run")

    def test_lambda(self) -> None:
        name = next(row for row in self.table if row.startswith("Lambda, a month"))
        seconds = 500 * 50 * 0.5 * 30
        price = 0.0000133334
        self.says(
            name,
            f"{seconds * 9 / 1e6:.1f} million GB-seconds, ${seconds * 9 * price:.0f}",
            f"${seconds * 480 * price:,.0f}",
        )
