"""What pip-audit says is told truly: nothing counts as audited that nobody was asked about."""

import json
import sys
from pathlib import Path

import pytest

from tests.security.audit_pins import Verdict, audit

FINE = {"name": "requests", "version": "2.34.2", "vulns": []}
VULNERABLE = {
    "name": "jinja2",
    "version": "2.0",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "description": "..."}],
}
UNKNOWN = {"name": "acme", "skip_reason": "Dependency not found"}
STANDS_IN = """
import sys
strict = "--strict" in sys.argv
sys.stderr.write("looking\\nERROR: {said}\\n" if strict else "")
sys.stdout.write("" if strict else {answer!r})
sys.exit({status})
"""


def answering(tmp_path: Path, status: int, *dependencies: object, said: str = "") -> Verdict:
    """Audit by a program that answers as pip-audit does."""
    program = tmp_path / "stands_in.py"
    answer = json.dumps({"dependencies": dependencies, "fixes": []}) if dependencies else ""
    program.write_text(STANDS_IN.format(said=said, answer=answer, status=status))
    return audit(tmp_path / "lambda.txt", (sys.executable, str(program)))


def test_pins_without_a_known_vulnerability_are_audited(tmp_path: Path) -> None:
    verdict = answering(tmp_path, 0, FINE)
    assert verdict == Verdict("lambda.txt", audited=True)
    assert str(verdict) == "lambda.txt: audited, no known vulnerability"


def test_a_vulnerability_is_a_fault(tmp_path: Path) -> None:
    verdict = answering(tmp_path, 1, FINE, VULNERABLE)
    assert verdict.faults == ("jinja2 2.0: PYSEC-2019-217, mended in 2.10.1",)


def test_a_pin_that_the_source_does_not_know_is_a_fault(tmp_path: Path) -> None:
    assert len(answering(tmp_path, 1, FINE, UNKNOWN).faults) == 1


@pytest.mark.parametrize("dependencies", [(), (UNKNOWN, UNKNOWN)])
def test_without_a_source_it_says_not_audited(tmp_path: Path, dependencies: object) -> None:
    verdict = answering(tmp_path, 1, *dependencies, said="could not be audited")  # type: ignore[misc]
    assert not verdict.audited
    assert "not audited: no advisory source answers" in str(verdict)
    assert "could not be audited" in str(verdict)
