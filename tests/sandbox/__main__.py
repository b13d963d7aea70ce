"""The sandbox as a command: prints one JSON line, then serves until SIGTERM or SIGINT."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from tests.sandbox.faults import Faults
from tests.sandbox.faults_file import BadFaults, read_faults
from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect


def main(arguments: list[str] | None = None) -> int:
    """Serve until a signal comes; return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        faults = Faults() if options.faults is None else read_faults(options.faults)
        stack = SandboxStack(
            dialect=Dialect(options.dialect),
            volumes=options.volumes,
            latency_ms=options.latency_ms,
            in_flight=options.in_flight,
            foreign=True,
            port=options.port,
        )
    except OSError as error:
        print(f"port {options.port}: {error.strerror}: choose another --port", file=sys.stderr)  # noqa: T201 - a command
        return 2
    except BadFaults as error:
        print(error, file=sys.stderr)  # noqa: T201 - a command
        return 2
    stack.cloud.faults = faults
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    with stack:
        print(json.dumps(_greeting(stack)), flush=True)  # noqa: T201 - what it is for
        stopped.wait()
    return 0


def _greeting(stack: SandboxStack) -> dict[str, object]:
    return {
        "endpoints": stack.endpoints,
        "config": stack.config_location,
        "env": stack.env,
        "clock": stack.cloud.clock_url,
        "faults": stack.cloud.faults_url,
        "dialect": stack.cloud.dialect,
        "project_id": stack.cloud.project_id,
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.sandbox", description=__doc__)
    parser.add_argument("--dialect", choices=list(Dialect), default=Dialect.HUAWEI)
    parser.add_argument("--volumes", type=_count, default=3, help="how many volumes (3)")
    parser.add_argument("--latency-ms", type=float, default=0, help="time of each answer (0)")
    parser.add_argument("--faults", type=Path, help="what goes wrong: JSON or YAML")
    parser.add_argument("--port", type=int, default=0, help="of the cloud; 0 is any free one")
    parser.add_argument(
        "--in-flight", type=_count, help="max_in_flight in the config (as many as volumes)"
    )
    return parser


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
