"""`invoke`: what Lambda would do with an event, done here."""

import json
from pathlib import Path
from typing import Annotated

import typer

from volume_images.cli import options
from volume_images.cli.exit_codes import of_answer, of_report
from volume_images.cli.inputs.filed_report import parse_report
from volume_images.cli.inputs.invocation import context, load_handler, read_event
from volume_images.cli.output.printing import print_json, print_line, print_report
from volume_images.clock import SystemClock
from volume_images.connections import Connections
from volume_images.publishing import Answer
from volume_images.report import Function, Report
from volume_images.run_id import new_run_id
from volume_images.storage.address import REPORT_LIMIT, S3Address, parse_address
from volume_images.storage.folder import read_file
from volume_images.storage.s3 import read_object


def invoke(
    function: Annotated[Function, typer.Argument(help="Which function.")],
    *,
    event: Annotated[
        Path, typer.Option(metavar="FILE", help="The event, as JSON; events/ has one of each kind.")
    ],
    as_json: options.Json = False,
    verbose: options.Verbose = False,  # noqa: ARG001 - read before any command begins
) -> int:
    """Run a function's real handler here.

    It takes its settings from the environment, as in Lambda. Prints the report that the run filed
    as a table, then what the handler returns; with --json only the latter.
    """
    clock = SystemClock()
    handler = load_handler(function)
    answer = handler(read_event(event), context(function, new_run_id(clock.now()), clock))
    report = _filed_report(answer)
    if as_json:
        print_json(answer)
    else:
        if report is not None:
            print_report(report, {}, as_json=False)
        print_line(json.dumps(answer))
    return of_answer(function, answer) if report is None else of_report(report)


EXAMPLES = options.examples(
    "volume-images invoke export_volumes --event events/scheduled-tick.json",
    "volume-images invoke cleanup_images --event events/cleanup-manual.json",
)


def _filed_report(answer: Answer) -> Report | None:
    """Read the report that an answer names; idle and dry runs and queues leave none."""
    location = answer.get("report")
    if not location:
        return None
    address = parse_address(location)
    if isinstance(address, S3Address):
        return parse_report(read_object(Connections().s3, address, REPORT_LIMIT), location)
    return parse_report(read_file(address, REPORT_LIMIT), location)
