"""Stopping an ingest: its execution ends, what runs comes to its end, and the ledger is summed up."""

import json
import time
from collections.abc import Callable
from datetime import UTC
from typing import Any

from hundredfold.errors import InvalidIngestError
from hundredfold_cli.account import user_and_host
from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.ingests.executions import find_execution, has_summary
from hundredfold_cli.ingests.status import IngestStatus, ingest_status, ledger_totals
from hundredfold_cli.stack.deployment import Deployment

QUIET_SECONDS = 22.0
"""How long nothing may be entered into the ledger before nothing runs any more.

A call of the inference function takes 20 s at most, and the state machine waits as long before it sums up.
"""
MOST_SECONDS = 330.0
"""How long it is waited for: an Express child ends within 5 minutes."""
_PAUSE_SECONDS = 0.5


def stop_ingest(
    deployment: Deployment,
    ingest_id: str,
    *,
    waiting: Callable[[int, int], None] = lambda _done, _batches: None,
    quiet_seconds: float = QUIET_SECONDS,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> IngestStatus:
    """Stop the execution of an ingest, wait until what runs has ended, and sum the ingest up.

    Batches that are done stay as they are, and a resume does the others. A second call goes on where the first ended.

    Parameters
    ----------
    waiting : called now and then with how many batches are done, and how many there are
    quiet_seconds : how long nothing may be entered into the ledger before nothing runs any more

    Raises
    ------
    IngestNotFoundError
        If there is no such ingest.
    InvalidIngestError
        If it has ended and was summed up.
    DeploymentError
        If it could not be summed up.
    """
    status = ingest_status(deployment, ingest_id)
    item = deployment.ledger.ingest(ingest_id) or {}
    if has_summary(item, status.execution) or status.refusal:
        raise InvalidIngestError(
            f"ingest {ingest_id} does not run: it is {str(status.summary['status']).lower()}; look at it with: "
            f"hundredfold summary {ingest_id}"
        )
    if not status.ended:
        deployment.step_functions.stop_execution(
            executionArn=deployment.execution(status.execution), error="Stopped", cause=f"by {user_and_host()}"
        )
    _wait(deployment, ingest_id, status, waiting, quiet_seconds, clock, sleep)
    if not has_summary(deployment.ledger.ingest(ingest_id) or {}, status.execution):
        _sum_up(deployment, ingest_id, status.execution)
    return ingest_status(deployment, ingest_id)


def _wait(
    deployment: Deployment,
    ingest_id: str,
    status: IngestStatus,
    waiting: Callable[[int, int], None],
    quiet_seconds: float,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> None:
    """Wait until no batch has been entered for some time, and no child execution runs."""
    batches = status.plan.batches if status.plan else 0
    changed_at, entered, deadline = clock(), -1, clock() + MOST_SECONDS
    while clock() < deadline:
        totals = ledger_totals(deployment, ingest_id)
        now_entered = totals.batches_done + len(totals.failures)
        if now_entered != entered:
            changed_at, entered = clock(), now_entered
            waiting(totals.batches_done, batches)
        if totals.batches_done >= batches or clock() - changed_at >= quiet_seconds:
            return
        sleep(_PAUSE_SECONDS)


def _sum_up(deployment: Deployment, ingest_id: str, name: str) -> None:
    """Have the summary function sum up what an execution has left, as the state machine does at its end."""
    execution = find_execution(deployment, name) or {}
    item = deployment.ledger.ingest(ingest_id) or {}
    owns = item.get("execution") == name
    started = item["started_at"] if owns else execution["startDate"].astimezone(UTC).isoformat()
    plan = item.get("plan") if owns else None
    failure = {"Error": execution.get("error", "Stopped"), "Cause": execution.get("cause", f"by {user_and_host()}")}
    # If the last batch was done before it could be stopped, the ingest is what it would have been.
    is_whole = bool(plan) and ledger_totals(deployment, ingest_id).batches_done >= item["batches"]
    payload: dict[str, Any] = {
        "execution_name": name,
        "execution": deployment.execution(name),
        "started_at": started,
        "input": json.loads(execution.get("input", "{}")),
        "state": {**({} if is_whole else {"failure": failure}), **({"plan": plan} if plan else {})},
    }
    answer = deployment.lambda_.invoke(
        FunctionName=f"{deployment.stack}-summarize-ingest", Payload=json.dumps(payload).encode()
    )
    if answer.get("FunctionError"):
        raise DeploymentError(
            f"ingest {ingest_id} is stopped, and could not be summed up: hundredfold logs {ingest_id} --errors says "
            f"why; hundredfold stop {ingest_id} tries again"
        )
