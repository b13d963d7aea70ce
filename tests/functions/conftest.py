"""What tests of restores and drills start from."""

from collections.abc import Iterator

import pytest

from tests.restore_site import RestoreSite
from tests.stack_in_force import stack_in_force
from volume_images.model import Dialect


@pytest.fixture(scope="module", params=list(Dialect))
def restore_site(request: pytest.FixtureRequest) -> Iterator[RestoreSite]:
    with stack_in_force(request.param, volumes=3) as stack:
        yield RestoreSite(stack)
