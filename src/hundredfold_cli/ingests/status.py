"""Starting ingests, and finding out how they stand."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.accounting.summarize import summarize
from hundredfold.aws.errors import error_code
from hundredfold.errors import IngestExistsError
from hundredfold.failures import lambda_message
from hundredfold.ingest import Plan, check_ingest_id, id_stem, ingest_id_of, resume_name
from hundredfold.planning.shadows import SHADOW, Shadow
from hundredfold.sources.spec import SourceSpec
from hundredfold.summary import Status, Totals
from hundredfold_cli.errors import IngestNotFoundError, NotThereError
from hundredfold_cli.ingests.request import IngestRequest, Uploaded
from hundredfold_cli.stack.deployment import Deployment


def new_ingest_id(name: str) -> str:
    """Make an id from a name and the time: `records-20261124T041500`."""
    return f"{id_stem(name)}-{datetime.now(UTC):%Y%m%dT%H%M%S}"


def check_new(deployment: Deployment, ingest_id: str) -> None:
    """Make sure that an id can name a new ingest.

    Raises
    ------
    InvalidIngestError
        If it breaks the rules for names.
    IngestExistsError
        If it was used before.
    """
    check_ingest_id(ingest_id)
    if execution_of(deployment, ingest_id) or deployment.ledger.ingest(ingest_id):
        raise IngestExistsError(ingest_id)


def start_ingest(deployment: Deployment, request: IngestRequest, ingest_id: str, uploaded: Uploaded) -> SourceSpec:
    """Upload records if need be, start the execution that scores them, and return where they are.

    The request was checked before.

    Raises
    ------
    IngestExistsError
        As of `check_new`. Nothing is uploaded or started then.
    """
    check_new(deployment, ingest_id)
    spec = request.place(deployment, ingest_id, uploaded)
    _start(deployment, ingest_id, {"source": spec.as_dict()})
    return spec


def start_shadow(deployment: Deployment, shadow: Shadow, spec: SourceSpec) -> None:
    """Start the shadow of an ingest that was started by `start_ingest`; raises IngestExistsError if there is one."""
    _start(deployment, shadow.ingest_id, {"source": spec.as_dict(), "shadow": shadow.as_input()})


def _start(deployment: Deployment, ingest_id: str, execution_input: dict[str, Any]) -> None:
    try:
        deployment.step_functions.start_execution(
            stateMachineArn=deployment.state_machine, name=ingest_id, input=json.dumps(execution_input)
        )
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            raise IngestExistsError(ingest_id) from None
        raise


def execution_of(deployment: Deployment, name: str) -> dict[str, Any] | None:
    """Return the description of an execution, or None if there is none of this name."""
    try:
        return dict(deployment.step_functions.describe_execution(executionArn=deployment.execution(name)))
    except ClientError as error:
        if error_code(error) in {"ExecutionDoesNotExist", "InvalidArn"}:
            return None
        raise


def resumed_times(entered: Mapping[str, Any]) -> int:
    """Return the number of the last resume that an ingest's item in the ledger has, 0 if it was never resumed."""
    return max((_number(resumed["execution"]) for resumed in entered.get("resumed", [])), default=0)


def _number(execution: str) -> int:
    return int(execution.rpartition("-")[2])


def latest_execution(
    deployment: Deployment, ingest_id: str, entered: Mapping[str, Any]
) -> tuple[str, dict[str, Any] | None]:
    """Return the name and the description of the execution that an ingest was started or resumed with last.

    Parameters
    ----------
    entered : the ingest's item in the ledger, or nothing

    Returns
    -------
    name, execution
        The execution is None if Step Functions does not know it, or does not any more.
    """
    name = str(entered.get("execution", ingest_id))
    execution = execution_of(deployment, name)
    # One that has just been started, or that failed before it could plan, is not in the ledger.
    number = 0 if name == ingest_id else _number(name)
    while later := execution_of(deployment, resume_name(ingest_id, number + 1)):
        number += 1
        name, execution = resume_name(ingest_id, number), later
    return name, execution


def has_ended(entered: Mapping[str, Any], execution: str) -> bool:
    """Tell whether an ingest's item in the ledger has the summary of this execution, which then has no more to do."""
    return "status" in entered and entered["status"] != Status.RUNNING and entered["execution"] == execution


def newest_ingest(deployment: Deployment) -> str:
    """Return the id of the ingest that was started last; raises NotThereError if there is none."""
    listed = deployment.step_functions.list_executions(stateMachineArn=deployment.state_machine, maxResults=100)
    executions = [execution for execution in listed["executions"] if SHADOW not in execution["name"]]
    if not executions:
        raise NotThereError("there is no ingest yet; start one with: hundredfold ingest SOURCE")
    name = str(max(executions, key=lambda execution: execution["startDate"])["name"])
    execution = execution_of(deployment, name)
    return ingest_id_of(name, json.loads(execution["input"]) if execution else None)


@dataclass(frozen=True, slots=True)
class IngestStatus:
    """How an ingest stands: `summary` has the fields of `hundredfold.outcomes.Summary`, as far as they are known.

    `plan` is None until it is planned. `execution` is the name of the execution that it was started or resumed with
    last.
    """

    summary: dict[str, Any]
    plan: Plan | None
    execution: str

    @property
    def ended(self) -> bool:
        return str(self.summary["status"]) != Status.RUNNING


def ingest_status(deployment: Deployment, ingest_id: str) -> IngestStatus:
    """Find out how an ingest stands: its summary if it has one, else the ledger added up as it is now.

    Raises
    ------
    IngestNotFoundError
        If neither the ledger nor Step Functions knows it.
    """
    # First the execution: what it wrote before it ended is in the ledger by the time that is read.
    name, execution = latest_execution(deployment, ingest_id, deployment.ledger.ingest(ingest_id) or {})
    entered = deployment.ledger.ingest(ingest_id)
    plan = Plan.from_dict(entered["plan"]) if entered and "plan" in entered else None
    if entered and has_ended(entered, name):
        summary = {key: value for key, value in entered.items() if key not in {"ledger_key", "entry", "plan"}}
        return IngestStatus(summary, plan, name)
    if execution is None:
        if not entered:
            raise IngestNotFoundError(ingest_id)
        execution = _lost(entered)
    running = execution["status"] == "RUNNING"
    ended_at = datetime.now(UTC) if running else execution["stopDate"]
    failure = None if running else {"Error": execution["status"], "Cause": execution_cause(execution)}
    summary = summarize(
        ingest_id,
        execution["startDate"].isoformat(),
        ended_at.isoformat(),
        plan,
        deployment.ledger.entries(ingest_id) if plan else [],
        failure,
    ).as_dict()
    if running:
        summary |= {"status": Status.RUNNING.value, "failed": 0, "batches_failed": 0, "failures": {}}
    return IngestStatus(summary, plan, name)


def _lost(entered: Mapping[str, Any]) -> dict[str, Any]:
    """Describe an execution that the ledger has, and Step Functions has no longer."""
    return {
        "status": "LOST",
        "startDate": datetime.fromisoformat(entered["started_at"]),
        "stopDate": datetime.now(UTC),
        "cause": f"Step Functions knows no execution {entered['execution']}; resume the ingest",
    }


def totals(deployment: Deployment, ingest_id: str) -> Totals:
    """Add up what the ledger has of an ingest's batches."""
    return Totals.of(deployment.ledger.entries(ingest_id))


def execution_cause(execution: dict[str, Any]) -> str:
    """Say why an execution failed, in a line."""
    parts = (str(execution.get("error", "")), lambda_message(str(execution.get("cause", ""))))
    return ": ".join(part for part in parts if part)
