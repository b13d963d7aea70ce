"""What tests of several folders start from."""

import gc
import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.sandbox.stack import SandboxStack
from tests.security.canary_watch import pytest_runtest_makereport  # noqa: F401 - a hook of pytest
from tests.support.export_site import ExportSite
from tests.support.stack_in_force import stack_in_force
from volume_images.dialect import Dialect

# What collecting makes all stays: looking through it for garbage takes as long as making it.
gc.disable()


def pytest_collection_finish() -> None:
    gc.freeze()
    gc.enable()


# A shell without job control starts what is in the background with SIGINT ignored, and so would be
# all that is started from here: tests that interrupt would wait for ever.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A test that names no number of examples of its own takes as many as the profile says. By day they
# are always the same ones: a change fails for what it changes, never for its luck. At night all are
# drawn anew.
settings.register_profile(
    "quick",
    max_examples=20,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("ci", settings.get_profile("quick"), max_examples=2000, print_blob=True)
settings.register_profile(
    "night", settings.get_profile("ci"), max_examples=20_000, derandomize=False
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(scope="module", params=list(Dialect))
def export_site(request: pytest.FixtureRequest) -> Iterator[ExportSite]:
    with stack_in_force(request.param, volumes=3) as stack:
        yield ExportSite(stack)


@pytest.fixture(scope="module")
def cleanup_stack() -> Iterator[SandboxStack]:
    """Give a stack with one volume, for a `Site` that is at rest before each test."""
    with stack_in_force(Dialect.OPENSTACK, volumes=1) as stack:
        yield stack


@pytest.fixture
def site(export_site: ExportSite) -> ExportSite:
    """Give an export site at rest, in each dialect."""
    export_site.reset()
    return export_site
