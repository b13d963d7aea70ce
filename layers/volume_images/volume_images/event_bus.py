"""The bus that events go to: EventBridge, where there is one."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import BotoCoreError, ClientError

from volume_images.errors import SettingsError
from volume_images.events_out import Event
from volume_images.telling import Unsent

SOURCE = "volume-images"

ENTRIES_AT_ONCE = 10
"""PutEvents takes no more (EventBridge API)."""


class EventsClient(Protocol):
    """The client of EventBridge, as far as it is needed."""

    def put_events(self, *, Entries: Sequence[Any]) -> Any:  # noqa: ANN401, N803 - boto3's own
        """Send up to ten events; the answer names those that were not taken."""
        ...


@dataclass(frozen=True, slots=True)
class EventBus:
    """A bus by its name; `deployment` tells whose events they are."""

    client: Callable[[], EventsClient]
    name: str
    deployment: str

    def send(self, events: Sequence[Event]) -> Unsent | None:
        """Send events, ten at a time; after a call that failed no other is tried."""
        unsent, why = 0, ""
        for start in range(0, len(events), ENTRIES_AT_ONCE):
            batch = events[start : start + ENTRIES_AT_ONCE]
            try:
                answer = self.client().put_events(Entries=[self._entry(event) for event in batch])
            except (ClientError, BotoCoreError, SettingsError) as error:
                unsent += len(events) - start
                why = why or f"event bus {self.name}: {' '.join(str(error).split())}"
                break
            refused = [entry for entry in answer["Entries"] if entry.get("ErrorCode")]
            if refused:
                unsent += len(refused)
                why = why or f"event bus {self.name}: {refused[0]['ErrorCode']}"
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
