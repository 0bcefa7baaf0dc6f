"""What Step Functions knows of an ingest: when its executions ran, what they were asked for, and how they ended."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hundredfold_cli.ingests.executions import find_execution, latest_execution, refusal_cause
from hundredfold_cli.stack.deployment import Deployment


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution.

    Attributes
    ----------
    stopped : None while it runs
    input, output : as JSON; None where there is none, or it is no JSON
    """

    name: str
    status: str
    started: datetime
    stopped: datetime | None
    input: Any
    output: Any
    error: str
    cause: str

    @classmethod
    def from_description(cls, description: Mapping[str, Any]) -> "Execution":
        return cls(
            name=description["name"],
            status=description["status"],
            started=description["startDate"],
            stopped=description.get("stopDate"),
            input=_json(description.get("input")),
            output=_json(description.get("output")),
            error=str(description.get("error", "")),
            cause=str(description.get("cause", "")),
        )


@dataclass(frozen=True, slots=True)
class Executions:
    """The first and the last execution of an ingest; None for one that Step Functions has forgotten.

    Attributes
    ----------
    last_name : of the last execution
    """

    first: Execution | None
    last: Execution | None
    last_name: str


def read_executions(deployment: Deployment, ingest_id: str, ledger_item: Mapping[str, Any]) -> Executions:
    """Read the executions of an ingest. One that the planner refused has changed nothing, and is left out."""
    name, last = latest_execution(deployment, ingest_id, ledger_item)
    if refusal_cause(ledger_item, last):
        name = str(ledger_item["execution"])
        last = find_execution(deployment, name)
    first = last if name == ingest_id else find_execution(deployment, ingest_id)
    return Executions(
        Execution.from_description(first) if first else None,
        Execution.from_description(last) if last else None,
        name,
    )


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
