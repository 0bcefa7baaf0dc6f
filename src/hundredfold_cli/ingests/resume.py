"""Resuming an ingest: an execution that does the batches that are not done, and no others."""

import json

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Plan, Resume, resume_name
from hundredfold_cli.errors import IngestNotFoundError, NotThereError
from hundredfold_cli.ingests.executions import (
    find_execution,
    has_summary,
    last_resume_number,
    latest_execution,
    resume_number,
)
from hundredfold_cli.stack.deployment import Deployment


def start_resume(deployment: Deployment, resume: Resume) -> str:
    """Start an execution that resumes an ingest, and return its name.

    Raises
    ------
    IngestNotFoundError
        If neither the ledger nor Step Functions knows the ingest.
    InvalidIngestError
        If it still runs, is being resumed by someone else, or was never planned and its source is not known.
    NotThereError
        If there is no such model version.
    """
    ingest_id = resume.ingest_id
    ledger_item = deployment.ledger.ingest(ingest_id) or {}
    latest, execution = latest_execution(deployment, ingest_id, ledger_item)
    if not ledger_item and execution is None:
        raise IngestNotFoundError(ingest_id)
    if execution is not None and execution["status"] == "RUNNING" and not has_summary(ledger_item, latest):
        raise InvalidIngestError(
            f"ingest {ingest_id} is still running (execution {latest}); follow it with: hundredfold watch {ingest_id}"
        )
    execution_input: dict[str, object] = {"resume": resume.as_dict()}
    if "plan" in ledger_item:
        _check_model(deployment, Plan.from_dict(ledger_item["plan"]), resume)
    else:
        execution_input["source"] = _requested_source(deployment, ingest_id)
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
    return name


def _check_model(deployment: Deployment, plan: Plan, resume: Resume) -> None:
    if resume.model is None or not resume.model.isdecimal():
        return
    function = plan.model.function.rpartition(":")[0]
    try:
        deployment.lambda_.get_function_configuration(FunctionName=function, Qualifier=resume.model)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise NotThereError(
                f"there is no model version {resume.model} (a version of {function}); "
                "list the versions with: hundredfold model list"
            ) from None
        raise


def _requested_source(deployment: Deployment, ingest_id: str) -> object:
    """Return the source that an ingest was started with. One that was never planned has it in its execution only."""
    execution = find_execution(deployment, ingest_id)
    try:
        return json.loads((execution or {})["input"])["source"]
    except (KeyError, TypeError, ValueError):
        raise InvalidIngestError(
            f"ingest {ingest_id} was never planned, and its execution does not name its source; start a new ingest"
        ) from None
