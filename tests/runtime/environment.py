"""One process of a function, kept as Lambda keeps it: started cold, used again while it is warm."""

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.runtime.builds import FOR_LAMBDA, PYTHON, Places
from tests.runtime.runtime_api import Ended, RuntimeApi
from tests.template.rendered import Stack

LONGEST_INIT = 60.0

OF_LAMBDA = {
    "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_LAMBDA_LOG_STREAM_NAME": "2026/03/02/[$LATEST]0123456789abcdef0123456789abcdef",
    "AWS_SESSION_TOKEN": "sandbox",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
    "LANG": "en_US.UTF-8",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "TZ": ":UTC",
}
"""What every process of Lambda is given ("Defined runtime environment variables"): no HOME."""


@dataclass(frozen=True)
class Function:
    """A function of the template; its variables are those of a deployment with `parameters`."""

    name: str
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def properties(self) -> dict[str, Any]:
        """Return what the template says of it."""
        return Stack(**self.parameters).properties(self.name)

    @property
    def folder(self) -> Path:
        """Return its code, as `sam build` left it."""
        return FOR_LAMBDA / self.name

    def environment(self, sandbox: Mapping[str, str], places: Places, api: str) -> dict[str, str]:
        """Return all that its process is given: by Lambda, by the template, by the sandbox."""
        properties = self.properties
        return {
            **OF_LAMBDA,
            "_HANDLER": properties["Handler"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(properties["MemorySize"]),
            "AWS_LAMBDA_FUNCTION_NAME": f"volume-images-{self.name}",
            "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/volume-images-{self.name}",
            "AWS_LAMBDA_RUNTIME_API": api,
            "LAMBDA_RUNTIME_DIR": str(places.runtime),
            "LAMBDA_TASK_ROOT": str(self.folder),
            "PYTHONPATH": places.python_path,
            **properties["Environment"]["Variables"],
            **sandbox,
        }


class ExecutionEnvironment:
    """A function's process, alive inside a `with`. `log` takes in what it prints.

    `init_ms` is the time from its start until it asks for its first event.
    """

    def __init__(
        self, function: Function, places: Places, sandbox: Mapping[str, str], log: Path
    ) -> None:
        self.function = function
        self._log = log
        self._places = places
        self._sandbox = sandbox
        self._api = RuntimeApi()
        self.init_ms = 0.0

    def __enter__(self) -> Self:
        self._api.start()
        handler = self.function.properties["Handler"]
        began = time.monotonic()
        with self._log.open("ab") as output:
            self._process = subprocess.Popen(
                # -S: nothing but PYTHONPATH; -B: Lambda's code folders are read-only, so that
                # every cold start compiles anew.
                [PYTHON, "-S", "-B", "-m", "awslambdaric", handler],
                cwd=self.function.folder,
                env=self.function.environment(self._sandbox, self._places, self._api.address),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        asked = self._api.asked.wait(LONGEST_INIT)
        self.init_ms = (time.monotonic() - began) * 1000
        if not asked or self._api.init_error:
            self._end()
            raise AssertionError(f"{self.function.name} did not start: {self.printed}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._end()

    def invoke(
        self, event: object, seconds: float | None = None, killed_after: float | None = None
    ) -> Ended:
        """Invoke the function, with its time-out or a shorter one; past it, the process is killed.

        Lambda, too, hands the next event to another process then. `killed_after` so many seconds is
        one that goes wrong: it was told that it has more.
        """
        limit = seconds or self.function.properties["Timeout"]
        ended = self._api.invoke(json.dumps(event).encode(), limit, killed_after)
        if ended.killed:
            self.kill()
        return ended

    def kill(self) -> None:
        """End the process as Lambda does: without a word to it."""
        self._process.kill()
        self._process.wait()
        self._api.give_up()

    @property
    def pid(self) -> int:
        """Return its process id."""
        return self._process.pid

    @property
    def peak_mib(self) -> float:
        """Return the most memory that the process ever had resident ("VmHWM" of Linux)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024

    @property
    def processor_seconds(self) -> float:
        """Return the processor time of all its threads so far ("clock_getcpuclockid" of Linux)."""
        return time.clock_gettime(~self._process.pid << 3 | 2)

    @property
    def variables(self) -> dict[str, str]:
        """Return the environment that the process was started with."""
        text = Path(f"/proc/{self._process.pid}/environ").read_bytes().decode()
        return dict(entry.split("=", 1) for entry in text.split("\0") if entry)

    @property
    def printed(self) -> str:
        """Return all that it printed: in Lambda, that goes to its log group."""
        return self._log.read_text()

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Return what it printed, every line of it JSON."""
        return [json.loads(line) for line in self.printed.splitlines()]

    def _end(self) -> None:
        if self._process.poll() is None:
            self.kill()
        self._api.stop()
