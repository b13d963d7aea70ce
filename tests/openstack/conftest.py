"""A site for runs of the product against the real OpenStack, which tells why a test failed."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.openstack_site import OpenstackSite
from tests.openstack.places import DEFAULT_FOLDER, Places
from tests.openstack.run_site import RunSite
from tests.openstack.what_it_holds import what_it_holds


@pytest.fixture(scope="module")
def real() -> Iterator[OpenstackSite]:
    site = OpenstackSite.running()
    yield site
    site.close()


@pytest.fixture
def runs(real: OpenstackSite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[RunSite]:
    """Give a cloud without images, and a store without states."""
    real.clear()
    yield RunSite(real, tmp_path, monkeypatch)
    real.clear()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:  # noqa: ANN401 - as pytest declares it
    """Show what the cloud held when a test failed: the next one clears it."""
    report: pytest.TestReport = yield
    site = getattr(item, "funcargs", {}).get("real")
    if report.failed and isinstance(site, OpenstackSite):
        told = what_it_holds(site, Places(DEFAULT_FOLDER))
        report.sections.append(("what the OpenStack held", told))
    return report
