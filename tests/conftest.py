"""What tests of several folders start from."""

from collections.abc import Iterator

import pytest

from tests.export_site import ExportSite
from tests.sandbox.stack import SandboxStack
from volume_images.model import Dialect


@pytest.fixture(scope="module", params=list(Dialect))
def export_site(request: pytest.FixtureRequest) -> Iterator[ExportSite]:
    with (
        SandboxStack(dialect=request.param, volumes=3) as stack,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in stack.env.items():
            environment.setenv(name, value)
        yield ExportSite(stack)


@pytest.fixture
def site(export_site: ExportSite) -> ExportSite:
    """Give an export site at rest, in each dialect."""
    export_site.reset()
    return export_site
