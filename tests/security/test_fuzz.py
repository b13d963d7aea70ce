"""The fuzzer itself: it starts from what is valid, repeats any input, notices what is wrong."""

from random import Random

import pytest

from tests.security import fuzz_run
from tests.security.fuzz_mutations import document_bytes
from tests.security.fuzz_run import chunks, main, try_chunk, try_input
from tests.security.fuzz_samples import CLEANUP_STATE, CONFIG, EVENTS, EXPORT_STATE, NAMES, SECRETS
from tests.security.fuzz_targets import TARGETS, Fault, Target, secret_document
from tests.security.told_cloud import DEPLOYMENT, NOW
from volume_images.cleanup.state import CleanupState
from volume_images.cloud.credentials import parse_secret
from volume_images.config.schema import Config
from volume_images.export.state import ExportState
from volume_images.image_name import ImageName
from volume_images.triggers import parse_trigger

FEW = 12


@pytest.mark.parametrize("target", TARGETS)
def test_a_few_inputs_of_each_kind_do_no_harm(target: str) -> None:
    tally = try_chunk(target, range(FEW))
    assert [str(failure) for failure in tally.failures] == []
    assert tally.counts.total() == FEW


def test_what_is_spoilt_was_valid_before() -> None:
    assert Config.model_validate(CONFIG).prefix == "acme-prod"
    assert ExportState.model_validate(EXPORT_STATE).deployment == DEPLOYMENT
    assert CleanupState.model_validate(CLEANUP_STATE).deployment == DEPLOYMENT
    assert [str(ImageName.parse(name)) for name in NAMES] == [*NAMES]
    assert len([parse_trigger(event, now=NOW) for event in EVENTS[-3:]]) == 3
    for secret in SECRETS:
        assert secret_document(parse_secret(str(secret).replace("'", '"'), "x")) == secret


def test_an_input_is_made_of_its_number_alone() -> None:
    first, second = (document_bytes(CONFIG, Random("config:7")) for _ in range(2))  # noqa: S311
    assert first == second
    assert first != document_bytes(CONFIG, Random("config:8"))  # noqa: S311


def test_every_input_is_tried_once() -> None:
    shared = [(target, number) for target, numbers in chunks(1_000, None, 0) for number in numbers]
    assert len(shared) == len(set(shared)) == 1_000
    assert {target for target, _ in shared} == set(TARGETS)


def broken(dice: Random) -> bool:
    raise KeyError(dice.random())


def endless(_: Random) -> bool:
    while True:
        continue


@pytest.mark.parametrize(
    ("target", "kind"), [(broken, "KeyError at"), (endless, "hang")], ids=["traceback", "hang"]
)
def test_what_goes_wrong_is_told_with_how_to_repeat_it(
    monkeypatch: pytest.MonkeyPatch, target: object, kind: str
) -> None:
    monkeypatch.setattr(fuzz_run, "CPU_SECONDS", 0.2)
    monkeypatch.setattr(fuzz_run, "TARGETS", {"config": Target(1, target)})  # type: ignore[arg-type]
    (failure,) = try_chunk("config", range(41, 42)).failures
    assert failure.kind.startswith(kind)
    assert "--replay config:41" in str(failure)


def test_a_replay_shows_the_error_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    def bad(_: Random) -> bool:
        raise Fault("no round trip")

    monkeypatch.setattr(fuzz_run, "TARGETS", {"secret": Target(1, bad)})
    with pytest.raises(Fault, match="no round trip"):
        main(["--replay", "secret:3"])
    with pytest.raises(Fault, match="no round trip"):
        try_input("secret", 3)
