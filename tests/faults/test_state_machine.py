"""Whatever order triggers, time, crashes, faults, edits and people come in: no rule is broken."""

from collections import Counter
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.operating.calm import EndsInCalm
from tests.faults.operating.deployments import Deployment
from tests.faults.operating.edits import Edits
from tests.faults.operating.in_memory import MISHAPS, InMemory
from tests.faults.operating.machine import MINUTE
from tests.faults.operating.mishaps import Mishaps
from tests.faults.operating.over_http import OverHttp
from tests.faults.operating.people import People
from tests.faults.operating.runs import Runs
from tests.faults.trouble import Kind
from tests.sandbox.stack import SandboxStack
from tests.support.stack_in_force import stack_in_force
from volume_images.dialect import Dialect
from volume_images.image_name import ImageName

Recording = Callable[[str, object], None]


class StateMachine(Runs, Mishaps, Edits, People, EndsInCalm):
    """All that may happen."""


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


@pytest.mark.parametrize("group", ["scheduled", "requested"])
def test_rules_that_are_written_again_take_nothing_from_the_grace(group: str) -> None:
    """Whoever watches must not take for a change what changes nothing: that cried wolf before."""
    machine = machine_at(InMemory(Dialect.OPENSTACK))()
    machine.begin()
    machine.retention_edited(number=0, retention={"keep_within": "1h"})
    machine.retention_of_requests_edited(number=0, keep=1)
    for _ in range(3):
        machine.cleanups(hours=24, times=1)
        machine.tick(wait=10, late=0)  # what it began is done, and there is room again
        if group == "requested":
            machine.ask(numbers=[0], times=1)
    for _ in range(12):
        machine.retention_slips_and_is_put_right(number=0)
        machine.retention_of_requests_edited(number=0, keep=1)
        machine.cleanups(hours=8, times=1)
    deleted = [ImageName.parse(gone.thing.name) for gone in machine.world.departed]
    assert (group == "requested") in {name.requested for name in deleted if name}


def test_what_a_lost_memory_and_a_late_listing_double_is_announced_and_goes() -> None:
    """Nobody could know of the first images: the second ones are excused, and found."""
    machine = machine_at(InMemory(Dialect.OPENSTACK))()
    machine.begin()
    machine.tick(wait=0, late=0)
    machine.memory_fails(role="export", lost=True)
    machine.place.let_pass(MINUTE)
    machine.place.go_wrong(MISHAPS.index((Kind.LISTINGS_LATE, 1500)), seed=0, at_once=1)
    machine.tick(wait=0, late=0)
    doubled = {name for name, count in slots_held(machine).items() if count > 1}
    assert len(doubled) == 3
    machine.cleanups(hours=1, times=1)
    state = machine.cleanup_state()
    assert state is not None
    announced = [told for group in state.groups.values() for told in group.announced.values()]
    assert [told.reason.startswith("duplicate of ") for told in announced] == [True] * 3
    machine.cleanups(hours=24, times=4)
    assert doubled.isdisjoint(name for name, count in slots_held(machine).items() if count > 1)


def slots_held(machine: StateMachine) -> Counter[str]:
    return Counter(image.name for image in machine.our_images())


def machine_at(place: Deployment) -> type[StateMachine]:
    """Return a machine of its own for a deployment, with nothing tried."""

    class Machine(StateMachine):
        pass

    Machine.place, Machine.tried = place, Counter()
    return Machine


def operate(place: Deployment, record_property: Recording, *, share: float) -> None:
    """Try orders of events: a share of as many as the profile has examples, of 25 steps each."""
    machine = machine_at(place)
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=max(4, round(settings().max_examples * share)),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    for what, number in machine.tried.items():
        record_property(what, number)
