"""The tags of a cloud's volumes -> groups of volumes, each to become a policy."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from volume_images.model import Volume

MOST_GROUPS = 6
"""More policies than this, nobody reads; volumes of the rarer values go with the rest."""

EVERYTHING = "all"
THE_REST = "untagged"

_MEANT = ("backup", "snapshot", "retention", "protect")
"""Words in the key of a tag that people set for a tool like this one."""

_OPTED_OUT = frozenset({"no", "none", "never", "off", "false", "skip", "disabled"})

_OF_THE_CLOUD = frozenset({"attached_mode", "readonly"})
"""Cinder writes these into a volume's metadata itself."""


@dataclass(frozen=True, slots=True)
class Group:
    """Volumes for one policy: those with this value of the tag; None for all that is left."""

    policy: str
    value: str | None
    volumes: tuple[Volume, ...]


@dataclass(frozen=True, slots=True)
class Grouping:
    """Groups that no two volumes share, by the values of one tag.

    `key` is empty where no tag tells volumes apart. `opted_out` are values that say no: their
    volumes are in no group.
    """

    key: str
    groups: tuple[Group, ...]
    opted_out: tuple[str, ...] = ()

    @property
    def volumes(self) -> tuple[Volume, ...]:
        """Return the volumes of all groups."""
        return tuple(volume for group in self.groups for volume in group.volumes)


def group_volumes(volumes: Sequence[Volume]) -> Grouping:
    """Group by the tag that was most likely meant for backups; without one, take all as one.

    Volumes that do not have the tag are a group as well: what nobody tagged may matter the most.
    """
    key = _telling_key(volumes)
    if not key:
        return Grouping("", (Group(EVERYTHING, None, tuple(volumes)),))
    counts = Counter(volume.tags[key] for volume in volumes if key in volume.tags)
    opted_out = tuple(sorted(value for value in counts if value.lower() in _OPTED_OUT))
    chosen = sorted(
        (value for value in counts if value not in opted_out),
        key=lambda value: (-counts[value], value),
    )[:MOST_GROUPS]
    names = _policy_names(chosen)
    groups = [
        Group(names[value], value, tuple(one for one in volumes if one.tags.get(key) == value))
        for value in chosen
    ]
    taken = {*chosen, *opted_out}
    rest = tuple(volume for volume in volumes if volume.tags.get(key) not in taken)
    if rest or not groups:
        groups.append(Group(_free_name(THE_REST, set(names.values())), None, rest))
    return Grouping(key, tuple(groups), opted_out)


def _telling_key(volumes: Sequence[Volume]) -> str:
    """Return the key to group by: one that speaks of backups, else one that divides most volumes.

    Keys differ in nothing but letters' case in some clouds: each is taken as it is written.
    """
    counts = Counter(key for volume in volumes for key in volume.tags if key)
    meant = [key for key in counts if any(word in key.lower() for word in _MEANT)]
    if meant:
        return min(meant, key=lambda key: (-counts[key], key))
    dividing = [key for key in counts if _divides(key, counts[key], volumes)]
    return min(dividing, key=lambda key: (-counts[key], key), default="")


def _divides(key: str, count: int, volumes: Sequence[Volume]) -> bool:
    values = {volume.tags[key] for volume in volumes if key in volume.tags}
    common = count * 2 >= len(volumes)
    return key not in _OF_THE_CLOUD and common and 1 < len(values) <= MOST_GROUPS


def _policy_names(values: Sequence[str]) -> Mapping[str, str]:
    names: dict[str, str] = {}
    for value in values:
        names[value] = _free_name(_slug(value), set(names.values()))
    return names


def _slug(text: str) -> str:
    """Spell a value as the name of a policy."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:24].strip("-") or "policy"


def _free_name(wanted: str, taken: set[str]) -> str:
    return next(name for name in _numbered(wanted) if name not in taken)


def _numbered(wanted: str) -> Iterator[str]:
    yield wanted
    for number in range(2, MOST_GROUPS + 3):
        yield f"{wanted[:21]}-{number}"
