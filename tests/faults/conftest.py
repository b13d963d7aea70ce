"""What the proofs have tried, added up at the end, from all processes."""

from collections import Counter

import pytest

COUNTED = (
    "crash points",
    "faults injected",
    "simulated days",
    "orders of events",
    "safeguards taken out",
)
"""What tests say with `record_property`, as numbers."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was tried, and how many proofs failed."""
    tried: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.stats.get(outcome, []):
            for name, number in report.user_properties:
                if name in COUNTED:
                    tried[name] += number
    if tried:
        failed = len(terminalreporter.stats.get("failed", []))
        said = [f"{tried[name]:,} {name}" for name in COUNTED]
        terminalreporter.section("faults")
        terminalreporter.write_line(", ".join([*said, f"{failed} violations"]))
