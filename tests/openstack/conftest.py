"""A site for runs of the product against the real OpenStack."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.openstack_site import OpenstackSite
from tests.openstack.run_site import RunSite


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
