"""What tests of several folders start from."""

from collections.abc import Iterator

import pytest

from tests.export_site import ExportSite
from tests.sandbox.stack import SandboxStack
from volume_images.model import Dialect


@pytest.fixture(scope="module", params=list(Dialect))
def export_stack(request: pytest.FixtureRequest) -> Iterator[SandboxStack]:
    with SandboxStack(dialect=request.param, volumes=3) as stack:
        yield stack


@pytest.fixture
def site(export_stack: SandboxStack, monkeypatch: pytest.MonkeyPatch) -> ExportSite:
    """Give an export site at rest, in each dialect."""
    for name, value in export_stack.env.items():
        monkeypatch.setenv(name, value)
    found = ExportSite(export_stack)
    found.reset()
    return found
