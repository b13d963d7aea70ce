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

from volume_images.cli.commands import (
    adopt,
    cleanup,
    config,
    drill,
    explain,
    export,
    forget,
    init,
    invoke,
    listing,
    pin,
    probe,
    report,
    request,
    restore,
    retention,
    runs,
    simulate,
    status,
)
from volume_images.cli.exit_codes import ExitCode, of_error
from volume_images.cli.output.printing import complain, print_line
from volume_images.errors import VolumeImagesError

_OUTPUT_IS_LOST = frozenset({errno.EPIPE, errno.ENOSPC})

_VERBOSE = frozenset({"-v", "--verbose"})

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(config.commands, name="config")
app.add_typer(runs.commands, name="runs")
app.command(epilog=init.EXAMPLES)(init.init)
app.command(epilog=export.EXAMPLES)(export.export)
app.command(epilog=request.EXAMPLES)(request.request)
app.command(epilog=cleanup.EXAMPLES)(cleanup.cleanup)
app.command(epilog=invoke.EXAMPLES)(invoke.invoke)
app.command(epilog=probe.EXAMPLES)(probe.probe)
app.command(epilog=restore.EXAMPLES)(restore.restore)
app.command(epilog=drill.EXAMPLES)(drill.drill)
app.command(epilog=simulate.EXAMPLES)(simulate.simulate)
app.command(epilog=status.EXAMPLES)(status.status)
app.command(epilog=report.EXAMPLES)(report.report)
app.command("list", epilog=listing.EXAMPLES)(listing.list_images)
app.command(epilog=pin.PIN_EXAMPLES)(pin.pin)
app.command(epilog=pin.UNPIN_EXAMPLES)(pin.unpin)
app.command(epilog=adopt.EXAMPLES)(adopt.adopt)
app.command(epilog=forget.EXAMPLES)(forget.forget)
app.command(epilog=explain.EXAMPLES)(explain.explain)
app.command(epilog=retention.EXAMPLES)(retention.retention)


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
    _set_up_log(verbose=not _VERBOSE.isdisjoint(given))
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
