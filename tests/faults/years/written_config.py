"""The config of a simulated year, as people write it."""

import json
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

SPOILT = b"]["


@dataclass(slots=True)
class WrittenConfig:
    """A document that people edit; `whole` is what it was at first, `versions` what was written."""

    document: dict[str, Any]
    versions: list[bytes]
    whole: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.whole = deepcopy(self.document)
        self.write()

    def write(self) -> None:
        """Write down what the document says now."""
        self.versions.append(json.dumps(self.document).encode())

    def spoil(self) -> None:
        """Write what is no config."""
        self.versions.append(SPOILT)

    @property
    def is_spoilt(self) -> bool:
        """Whether the newest version is no config."""
        return self.versions[-1] == SPOILT

    @property
    def newest(self) -> str:
        """The newest version, as the store names it."""
        return str(len(self.versions) - 1)

    def policy(self, number: int) -> str:
        """Choose a policy; a renamed one stays the same choice."""
        names = list(self.whole["policies"])
        name = names[number % len(names)]
        return name if name in self.document["policies"] else "dawn"

    def volume(self, number: int) -> dict[str, Any]:
        """Choose a listed volume."""
        entries: list[dict[str, Any]] = self.document["volumes"]
        return entries[number % len(entries)]
