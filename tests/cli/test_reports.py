"""Reports as people see them, their exit codes, and how they are read back from a store."""

import json
from datetime import UTC, datetime

import pytest
from rich.console import Console

from volume_images.cli.exit_codes import ExitCode, of_error, of_report
from volume_images.cli.inputs.filed_report import parse_report
from volume_images.cli.output.report_table import report_table
from volume_images.errors import (
    EmptyPolicy,
    IncompleteListing,
    StoreError,
    Throttled,
    TriggerError,
    VolumeImagesError,
)
from volume_images.report import (
    CloudOutcome,
    CloudResult,
    ExportResult,
    Function,
    ImageResult,
    Outcome,
    Report,
)

MOMENT = datetime(2026, 3, 2, 2, 5, tzinfo=UTC)
DB = "16369c5d-384d-4e64-b37a-56d898769362"
WEB = "5a1c0e1e-7d0c-4d5b-9d3a-2f6c1b0a7e42"


def outcome(
    volume_id: str,
    result: ExportResult | ImageResult,
    reason: str = "because",
    cloud: str = "otc",
    **details: str,
) -> Outcome:
    return Outcome(
        cloud=cloud,
        policy="daily",
        volume_id=volume_id,
        slot=MOMENT,
        result=result,
        reason=reason,
        image_id="0f1e2d3c-0000-4000-8000-000000000000",
        details=details,
    )


def report(*outcomes: Outcome, clouds: tuple[CloudOutcome, ...] = ()) -> Report:
    function = (
        Function.CLEANUP
        if any(isinstance(one.result, ImageResult) for one in outcomes)
        else Function.EXPORT
    )
    return Report(
        run_id="20260302T020500Z-00000000",
        function=function,
        started_at=MOMENT,
        finished_at=MOMENT,
        outcomes=outcomes,
        clouds=clouds,
    )


def cloud(name: str, result: CloudResult = CloudResult.SERVED) -> CloudOutcome:
    return CloudOutcome(cloud=name, result=result)


def shown(seen: Report, names: dict[str, str], width: int = 120) -> list[str]:
    console = Console(width=width, highlight=False)
    with console.capture() as capture:
        console.print(report_table(seen, names, width))
    return capture.get().splitlines()


def test_volumes_of_one_name_are_told_apart_by_their_ids() -> None:
    lines = shown(
        report(outcome(DB, ExportResult.DONE), outcome(WEB, ExportResult.DONE)),
        {DB: "data", WEB: "data"},
    )
    assert [line[:13] for line in lines[1:3]] == ["data 16369c5d", "data 5a1c0e1e"]


def test_what_needs_a_look_comes_first() -> None:
    lines = shown(
        report(
            outcome(DB, ExportResult.DONE),
            outcome(DB, ExportResult.DEFERRED),
            outcome(DB, ExportResult.FAILED, "export_failed", why="no space"),
        ),
        {},
    )
    results = [line.split()[4] for line in lines[1:4]]
    assert results == ["failed", "deferred", "done"]
    assert "export_failed why=no space" in lines[1]


def test_clouds_are_named_where_there_are_several() -> None:
    clouds = (cloud("otc"), cloud("huawei"))
    lines = shown(report(outcome(DB, ExportResult.DONE, cloud="huawei"), clouds=clouds), {})
    assert lines[0].startswith("cloud ")
    assert lines[1].startswith("huawei ")


def test_a_run_with_nothing_to_say_says_so() -> None:
    (line,) = shown(report(), {})
    assert line.startswith("nothing is due, and nothing under way")


def test_ids_are_cut_where_the_screen_is_narrow() -> None:
    seen = report(outcome(DB, ExportResult.DONE))
    assert "0f1e2d3c-0000-4000-8000-000000000000" in shown(seen, {}, width=120)[1]
    assert shown(seen, {}, width=80)[1].rstrip().endswith(" 0f1e2d3c")


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (report(), ExitCode.FINE),
        (report(outcome(DB, ExportResult.STARTED)), ExitCode.FINE),
        (report(outcome(DB, ExportResult.UNKNOWN)), ExitCode.NOT_FINE),
        (report(outcome(DB, ImageResult.UNKNOWN)), ExitCode.FINE),
        (report(outcome(DB, ImageResult.CHANGED)), ExitCode.NOT_FINE),
        (report(clouds=(cloud("otc", CloudResult.UNAVAILABLE),)), ExitCode.NOT_FINE),
        (report(clouds=(cloud("otc", CloudResult.INCOMPLETE_LISTING),)), ExitCode.SAFETY_STOP),
    ],
)
def test_a_report_has_the_exit_code_of_its_worst_part(seen: Report, code: ExitCode) -> None:
    assert of_report(seen) == code


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (TriggerError("x"), ExitCode.WRONG_INPUT),
        (EmptyPolicy("x"), ExitCode.SAFETY_STOP),
        (IncompleteListing("x"), ExitCode.SAFETY_STOP),
        (Throttled("x"), ExitCode.NOT_FINE),
        (StoreError("x"), ExitCode.NOT_FINE),
    ],
)
def test_an_error_has_the_exit_code_of_its_kind(error: VolumeImagesError, code: ExitCode) -> None:
    assert of_error(error) == code


def test_a_filed_report_reads_back_as_it_was() -> None:
    seen = report(
        outcome(DB, ImageResult.ANNOUNCED, "expired", deletes_at=MOMENT.isoformat()),
        clouds=(cloud("otc"),),
    )
    back = parse_report(json.dumps(seen.as_json()).encode(), "here")
    assert back.as_json() == seen.as_json()
    assert back.address == "here"


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"function": "other"}'])
def test_what_is_no_report_is_said_to_be_none(body: bytes) -> None:
    with pytest.raises(StoreError, match="here: is not a report"):
        parse_report(body, "here")
