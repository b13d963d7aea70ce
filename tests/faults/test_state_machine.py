"""Whatever order triggers, time, crashes, faults, edits and people come in: no rule is broken."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.operating.calm import EndsInCalm
from tests.faults.operating.deployments import Deployment
from tests.faults.operating.edits import Edits
from tests.faults.operating.in_memory import InMemory
from tests.faults.operating.mishaps import Mishaps
from tests.faults.operating.over_http import OverHttp
from tests.faults.operating.people import People
from tests.faults.operating.runs import Runs
from tests.sandbox.stack import SandboxStack
from tests.stack_in_force import stack_in_force
from volume_images.dialect import Dialect

Recording = Callable[[str, object], None]


@pytest.fixture(scope="module", params=list(Dialect))
def stack(request: pytest.FixtureRequest) -> Iterator[SandboxStack]:
    with stack_in_force(request.param, volumes=3) as stack:
        yield stack


@pytest.mark.parametrize("dialect", list(Dialect))
def test_no_rule_is_broken_in_whatever_order_things_come(
    dialect: Dialect, record_property: Recording
) -> None:
    operate(InMemory(dialect), record_property, share=0.1)


@pytest.mark.slow
def test_nor_with_the_real_client_over_http(
    stack: SandboxStack, record_property: Recording
) -> None:
    operate(OverHttp(stack), record_property, share=0.005)


def operate(place: Deployment, record_property: Recording, *, share: float) -> None:
    """Try orders of events: a share of as many as the profile has examples, of 25 steps each."""

    class Machine(Runs, Mishaps, Edits, People, EndsInCalm):
        pass

    Machine.place, Machine.tried = place, Counter()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=max(4, round(settings().max_examples * share)),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for what, number in Machine.tried.items():
        record_property(what, number)
