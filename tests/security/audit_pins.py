"""Known vulnerabilities in what is pinned: pip-audit, and what to make of its silence.

    python -m tests.security.audit_pins             no advisory source answers: says so, and goes on
    python -m tests.security.audit_pins --required  no advisory source answers: fails

`requirements/openstack.txt` is left out: that is a cloud to test against, on loopback alone.
"""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
PINS = ("lambda", "dev", "sam")
SECONDS = 15  # for one answer of the source
OPTIONS = ("--disable-pip", "--require-hashes", "--progress-spinner=off", f"--timeout={SECONDS}")
PIP_AUDIT = (sys.executable, "-m", "pip_audit", *OPTIONS)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is known of one file of pins; `audited` is False where no source answered at all."""

    pins: str
    audited: bool
    faults: tuple[str, ...] = ()
    why: str = ""

    def __str__(self) -> str:
        if not self.audited:
            return f"{self.pins}: not audited: no advisory source answers ({self.why})"
        if self.faults:
            return "\n".join(f"{self.pins}: {fault}" for fault in self.faults)
        return f"{self.pins}: audited, no known vulnerability"


def audit(pins: Path, command: Sequence[str] = PIP_AUDIT) -> Verdict:
    """Ask about every pin; one that the source does not know is a fault, as `--strict` has it."""
    strict = _run(command, "--strict", "--requirement", str(pins))
    if strict.returncode == 0:
        return Verdict(pins.name, audited=True)
    # Strict stops at the first pin that it cannot ask about, and does not say whether another
    # could be asked about: without it, the answer tells them apart.
    told = _run(command, "--format=json", "--requirement", str(pins))
    dependencies = _dependencies(told.stdout)
    if any("vulns" in each for each in dependencies):
        return Verdict(pins.name, audited=True, faults=tuple(_faults(dependencies)))
    lines = strict.stderr.strip().splitlines() or ["it said nothing"]
    return Verdict(pins.name, audited=False, why=lines[-1])


def _run(command: Sequence[str], *options: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([*command, *options], capture_output=True, text=True, check=False)


def _dependencies(text: str) -> list[dict[str, object]]:
    try:
        found: list[dict[str, object]] = json.loads(text)["dependencies"]
    except (ValueError, KeyError):
        return []
    return found


def _faults(dependencies: Sequence[dict[str, object]]) -> Iterator[str]:
    for each in dependencies:
        if "vulns" not in each:
            yield f"{each['name']}: not known to the advisory source: {each.get('skip_reason')}"
            continue
        vulnerabilities = each["vulns"]
        assert isinstance(vulnerabilities, list)
        for one in vulnerabilities:
            fixed = ", ".join(one["fix_versions"]) or "no version"
            yield f"{each['name']} {each['version']}: {one['id']}, mended in {fixed}"


def main(arguments: Sequence[str]) -> int:
    """Audit all pins; fail for what is known, and with `--required` for what cannot be known."""
    verdicts = [audit(CHECKOUT / "requirements" / f"{name}.txt") for name in PINS]
    sys.stdout.write("\n".join([*map(str, verdicts), ""]))
    unknown = any(not each.audited for each in verdicts) and "--required" in arguments
    return 1 if unknown or any(each.faults for each in verdicts) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
