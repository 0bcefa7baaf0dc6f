"""EventBridge: keeps the events that were put."""

import json
from dataclasses import dataclass, field
from typing import Any

from tests.simulation.services.calls import Calls


@dataclass
class Events:
    """The service, with what was put onto its bus: the kind of each event, and its detail."""

    put: list[tuple[str, dict[str, Any]]] = field(default_factory=list)


@dataclass(frozen=True)
class EventsClient:
    """What boto3 gives as a client of EventBridge."""

    service: Events
    calls: Calls

    def put_events(self, *, Entries: list[dict[str, str]]) -> Any:  # noqa: N803 - boto3's name
        def apply() -> Any:
            self.service.put += [(entry["DetailType"], json.loads(entry["Detail"])) for entry in Entries]
            return {"FailedEntryCount": 0, "Entries": [{"EventId": "e"} for _ in Entries]}

        return self.calls.call("events", "PutEvents", apply, Entries[0]["DetailType"])
