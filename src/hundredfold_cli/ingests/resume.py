"""Resuming an ingest: an execution that does the batches that are not done, and no others."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.batches import BatchOutcome
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import LIVE, MAX_REJECTED, Plan, Resume, is_version, resume_name
from hundredfold.summary import Status
from hundredfold_cli.errors import IngestNotFoundError, NotThereError
from hundredfold_cli.ingests.executions import (
    find_execution,
    has_summary,
    last_resume_number,
    latest_execution,
    resume_number,
    wait_for_execution,
)
from hundredfold_cli.stack.deployment import Deployment


def start_resume(deployment: Deployment, resume: Resume, max_rejected_percent: float | None = None) -> str:
    """Start an execution that resumes an ingest, and return its name.

    Parameters
    ----------
    max_rejected_percent : the share of the records that may be rejected, in place of the ingest's own limit; or None

    Raises
    ------
    IngestNotFoundError
        If neither the ledger nor Step Functions knows the ingest.
    InvalidIngestError
        If it still runs, is being resumed by someone else, is completed and has no batch to do, or was never planned
        and its source is not known; if the model is neither the number of a version nor LIVE.
    NotThereError
        If there is no such model version.
    """
    ingest_id = resume.ingest_id
    if resume.model not in {None, LIVE} and not is_version(resume.model):
        raise InvalidIngestError(f'--model {resume.model} must be the number of a version, or "{LIVE}"')
    ledger_item = deployment.ledger.ingest(ingest_id) or {}
    latest, execution = latest_execution(deployment, ingest_id, ledger_item)
    if not ledger_item and execution is None:
        raise IngestNotFoundError(ingest_id)
    if execution is not None and execution["status"] == "RUNNING" and not has_summary(ledger_item, latest):
        raise InvalidIngestError(
            f"ingest {ingest_id} is still running (execution {latest}); follow it with: hundredfold watch {ingest_id}"
        )
    execution_input: dict[str, object] = {"resume": resume.as_dict()}
    _check_version(deployment, resume.model or LIVE)
    if "plan" in ledger_item:
        plan = Plan.from_dict(ledger_item["plan"])
        if max_rejected_percent is None or ledger_item["status"] != Status.FAILED:
            _check_work(deployment, ledger_item, plan, resume)
        if resume.model is None:
            _check_version(deployment, plan.model.version, is_pinned=True)
    else:
        execution_input |= _requested_input(deployment, ingest_id)
    if max_rejected_percent is not None:
        execution_input[MAX_REJECTED] = max_rejected_percent
    name = resume_name(ingest_id, max(last_resume_number(ledger_item), resume_number(latest)) + 1)
    try:
        deployment.step_functions.start_execution(
            stateMachineArn=deployment.state_machine, name=name, input=json.dumps(execution_input)
        )
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            raise InvalidIngestError(
                f"ingest {ingest_id} is being resumed already (execution {name}); follow it with: "
                f"hundredfold watch {ingest_id}"
            ) from None
        raise
    wait_for_execution(deployment, name)
    return name


def _check_work(deployment: Deployment, ledger_item: Mapping[str, Any], plan: Plan, resume: Resume) -> None:
    """Refuse to resume an ingest that was summed up and has no batch to do. The planner refuses a completed one."""
    status = ledger_item["status"]
    if status == Status.RUNNING or resume.force:
        return  # a summary is missing, or wanted
    done = [entry for entry in deployment.ledger.entries(plan.ingest_id) if isinstance(entry, BatchOutcome)]
    if len(done) < plan.batches or (resume.rejected and any(entry.rejected for entry in done)):
        return
    no_rejected = ", none of its records was rejected" if resume.rejected else ""
    raise InvalidIngestError(
        f"ingest {plan.ingest_id} is {status.lower()}{no_rejected}, and no batch of it is left to do, so nothing was "
        "started; to sum it up again, add --force; to score its records with another model, start a new ingest"
    )


def _check_version(deployment: Deployment, version: str, *, is_pinned: bool = False) -> None:
    if version == LIVE:
        return
    function = deployment.infer_function
    try:
        deployment.lambda_.get_function_configuration(FunctionName=function, Qualifier=version)
    except ClientError as error:
        if error_code(error) not in NOT_FOUND:
            raise
        which = ", which the ingest began with; resume it with --model live" if is_pinned else ""
        raise NotThereError(
            f"there is no model version {version} (a version of {function}){which}; "
            "list the versions with: hundredfold model list"
        ) from None


def _requested_input(deployment: Deployment, ingest_id: str) -> dict[str, object]:
    """Return the source that an ingest was started with, its limit of rejected records, and what makes it a shadow.

    An ingest that was never planned has them in its execution only.
    """
    execution = find_execution(deployment, ingest_id)
    try:
        requested = json.loads((execution or {})["input"])
        return {
            "source": requested["source"],
            **{name: requested[name] for name in ("shadow", MAX_REJECTED) if name in requested},
        }
    except (KeyError, TypeError, ValueError):
        raise InvalidIngestError(
            f"ingest {ingest_id} was never planned, and its execution does not name its source; start a new ingest"
        ) from None
