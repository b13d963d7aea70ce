"""The command itself: its parts, its log, and one line for whatever goes wrong."""

import errno
import logging
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated

import typer
from typer.exceptions import TyperException

from volume_images.cli.commands.adopt import ADOPT_EXAMPLES, adopt
from volume_images.cli.commands.cleanup import CLEANUP_EXAMPLES, cleanup
from volume_images.cli.commands.config import commands as config_commands
from volume_images.cli.commands.drill import DRILL_EXAMPLES, drill
from volume_images.cli.commands.explain import EXPLAIN_EXAMPLES, explain
from volume_images.cli.commands.export import EXPORT_EXAMPLES, export
from volume_images.cli.commands.forget import FORGET_EXAMPLES, forget
from volume_images.cli.commands.init import INIT_EXAMPLES, init
from volume_images.cli.commands.invoke import INVOKE_EXAMPLES, invoke
from volume_images.cli.commands.list import LIST_EXAMPLES, list_images
from volume_images.cli.commands.pin import PIN_EXAMPLES, pin
from volume_images.cli.commands.probe import PROBE_EXAMPLES, probe
from volume_images.cli.commands.report import REPORT_EXAMPLES, report
from volume_images.cli.commands.request import REQUEST_EXAMPLES, request
from volume_images.cli.commands.restore import RESTORE_EXAMPLES, restore
from volume_images.cli.commands.retention import RETENTION_EXAMPLES, retention
from volume_images.cli.commands.runs import commands as runs_commands
from volume_images.cli.commands.simulate import SIMULATE_EXAMPLES, simulate
from volume_images.cli.commands.status import STATUS_EXAMPLES, status
from volume_images.cli.commands.unpin import UNPIN_EXAMPLES, unpin
from volume_images.cli.exit_codes import ExitCode, of_error
from volume_images.cli.output.printing import complain, print_line
from volume_images.errors import VolumeImagesError

_OUTPUT_IS_LOST = frozenset({errno.EPIPE, errno.ENOSPC})

VERBOSE = frozenset({"-v", "--verbose"})

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(config_commands, name="config")
app.add_typer(runs_commands, name="runs")
app.command(epilog=INIT_EXAMPLES)(init)
app.command(epilog=EXPORT_EXAMPLES)(export)
app.command(epilog=REQUEST_EXAMPLES)(request)
app.command(epilog=CLEANUP_EXAMPLES)(cleanup)
app.command(epilog=INVOKE_EXAMPLES)(invoke)
app.command(epilog=PROBE_EXAMPLES)(probe)
app.command(epilog=RESTORE_EXAMPLES)(restore)
app.command(epilog=DRILL_EXAMPLES)(drill)
app.command(epilog=SIMULATE_EXAMPLES)(simulate)
app.command(epilog=STATUS_EXAMPLES)(status)
app.command(epilog=REPORT_EXAMPLES)(report)
app.command("list", epilog=LIST_EXAMPLES)(list_images)
app.command(epilog=PIN_EXAMPLES)(pin)
app.command(epilog=UNPIN_EXAMPLES)(unpin)
app.command(epilog=ADOPT_EXAMPLES)(adopt)
app.command(epilog=FORGET_EXAMPLES)(forget)
app.command(epilog=EXPLAIN_EXAMPLES)(explain)
app.command(epilog=RETENTION_EXAMPLES)(retention)


def _print_version(value: bool) -> None:  # noqa: FBT001 - typer's own way
    if value:
        print_line(f"volume-images {version('volume-images')}")
        raise typer.Exit


@app.callback()
def _root(
    *,
    version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version."
        ),
    ] = False,
) -> None:
    """Export block-storage volumes as images on a schedule, and delete old images by a policy.

    Exit codes: 0 fine; 1 something was refused, failed, missed or not deleted, a volume is stale,
    or a cloud could not be served; 2 the command, its settings or the config are wrong; 3 a
    safety rule stopped the run.
    """


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; return its exit code. Nothing that goes wrong shows more than one line."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    _set_up_log(verbose=not VERBOSE.isdisjoint(given))
    try:
        code = typer.main.get_command(app).main(
            given, prog_name="volume-images", standalone_mode=False
        )
        sys.stdout.flush()
    except TyperException as error:
        complain(f"{error.format_message().rstrip('.')}: see {_place(error)} --help")
        return ExitCode.WRONG_INPUT
    except KeyboardInterrupt:
        code = ExitCode.INTERRUPTED
    except VolumeImagesError as error:
        complain(str(error))
        return of_error(error)
    except Exception as error:  # noqa: BLE001 - nobody at a terminal is helped by a traceback
        return _unexpected(error)
    if code == ExitCode.INTERRUPTED:  # typer returns it, too
        complain("stopped: what was started goes on in the cloud, and the next run finds it")
    return int(code or ExitCode.FINE)


def _place(error: TyperException) -> str:
    """Name the command whose help explains what was wrong with its arguments."""
    context: typer.Context | None = getattr(error, "ctx", None)
    return context.command_path if context else "volume-images"


def _unexpected(error: Exception) -> ExitCode:
    """Say so of what nobody wrote a line for."""
    if isinstance(error, OSError) and error.errno in _OUTPUT_IS_LOST:
        # Python would write what is left of the output once more, and complain at length.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:  # who read it has left, as `head` does
            return ExitCode.NOT_FINE
    if os.environ.get("LOG_LEVEL", "").upper() == "DEBUG":
        logging.getLogger(__name__).error("unexpected", exc_info=error)
    complain(f"unexpected {type(error).__name__}: {error}: set LOG_LEVEL=DEBUG to see where")
    return ExitCode.NOT_FINE


def _set_up_log(*, verbose: bool) -> None:
    """Keep the log off a person's screen, unless they ask for it or set LOG_LEVEL themselves."""
    if verbose:
        os.environ.setdefault("LOG_LEVEL", "INFO")
    elif "LOG_LEVEL" not in os.environ:
        os.environ["LOG_LEVEL"] = "CRITICAL"
        logging.getLogger().addHandler(logging.NullHandler())  # else Python prints warnings
