"""What docs/operations.md says of handing over, going back and forgetting is what happens."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.cli.conftest import Cli
from tests.sandbox.stack import SandboxStack
from volume_images.settings import Settings

pytestmark = pytest.mark.slow

ONE = ("--config", "config.yaml", "--store", "one", "--deployment", "111122223333/eu/one")
TWO = ("--config", "config.yaml", "--store", "two", "--deployment", "444455556666/eu/two")
ID_OF_ONE = Settings(config="", store="", deployment=ONE[-1]).deployment_id


def counts(ran: Any) -> dict[str, int]:  # noqa: ANN401
    assert ran.err == "", ran
    return {result: count for result, count in ran.document["counts"].items() if count}


def rewrite(folder: Path, **keys: object) -> None:
    path = folder / "config.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **keys}))


@pytest.fixture
def one_ran(local: Cli, stack: SandboxStack, tmp_path: Path) -> Cli:
    """Let the first deployment export three nights, and announce all images but the newest."""
    (tmp_path / "config.yaml").write_text(local("init", "lab").out)
    policies = yaml.safe_load((tmp_path / "config.yaml").read_text())["policies"]
    rewrite(tmp_path, policies={"daily": {**policies["daily"], "retention": {"keep_last": 1}}})
    for _ in range(3):
        local("export", *ONE)
        stack.cloud.clock.advance(timedelta(days=1))
    local("export", *ONE)
    stack.cloud.clock.advance(timedelta(hours=1))
    assert counts(local("cleanup", *ONE, "--json")) == {"kept": 3, "announced": 9}
    return local


def test_a_deployment_that_is_handed_over_exports_nothing_twice_and_announces_anew(
    one_ran: Cli, stack: SandboxStack, tmp_path: Path
) -> None:
    stack.cloud.clock.advance(timedelta(hours=24))
    rewrite(tmp_path, former_deployments=[ID_OF_ONE])
    assert counts(one_ran("export", *TWO, "--json")) == {"started": 3}  # of today, and no other
    stack.cloud.clock.advance(timedelta(hours=1))
    taken_over = one_ran("cleanup", *TWO, "--json")
    assert counts(taken_over) == {"kept": 3, "announced": 12}
    since = {entry["details"].get("since", "") for entry in taken_over.document["outcomes"]}
    assert len(since - {""}) == 1  # the wait begins with this run, for all of them
    assert one_ran("status", *TWO).code == 0


def test_without_its_id_the_images_of_the_one_before_are_foreign_and_stay(one_ran: Cli) -> None:
    assert counts(one_ran("cleanup", *TWO, "--json")) == {"unknown": 12}


def test_the_id_is_in_the_images_tags(one_ran: Cli, stack: SandboxStack) -> None:
    assert one_ran
    tags = {tag for image in stack.cloud.world.images.values() for tag in image.tags}
    assert tags == {f"vi-{ID_OF_ONE}"}


def test_a_state_of_a_newer_release_is_refused_and_stays(one_ran: Cli, tmp_path: Path) -> None:
    path = tmp_path / "one" / "state" / "export" / "lab.json"
    newer = path.read_text().replace('"version":1', '"version":2')
    path.write_text(newer)
    ran = one_ran("export", *ONE)
    assert ran.code == 1
    assert "deploy the release that wrote it" in ran.err
    assert path.read_text() == newer


def test_a_policy_that_left_the_config_is_forgotten_after_the_grace(
    one_ran: Cli, stack: SandboxStack, tmp_path: Path
) -> None:
    policies = yaml.safe_load((tmp_path / "config.yaml").read_text())["policies"]
    rewrite(tmp_path, policies={"none": {**policies["daily"], "select": {"backup": "none"}}})
    assert one_ran("forget", "daily", *ONE).code == 0
    for _ in range(4):
        stack.cloud.clock.advance(timedelta(hours=25))
        ran = one_ran("cleanup", *ONE)
        assert ran.code == 0, ran
    assert stack.cloud.world.images == {}
