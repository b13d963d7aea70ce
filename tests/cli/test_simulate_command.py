"""`volume-images simulate`: what a config will come to, as tables, as a document, as a page."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Cli

EXAMPLE = Path(__file__).parents[1] / "core" / "data" / "example.yaml"
DB = "16369c5d-384d-4e64-b37a-56d898769362"
POLICY = "select: {backup: daily}, schedule: '0 2 * * *', retention: {keep_last: 3}"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE.read_text())
    return path


def simulated(cli: Cli, config: Path, *options: str) -> dict:
    ran = cli("simulate", "--config", str(config), "--from", "2026-03-01", *options, "--json")
    assert (ran.code, ran.err) == (0, "")
    return ran.document


def test_the_document_says_what_will_be_there(cli: Cli, config: Path) -> None:
    document = simulated(cli, config, "--size-gib", "40")

    assert (document["from"], document["days"], document["grace_hours"]) == ("2026-03-01", 400, 72)
    [daily] = document["policies"]
    assert daily["volumes"] == {"otc": 1}
    assert (daily["kept"], daily["announced"], daily["gib"]) == (21, 2, 23 * 40)
    assert daily["oldest"] == "2026-05-31T00:00:00Z"
    assert len(daily["over_time"]) == len(daily["images"]) == 400
    assert daily["over_time"][0] == {
        "day": "2026-03-01",
        "kept": 1,
        "announced": 0,
        "gib": 40.0,
        "oldest": "2026-03-01T01:00:00Z",
    }
    assert daily["images"][-1]["reasons"][:2] == ["keep_last 1/3", "keep_daily 1/7"]
    [cloud] = document["clouds"]
    assert cloud["quota"] == 100
    assert cloud["long_run"]["images"] == 25 + 3 + 1


def test_the_tables_say_the_same_to_people(cli: Cli, config: Path) -> None:
    ran = cli("simulate", "--config", str(config), "--from", "2026-03-01", "--size-gib", "40")

    assert (ran.code, ran.err) == (0, "")
    row = next(line.split() for line in ran.out.splitlines() if line.startswith("daily"))
    assert row == ["daily", "1", "21", "2", "25", "25", "309", "d", "920"]
    assert "2027-04-04" in ran.out
    assert "each image is taken to be as large as its volume" in ran.out


def test_without_sizes_no_gib_are_made_up(cli: Cli, config: Path) -> None:
    ran = cli("simulate", "--config", str(config))

    assert ran.code == 0
    assert "the config knows no sizes: give --size-gib or --volumes to see GiB" in ran.out
    assert "920" not in ran.out


@pytest.mark.parametrize(
    "entry",
    [
        {"id": DB.upper(), "size_gib": 100, "cloud": "otc", "tags": {"app": "db"}},
        {"ID": DB, "Size": 100, "Name": "db01", "Status": "in-use", "Properties": {}},
    ],
)
def test_volumes_have_the_sizes_that_a_file_gives(
    cli: Cli, config: Path, tmp_path: Path, entry: dict
) -> None:
    """Our own words, or the OpenStack client's; what the config lists has the config's tags."""
    found = {"id": DB.replace("1", "2"), "size_gib": 11, "tags": {"backup": "daily"}}
    volumes = tmp_path / "volumes.json"
    volumes.write_text(json.dumps([entry, found]))

    [daily] = simulated(cli, config, "--volumes", str(volumes))["policies"]

    assert daily["volumes"] == {"otc": 2}
    assert daily["gib"] == 23 * 111


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("[", "write a list of volumes"),
        ("{}", "valid list"),
        ('[{"id": "x"}]', "[0].size_gib"),
        ('[{"id": "x", "size_gib": 1, "cloud": "lab"}]', "[0].cloud: name one of the config's"),
    ],
)
def test_a_file_of_volumes_that_says_something_else_is_wrong_input(
    cli: Cli, config: Path, tmp_path: Path, body: str, says: str
) -> None:
    volumes = tmp_path / "volumes.json"
    volumes.write_text(body)
    ran = cli("simulate", "--config", str(config), "--volumes", str(volumes))

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_other_rules_are_compared_on_the_same_slots(cli: Cli, config: Path, tmp_path: Path) -> None:
    other = tmp_path / "new.yaml"
    other.write_text(EXAMPLE.read_text().replace("keep_monthly: 12", "keep_monthly: 6"))

    [daily] = simulated(cli, config, "--against", str(other))["policies"]

    assert daily["against"]["kept"] == 21 - len(daily["against"]["lost"])
    assert daily["against"]["gained"] == daily["against"]["longer"] == []
    assert daily["against"]["lost"][0] == "2026-05-31T00:00:00Z"


def test_a_policy_is_compared_with_another_of_its_config(cli: Cli, config: Path) -> None:
    text = EXAMPLE.read_text()
    config.write_text(
        text.replace(
            "volumes:",
            f"  few: {{{POLICY}}}\n  none: {{select: {{a: b}}, "
            "retention: {keep_last: 9}}\nvolumes:",
        )
    )

    document = simulated(cli, config, "--against", "few", "--policy", "daily")
    assert [each["against"]["kept"] for each in document["policies"]] == [3]
    everything = simulated(cli, config, "--against", "few")
    assert [each["policy"] for each in everything["policies"]] == ["daily", "few"]
    assert everything["policies"][1]["against"]["lost"] == []
    assert "none: has no schedule, so nobody knows when it exports: left out" in everything["notes"]
    table = cli("simulate", "--config", str(config), "--against", "few").out
    assert "Against few, on the same slots" in table


def test_what_was_taken_for_granted_is_said(cli: Cli, config: Path, tmp_path: Path) -> None:
    config.write_text(EXAMPLE.read_text().replace("app: db", "lifecycle: scratch"))
    other = tmp_path / "new.yaml"
    other.write_text(EXAMPLE.read_text().replace("0 2 * * *", "0 3 * * *"))
    lone = tmp_path / "lone.yaml"
    lone.write_text(EXAMPLE.read_text().replace("  daily:", "  other:"))

    notes = simulated(cli, config, "--against", str(other))["notes"]
    assert notes[0] == "daily: no volume of it is known: the numbers are those of one"
    assert "has a schedule of its own" in notes[1]
    notes = simulated(cli, config, "--against", str(lone))["notes"]
    assert notes[1] == "daily: there is no policy of this name to compare it with"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--from", "yesterday"], "must be a date like 2026-03-02"),
        (["--from", "9999-12-31"], "must be a date like 2026-03-02, in the years 1970 to 2199"),
        (["--days", "0"], "--days"),
        (["--policy", "weekly"], "no policy is named weekly: there are daily"),
        (["--against", "nowhere.yaml"], "nowhere.yaml: no such file"),
        (["--volumes", "nowhere.json"], "nowhere.json: cannot be read: No such file"),
        (["--html", "/nowhere/page.html"], "/nowhere/page.html: No such file"),
    ],
)
def test_what_cannot_be_meant_is_wrong_input(
    cli: Cli, config: Path, options: list[str], says: str
) -> None:
    ran = cli("simulate", "--config", str(config), *options)

    assert (ran.code, ran.out) == (2, "")
    assert says in ran.err


def test_the_page_is_written_beside_the_result(cli: Cli, config: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    ran = cli("simulate", "--config", str(config), "--html", str(page))

    assert ran.code == 0
    assert ran.out.splitlines()[-1] == str(page)
    assert page.read_text().startswith("<!doctype html>")


def test_warnings_are_shown_and_leave_the_exit_code_alone(cli: Cli, config: Path) -> None:
    config.write_text(
        EXAMPLE.read_text().replace("keep_last: 3, keep_daily", "keep_hourly: 3, keep_daily")
    )
    ran = cli("config", "check", str(config))

    assert (ran.code, ran.err) == (0, "")
    warning, count = ran.out.splitlines()
    assert warning.startswith(f"{config}: warning: policies.daily.retention.keep_hourly: ")
    assert count.endswith("discover: 1), 1 warning")
    document = cli("config", "check", str(config), "--json").document
    assert document["problems"] == []
    assert [entry["path"] for entry in document["warnings"]] == [
        "policies.daily.retention.keep_hourly"
    ]
