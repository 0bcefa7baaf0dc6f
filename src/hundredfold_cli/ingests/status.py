"""The status of an ingest: whether it runs, and its counts so far or at the end."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hundredfold.accounting.summarize import NEVER_FINISHED, summarize
from hundredfold.aws.ledger import INDEX
from hundredfold.ingest import Plan, ingest_id_of
from hundredfold.planning.shadows import SHADOW
from hundredfold.summary import Status, Totals
from hundredfold_cli.errors import IngestNotFoundError, NotThereError
from hundredfold_cli.ingests.executions import (
    failure_cause,
    find_execution,
    has_summary,
    latest_execution,
    refusal_cause,
)
from hundredfold_cli.stack.deployment import Deployment

_NOT_OF_THE_SUMMARY = {"ledger_key", "entry", "plan", "reported", INDEX}


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """The status of an ingest.

    Attributes
    ----------
    summary : the fields of `hundredfold.summary.Summary`, as far as they are known
    plan : None until the ingest is planned
    execution : the name of the execution that last started or resumed it
    refusal : why the planner refused that execution, if it did; the ingest is as it was before
    """

    summary: dict[str, Any]
    plan: Plan | None
    execution: str
    refusal: str = ""

    @property
    def ended(self) -> bool:
        return str(self.summary["status"]) != Status.RUNNING


def ingest_status(deployment: Deployment, ingest_id: str) -> IngestStatus:
    """Return the status of an ingest: from its summary if it has one, else from the ledger as it is now.

    Raises
    ------
    IngestNotFoundError
        If neither the ledger nor Step Functions knows it.
    """
    # The execution is read first. What it wrote before it ended is then in the ledger, which is read afterwards.
    name, execution = latest_execution(deployment, ingest_id, deployment.ledger.ingest(ingest_id) or {})
    ledger_item = deployment.ledger.ingest(ingest_id)
    plan = Plan.from_dict(ledger_item["plan"]) if ledger_item and "plan" in ledger_item else None
    refusal = refusal_cause(ledger_item or {}, execution)
    if ledger_item and (refusal or has_summary(ledger_item, name)):
        summary = {key: value for key, value in ledger_item.items() if key not in _NOT_OF_THE_SUMMARY}
        return IngestStatus(summary, plan, name, refusal)
    if execution is None:
        if not ledger_item:
            raise IngestNotFoundError(ingest_id)
        execution = _lost_execution(ledger_item)
    running = execution["status"] == "RUNNING"
    ended_at = datetime.now(UTC) if running else execution["stopDate"]
    failure = None if running else {"Error": execution["status"], "Cause": failure_cause(execution)}
    summary = summarize(
        ingest_id,
        execution["startDate"].isoformat(),
        ended_at.isoformat(),
        plan,
        deployment.ledger.entries(ingest_id) if plan else [],
        failure,
        execution=name,
        history=deployment.ledger.history(ingest_id, name),
    ).as_dict()
    if running:
        progress = progress_of(summary, ended_at) if plan else None
        # What has not been done yet is neither failed nor the cause of anything.
        running_fields = {"status": Status.RUNNING.value, "failed": 0, "batches_failed": 0, "failures": {}}
        summary |= {**running_fields, "cause": None, "usd": None, "progress": progress}
    return IngestStatus(summary, plan, name)


def progress_of(summary: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """Return how far an ingest has got, how fast it is, and when it will end at that rate.

    The rate is that of the current execution: from its start, which takes in the planning. It is None, as is the end,
    until a batch is done.

    Parameters
    ----------
    summary : of the ingest as it is now
    """
    batches, current = summary["batches"], summary["executions"][-1]
    done = batches - summary["batches_failed"]
    failed = sum(count for kind, count in summary["failures"].items() if kind != NEVER_FINISHED)
    rate = (current["batches"] + failed) / current["seconds"] if current["seconds"] else 0.0
    left = (batches - done - failed) / rate if rate else None
    records_a_batch = summary["records"] / batches if batches else 0.0
    return {
        "batches_done": done,
        "batches_failed": failed,
        "batches": batches,
        "records_a_second": round(rate * records_a_batch, 1) if rate else None,
        "seconds_left": None if left is None else round(left, 1),
        "ends_at": None if left is None else (now + timedelta(seconds=left)).isoformat(timespec="seconds"),
    }


def newest_ingest(deployment: Deployment) -> str:
    """Return the id of the ingest that was started last.

    Raises
    ------
    NotThereError
        If there is none.
    """
    page = deployment.step_functions.list_executions(stateMachineArn=deployment.state_machine, maxResults=100)
    executions = [execution for execution in page["executions"] if SHADOW not in execution["name"]]
    if not executions:
        raise NotThereError("there is no ingest yet; start one with: hundredfold ingest SOURCE")
    name = str(max(executions, key=lambda execution: execution["startDate"])["name"])
    execution = find_execution(deployment, name)
    return ingest_id_of(name, json.loads(execution["input"]) if execution else None)


def ledger_totals(deployment: Deployment, ingest_id: str) -> Totals:
    """Add up what the ledger has of an ingest's batches."""
    return Totals.sum(deployment.ledger.entries(ingest_id))


def _lost_execution(ledger_item: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an execution that the ledger has, and that Step Functions no longer knows."""
    return {
        "status": "LOST",
        "startDate": datetime.fromisoformat(ledger_item["started_at"]),
        "stopDate": datetime.now(UTC),
        "cause": f"Step Functions knows no execution {ledger_item['execution']}; resume the ingest",
    }
