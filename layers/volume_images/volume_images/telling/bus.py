"""The bus that events go to: EventBridge, where there is one."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from volume_images.errors import SettingsError
from volume_images.telling.events import Event
from volume_images.telling.listeners import Unsent

SOURCE = "volume-images"

ENTRIES_AT_ONCE = 10
"""PutEvents takes no more (EventBridge API)."""

LONGEST = 8.0
"""Seconds after which no other call begins: a run that used all its time has twenty left."""


class EventsClient(Protocol):
    """The client of EventBridge, as far as it is needed."""

    def put_events(self, *, Entries: Sequence[Any]) -> Any:  # noqa: ANN401, N803 - boto3's own
        """Send up to ten events; the answer names those that were not taken."""
        ...


@dataclass(frozen=True, slots=True)
class EventBus:
    """A bus by its name; `deployment` tells whose events they are, `seconds` how time goes by."""

    client: Callable[[], EventsClient]
    name: str
    deployment: str
    seconds: Callable[[], float]

    def send(self, events: Sequence[Event]) -> Unsent | None:
        """Send events, ten at a time; after a call that failed, or late, no other is tried."""
        left, refused, stopped = events, list[str](), ""
        began = self.seconds()
        while left and not stopped:
            entries = [self._entry(event) for event in left[:ENTRIES_AT_ONCE]]
            try:
                answer = self.client().put_events(Entries=entries)
            except (ClientError, BotoCoreError, SettingsError) as error:
                stopped = " ".join(str(error).split())
                continue
            refused += [one["ErrorCode"] for one in answer["Entries"] if one.get("ErrorCode")]
            left = left[ENTRIES_AT_ONCE:]
            if self.seconds() - began > LONGEST:
                stopped = f"took longer than {LONGEST:.0f} seconds"
        unsent = len(left) + len(refused)
        why = f"event bus {self.name}: {[*refused, stopped][0]}"
        return Unsent(unsent, why) if unsent else None

    def _entry(self, event: Event) -> dict[str, Any]:
        return {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": event.type.value,
            "Time": event.at,
            "Resources": [self.deployment],
            "Detail": json.dumps(event.detail),
        }
