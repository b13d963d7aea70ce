"""What any release has written stays readable: `tests/golden` holds it, a folder for each release.

A folder is laid out like a store. What a released folder holds is never edited; a release that
writes something new adds a folder of its own.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from volume_images.cleanup.state import cleanup_state_key, empty_cleanup_state
from volume_images.cli.inputs.filed_report import parse_report
from volume_images.config.schema import parse_config
from volume_images.export.state import empty_export_state, export_state_key
from volume_images.image_name import ImageName
from volume_images.memory import Origin, read_state
from volume_images.report import RESULTS, CloudResult, FreshnessState, Function
from volume_images.state import State
from volume_images.storage.folder import ConfigFile, FolderStore
from volume_images.telling.events import nothing_told
from volume_images.telling.listeners import TOLD_KEY
from volume_images.used_config import use_config

GOLDEN = Path(__file__).parents[1] / "golden"
RELEASES = sorted(GOLDEN.iterdir(), key=lambda folder: tuple(map(int, folder.name.split("."))))
NEWEST = RELEASES[-1]
DEPLOYMENT = "0123456789ab"
STATES: list[tuple[str, State]] = [
    (export_state_key("otc"), empty_export_state(DEPLOYMENT)),
    (cleanup_state_key("otc"), empty_cleanup_state(DEPLOYMENT)),
    (TOLD_KEY, nothing_told(DEPLOYMENT)),
]

every_release = pytest.mark.parametrize("release", RELEASES, ids=lambda folder: folder.name)
every_state = pytest.mark.parametrize(("key", "empty"), STATES, ids=[key for key, _ in STATES])


def json_of(path: Path) -> Any:  # noqa: ANN401 - JSON
    return json.loads(path.read_text())


def reports(release: Path) -> list[Path]:
    return sorted((release / "reports").rglob("*.json"))


def lacks(found: object, golden: object, where: str = "") -> Iterator[str]:
    """Yield what the golden value says and the found one does not; more than it says is fine."""
    if isinstance(golden, dict) and isinstance(found, dict):
        for key, value in golden.items():
            yield from lacks(found.get(key), value, f"{where}.{key}")
    elif found != golden:
        yield f"{where}: {golden!r} became {found!r}"


def unsaid(value: object) -> Iterator[str]:
    """Yield the fields of models that a value could have and does not."""
    if isinstance(value, BaseModel):
        for field in type(value).model_fields:
            if field not in value.model_fields_set:
                yield f"{type(value).__name__}.{field}"
            yield from unsaid(getattr(value, field))
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from unsaid(inner)
    elif isinstance(value, tuple):
        for inner in value:
            yield from unsaid(inner)


@every_release
def test_every_image_name_reads_back_to_its_parts(release: Path) -> None:
    for entry in json_of(release / "names.json"):
        name = ImageName.parse(entry["name"])
        slot = datetime.fromisoformat(entry["slot"])
        assert name == ImageName(
            **{key: entry[key] for key in ("prefix", "policy", "requested", "label", "volume_id")},
            slot=slot,
        )
        assert str(name) == entry["name"]


@every_release
@pytest.mark.parametrize("document", ["config", "config-least"])
def test_every_config_means_what_it_meant(release: Path, document: str) -> None:
    """Defaults as well: a key that was left out must not begin to mean something else."""
    config = parse_config((release / f"{document}.yaml").read_bytes(), document)
    meaning = json_of(release / f"{document}.meaning.json")
    assert list(lacks(config.model_dump(mode="json"), meaning)) == []


@every_release
@every_state
def test_every_state_is_read_with_all_that_it_says(release: Path, key: str, empty: State) -> None:
    store = FolderStore(release, ConfigFile(release / "config.yaml"))
    memory = read_state(store, key, empty)
    assert memory.origin is Origin.READ
    assert list(lacks(memory.state.model_dump(mode="json"), json_of(release / key))) == []


@every_release
def test_the_config_that_was_kept_is_used_while_the_newest_is_broken(
    release: Path, tmp_path: Path
) -> None:
    broken = tmp_path / "config.yaml"
    broken.write_text("prefix: [")
    used = use_config(FolderStore(release, ConfigFile(broken)), "config.yaml", Function.EXPORT)
    assert (used.config.prefix, used.version) == ("acme", "3HL4kqtJlcpXroDTDmJ")


@every_release
def test_every_report_is_read_with_all_that_people_are_shown(release: Path) -> None:
    for path in reports(release):
        golden = json_of(path)
        del golden["freshness"]  # `status` looks at the clouds instead
        assert list(lacks(parse_report(path.read_bytes(), str(path)).as_json(), golden)) == []


@every_state
def test_the_newest_states_say_all_that_a_state_can(key: str, empty: State) -> None:
    """Else a field could be renamed, and no golden file would notice."""
    state = type(empty).model_validate_json((NEWEST / key).read_bytes())
    assert set(unsaid(state)) == set()


def test_the_newest_config_says_all_that_a_config_can() -> None:
    config = parse_config((NEWEST / "config.yaml").read_bytes(), "config.yaml")
    full = config.model_copy(
        update={
            "clouds": {"otc": config.clouds["otc"]},
            "policies": {"daily": config.policies["daily"]},
            "volumes": config.volumes[:1],
        }
    )
    of_requests = set(unsaid(full.policies["daily"].requests))
    assert set(unsaid(full)) - of_requests == {"CloudConfig.clouds_yaml"}
    assert config.clouds["lab"].clouds_yaml == "lab"
    assert config.grace == timedelta(days=5)


def test_the_newest_reports_hold_every_result() -> None:
    documents = {document["function"]: document for document in map(json_of, reports(NEWEST))}
    for function in Function:
        said = {outcome["result"] for outcome in documents[function]["outcomes"]}
        assert said == set(RESULTS[function])
    exports, cleanup = documents[Function.EXPORT], documents[Function.CLEANUP]
    assert {cloud["result"] for cloud in exports["clouds"]} == set(CloudResult)
    assert {entry["state"] for entry in cleanup["freshness"]} == set(FreshnessState)
