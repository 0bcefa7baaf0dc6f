"""What Step Functions knows of an ingest: when its executions ran, what they were asked for, and how they ended."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hundredfold.summary import Status
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

    @property
    def running(self) -> bool:
        return self.last is not None and self.last.status == Status.RUNNING


ENDS_WITHIN_SECONDS = 10.0
"""An execution has two states left after its summary, and its description may be late."""


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


def wait_for_end(
    read: Callable[[], Executions], item: Mapping[str, Any], *, seconds: float = ENDS_WITHIN_SECONDS
) -> Executions:
    """Read the executions of an ingest. If it is summed up, wait some seconds for its execution to end, too.

    Parameters
    ----------
    item : the ingest's own entry of the ledger
    """
    executions = read()
    deadline = time.monotonic() + seconds
    while executions.running and item.get("status", Status.RUNNING) != Status.RUNNING and time.monotonic() < deadline:
        time.sleep(0.1)
        executions = read()
    return executions


def _json(text: str | None) -> Any:
    try:
        return json.loads(text) if text else None
    except ValueError:
        return None
