"""Over all tests: what a test prints and logs holds no secret of any sandbox that is in use."""

from collections.abc import Iterator

import pytest

from tests.sandbox.identity import Identity


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[pytest.TestReport]:
    """Fail a test that passed, if it showed a secret."""
    report: pytest.TestReport = yield
    shown = "".join(text for _, text in report.sections)
    if report.passed and shown:
        secrets = {secret for identity in list(Identity.known) for secret in identity.secrets()}
        leaks = sum(secret in shown for secret in secrets)
        if leaks:
            report.outcome = "failed"
            report.longrepr = f"{leaks} secrets of a sandbox stand in what this test printed"
    return report
