"""What tests of cleanups, restores and drills start from."""

from collections.abc import Iterator

import pytest

from tests.sandbox.stack import SandboxStack
from tests.support.cleanup_site import Site
from tests.support.restore_site import RestoreSite
from tests.support.stack_in_force import stack_in_force
from volume_images.dialect import Dialect


@pytest.fixture(scope="module", params=list(Dialect))
def restore_site(request: pytest.FixtureRequest) -> Iterator[RestoreSite]:
    with stack_in_force(request.param, volumes=3) as stack:
        yield RestoreSite(stack)


@pytest.fixture(scope="module")
def huawei_stack() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.HUAWEI, volumes=1) as stack:
        yield stack


@pytest.fixture(scope="module")
def openstack_stack() -> Iterator[SandboxStack]:
    with SandboxStack(dialect=Dialect.OPENSTACK, volumes=1) as stack:
        yield stack


@pytest.fixture(params=["huawei_stack", "openstack_stack"])
def either(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Give a site at rest, in each dialect."""
    return Site.in_force(request.getfixturevalue(request.param), monkeypatch)


@pytest.fixture
def openstack_site(openstack_stack: SandboxStack, monkeypatch: pytest.MonkeyPatch) -> Site:
    return Site.in_force(openstack_stack, monkeypatch)
