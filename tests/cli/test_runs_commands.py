"""`volume-images runs`: what the reports in the store tell, read no further than needed."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.cli.conftest import Cli, Ran
from tests.sandbox.stack import SandboxStack
from volume_images.cli.inputs.report_keys import report_keys
from volume_images.dialect import Dialect
from volume_images.filing import filed
from volume_images.report import CloudOutcome, CloudResult, ExportResult, Function, Outcome, Report
from volume_images.run_id import named_at, new_run_id
from volume_images.storage.folder import ConfigFile, FolderStore

NOW = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)


def report(
    at: datetime,
    function: Function = Function.EXPORT,
    ending: str = "0123abcd",
    red: tuple[str, ...] = (),
    cloud: CloudResult = CloudResult.SERVED,
) -> Report:
    outcome = Outcome(
        cloud="otc",
        policy="daily",
        volume_id="16369c5d-384d-4e64-b37a-56d898769362",
        slot=NOW,
        result=ExportResult.STARTED,
        reason="started",
    )
    return Report(
        run_id=f"{at:%Y%m%dT%H%M%SZ}-{ending}",
        function=function,
        started_at=at,
        finished_at=at + timedelta(seconds=12),
        outcomes=(outcome,) if function is Function.EXPORT else (),
        clouds=(CloudOutcome(cloud="otc", result=cloud, reason="no answer"),),
        red=red,
    )


@pytest.fixture
def folder(tmp_path: Path) -> FolderStore:
    """Give a store with the runs of some days, beside a config that does not even parse."""
    (tmp_path / "config.yaml").write_text("not: [a config")
    store = FolderStore(tmp_path / ".volume-images", ConfigFile(tmp_path / "config.yaml"))
    for run in (
        report(NOW - 9 * DAY),
        report(NOW - 2 * DAY),
        report(NOW - 2 * HOUR, Function.CLEANUP, red=("no cloud could be judged",)),
        report(NOW - HOUR, cloud=CloudResult.UNAVAILABLE),
    ):
        filed(run, store)
    return store


@pytest.fixture(scope="module")
def clock() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=1) as stack:
        yield stack


@pytest.fixture
def runs(cli: Cli, folder: FolderStore, clock: SandboxStack) -> Cli:
    """Run the command on the folder, by the sandbox's clock."""

    def run(*arguments: str, env: dict[str, str] | None = None) -> Ran:
        config = str(folder.folder.parent / "config.yaml")
        served = {"VOLUME_IMAGES_CLOCK_URL": clock.cloud.clock_url, "VOLUME_IMAGES_CONFIG": config}
        return cli("runs", *arguments, env={**served, **(env or {})})

    return run


def ids(ran: Ran) -> list[str]:
    return [run["run_id"] for run in ran.document]


def test_runs_of_all_functions_come_newest_first_whatever_the_config_is(runs: Cli) -> None:
    said = runs()

    assert (said.code, said.err) == (0, "")
    titles, *lines = said.out.splitlines()
    assert titles.split() == ["started", "function", "took", "run", "what", "came", "of", "it"]
    assert [re.split(r"  +", line) for line in lines] == [
        [
            "2026-03-02 01:05Z",
            "export",
            "12 s",
            "20260302T010500Z-0123abcd",
            "1 started; otc: unavailable",
        ],
        [
            "2026-03-02 00:05Z",
            "cleanup",
            "12 s",
            "20260302T000500Z-0123abcd",
            "nothing; red: no cloud could be judged",
        ],
        ["2026-02-28 02:05Z", "export", "12 s", "20260228T020500Z-0123abcd", "1 started"],
    ]


@pytest.mark.parametrize(
    ("arguments", "hours"),
    [
        (("--function", "export_volumes"), ["01", "02"]),
        (("--limit", "1"), ["01"]),
        (("--since", "90m"), ["01"]),
        (("--since", "2026-03-02"), ["01", "00"]),
        (("--since", "2026-03-02T01:00:00+01:00"), ["01", "00"]),
        (("--since", "30d"), ["01", "00", "02", "02"]),
    ],
)
def test_runs_can_be_narrowed(runs: Cli, arguments: tuple[str, ...], hours: list[str]) -> None:
    said = runs(*arguments, "--json")
    assert [run_id[9:11] for run_id in ids(said)] == hours


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-03-02T01:00:00", "0s", "2026-13-01", "0001-01-01", "999999d"]
)
def test_a_time_that_is_none_is_one_line(runs: Cli, text: str) -> None:
    said = runs("--since", text)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("volume-images: Invalid value for '--since': must ")
    assert said.err.count("\n") == 1


def test_no_run_is_said_to_be_none(runs: Cli) -> None:
    assert runs("--since", "1m").out == "no run left a report in this time\n"


def test_a_report_that_cannot_be_read_hides_no_other(runs: Cli, folder: FolderStore) -> None:
    key = "reports/export/2026/03/02/20260302T013000Z-ffffffff.json"
    folder.write_report(key, b"not json")

    said = runs("--since", "100m", "--json")

    assert said.code == 1
    assert ids(said) == ["20260302T010500Z-0123abcd"]
    assert said.err.startswith(f"volume-images: {key}: is not a report of this release")


def test_a_run_is_shown_as_it_was_printed_then(runs: Cli) -> None:
    said = runs("show", "20260302T010500Z-0123abcd")

    assert said.code == 0
    assert said.out.splitlines()[1].split()[-2:] == ["started", "started"]
    assert "1 started (run 20260302T010500Z-0123abcd)" in said.out
    assert said.err == "volume-images: otc: no answer\n"


def test_a_run_is_printed_for_scripts_as_it_was_filed(runs: Cli, folder: FolderStore) -> None:
    (key,) = folder.reports("reports/export/2026/02/28")
    stored = folder.report(key)
    assert stored is not None
    assert runs("show", "20260228T020500Z-0123abcd", "--json").document == json.loads(stored.body)


def test_a_run_that_began_its_work_after_midnight_is_found(runs: Cli, folder: FolderStore) -> None:
    run = report(NOW.replace(hour=0, minute=0), ending="0000aaaa")
    named = "20260301T235959Z-0000aaaa"
    body = json.dumps({**run.as_json(), "run_id": named}).encode()
    folder.write_report(f"reports/export/2026/03/02/{named}.json", body)

    assert runs("show", named, "--json").document["run_id"] == named


def test_no_such_run_and_no_run_at_all_are_one_line_each(runs: Cli) -> None:
    missing = runs("show", "20260302T010500Z-ffffffff")
    wrong = runs("show", "../../state")

    assert (missing.code, wrong.code) == (2, 2)
    assert "no report of this run in " in missing.err
    assert wrong.err.startswith("volume-images: ../../state: not the id of a run")


def test_options_of_show_given_before_it_are_not_silently_lost(runs: Cli) -> None:
    said = runs("--json", "show", "20260302T010500Z-0123abcd")
    assert said.code == 2
    assert "options of show go after it" in said.err


def test_a_run_in_s3_is_listed_and_shown(sandbox_cli: Cli, stack: SandboxStack) -> None:
    sandbox_cli("export", "--json")
    stack.cloud.clock.advance(HOUR)

    (run,) = sandbox_cli("runs", "--json").document
    shown = sandbox_cli("runs", "show", run["run_id"], "--json").document

    assert run["counts"]["started"] == 3
    assert run["report"].startswith("reports/export/2026/03/02/")
    assert shown["counts"] == run["counts"]


class Listed:
    """A store that counts which days were listed."""

    def __init__(self, real: FolderStore) -> None:
        self.real = real
        self.folders: list[str] = []

    def reports(self, folder: str) -> list[str]:
        self.folders.append(folder)
        return list(self.real.reports(folder))


def test_a_day_is_listed_only_when_it_is_come_to(folder: FolderStore) -> None:
    store = Listed(folder)
    keys = report_keys(store, (Function.EXPORT,), NOW - 365 * DAY, NOW)

    assert next(keys).endswith("/20260302T010500Z-0123abcd.json")
    assert store.folders == ["reports/export/2026/03/02"]


def test_the_id_of_a_run_tells_when_it_was_given() -> None:
    assert named_at(new_run_id(NOW)) == NOW
