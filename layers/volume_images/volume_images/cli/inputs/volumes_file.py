"""A file of volumes, for what the config does not know of them: sizes, and those discovered."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import (
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
)

from volume_images.cli.inputs.files import read_file
from volume_images.config.problems import spell_path
from volume_images.config.schema import Config
from volume_images.errors import ConfigError, Problem
from volume_images.model import Volume

LARGEST_FILE = 256 * 1024 * 1024
"""A million volumes with their tags."""


class _Entry(BaseModel):
    """A volume in our words, or as `openstack volume list --long --format json` prints it."""

    model_config = ConfigDict(frozen=True)

    id: Annotated[str, BeforeValidator(str.lower), Field(validation_alias=AliasChoices("id", "ID"))]
    size_gib: Annotated[int, Field(ge=0, validation_alias=AliasChoices("size_gib", "Size"))]
    name: Annotated[str, Field(validation_alias=AliasChoices("name", "Name"))] = ""
    cloud: str = ""
    tags: Annotated[
        Mapping[str, str], Field(validation_alias=AliasChoices("tags", "Properties"))
    ] = {}


def read_volumes(path: Path, config: Config) -> dict[str, Sequence[Volume]]:
    """Read the volumes of each cloud. Raises InputError, and ConfigError with all that is wrong.

    A volume that names no cloud is in the one that the config lists it in, else in the only one.
    """
    body = read_file(path, LARGEST_FILE)
    try:
        entries = TypeAdapter(list[_Entry]).validate_python(json.loads(body))
    except ValidationError as error:
        problems = [
            Problem(spell_path(fault["loc"]), fault["msg"])
            for fault in error.errors(include_url=False)
        ]
        raise ConfigError(str(path), problems) from None
    except (ValueError, RecursionError) as error:
        says = f"{error}: write a list of volumes, each with id and size_gib, as JSON"
        raise ConfigError(str(path), [Problem("", says)]) from None
    return _by_cloud(path, entries, config)


def _by_cloud(path: Path, entries: Sequence[_Entry], config: Config) -> dict[str, Sequence[Volume]]:
    listed = {volume.id: volume.cloud for volume in config.volumes}
    only = next(iter(config.clouds)) if len(config.clouds) == 1 else ""
    volumes: dict[str, list[Volume]] = {name: [] for name in config.clouds}
    problems = []
    for place, entry in enumerate(entries):
        cloud = entry.cloud or listed.get(entry.id, only)
        if cloud in volumes:
            volumes[cloud].append(
                Volume(
                    id=entry.id,
                    name=entry.name,
                    status="",
                    size_gib=entry.size_gib,
                    tags=entry.tags,
                )
            )
        else:
            says = f"name one of the config's clouds: {', '.join(config.clouds)}"
            problems.append(Problem(spell_path((place, "cloud")), says))
    if problems:
        raise ConfigError(str(path), problems)
    return dict(volumes)
