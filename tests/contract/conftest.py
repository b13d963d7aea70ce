"""The three clouds that every test of the contract runs against."""

from collections.abc import Iterator

import pytest

from tests.contract.expected import EXPECTED, Expected
from tests.contract.openstack_site import OpenstackSite
from tests.contract.sandbox_site import SandboxSite
from tests.contract.sites import Site, opened
from tests.sandbox.cloud_server import CloudSandbox
from volume_images.cloud.open import OpenedCloud
from volume_images.dialect import Dialect

SITES = (
    pytest.param(Dialect.HUAWEI, id="sandbox-huawei"),
    pytest.param(Dialect.OPENSTACK, id="sandbox-openstack"),
    pytest.param(None, id="openstack", marks=pytest.mark.openstack),
)


@pytest.fixture(scope="module", params=SITES)
def standing_site(request: pytest.FixtureRequest) -> Iterator[Site]:
    if request.param is None:
        real = OpenstackSite.running()
        real.clear()
        yield real
        real.close()
        return
    with CloudSandbox(dialect=request.param, volumes=4) as cloud:
        yield SandboxSite(cloud)


@pytest.fixture
def site(standing_site: Site) -> Iterator[Site]:
    """Give a cloud at rest: no images, no exports."""
    yield standing_site
    standing_site.clear()


@pytest.fixture(scope="module")
def standing_cloud(standing_site: Site) -> OpenedCloud:
    return opened(standing_site)


@pytest.fixture
def cloud(site: Site, standing_cloud: OpenedCloud) -> OpenedCloud:  # noqa: ARG001 - at rest
    """Give the cloud as the product opens it: once, for many calls."""
    return standing_cloud


@pytest.fixture
def expected(site: Site) -> Expected:
    return EXPECTED[site.dialect]
