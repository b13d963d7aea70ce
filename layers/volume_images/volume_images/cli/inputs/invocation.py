"""The real handlers, run here: loaded from the checkout by path, with a small Lambda context."""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, cast

from volume_images.cli.inputs.files import read_json
from volume_images.errors import InputError
from volume_images.protocols import Clock
from volume_images.publishing import Handler
from volume_images.report import Function

LARGEST_EVENT = 6 * 1024 * 1024
"""What Lambda takes at most for a synchronous invocation."""

TIMEOUTS = {Function.EXPORT: 540, Function.CLEANUP: 900, Function.DRILL: 900}
"""Seconds, as in template.yaml."""


@dataclass(frozen=True, slots=True)
class Context:
    """As much of Lambda's context as a handler may look at."""

    function_name: str
    aws_request_id: str
    clock: Clock
    ends_at: float

    def get_remaining_time_in_millis(self) -> int:
        """Return how long the handler may go on."""
        return max(0, int((self.ends_at - self.clock.monotonic()) * 1000))


def context(function: Function, run_id: str, clock: Clock) -> Context:
    """Return the context of one invocation that begins now."""
    return Context(function, run_id, clock, clock.monotonic() + TIMEOUTS[function])


def read_event(path: Path) -> object:
    """Read an event's JSON. Raises InputError."""
    return read_json(path, LARGEST_EVENT)


def load_handler(function: Function) -> Handler:
    """Load the function's own `app.py`, as Lambda does. Raises InputError without a checkout."""
    app = next((app for app in _candidates(function) if app.is_file()), None)
    if app is None:
        raise InputError(
            f"functions/{function}/app.py: not found from {Path.cwd()} upwards: change into a"
            " checkout of volume-images"
        )
    spec = spec_from_file_location(f"volume_images_function_{function}", app)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return cast("Handler", cast("Any", module).handler)


def _candidates(function: Function) -> Iterator[Path]:
    """Yield where the function may lie: in the checkout of this package, else around us."""
    here = Path.cwd()
    for folder in (*Path(__file__).parents, here, *here.parents):
        yield folder / "functions" / function / "app.py"
