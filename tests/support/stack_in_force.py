"""A started stack whose environment is in force: what tests of whole runs begin with."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.sandbox.stack import SandboxStack
from volume_images.dialect import Dialect


@contextmanager
def stack_in_force(dialect: Dialect, volumes: int) -> Iterator[SandboxStack]:
    """Start a stack, for a whole module of tests, and set the variables of its environment."""
    with (
        SandboxStack(dialect=dialect, volumes=volumes) as stack,
        pytest.MonkeyPatch.context() as environment,
    ):
        for name, value in stack.env.items():
            environment.setenv(name, value)
        yield stack
