"""Going on with an ingest: starting the execution that does what is missing, and nothing else."""

import json

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Plan, Resume, resume_name
from hundredfold_cli.errors import IngestNotFoundError, NotThereError
from hundredfold_cli.ingests.status import execution_of, has_ended, latest_execution, resumed_times
from hundredfold_cli.stack.deployment import Deployment


def start_resume(deployment: Deployment, resume: Resume) -> str:
    """Start an execution that does the batches of an ingest that are not done, and return its name.

    Raises
    ------
    IngestNotFoundError
        If neither the ledger nor Step Functions knows the ingest.
    InvalidIngestError
        If it is still running, or was never planned and nobody knows its source any more.
    NotThereError
        If the model that is asked for is not there.
    """
    entered = deployment.ledger.ingest(resume.ingest_id) or {}
    name, execution = latest_execution(deployment, resume.ingest_id, entered)
    if not entered and execution is None:
        raise IngestNotFoundError(resume.ingest_id)
    if execution is not None and execution["status"] == "RUNNING" and not has_ended(entered, name):
        raise InvalidIngestError(
            f"ingest {resume.ingest_id} is still running (execution {name}); follow it with: "
            f"hundredfold watch {resume.ingest_id}"
        )
    asked: dict[str, object] = {"resume": resume.as_dict()}
    if "plan" in entered:
        _check_model(deployment, Plan.from_dict(entered["plan"]), resume)
    else:
        asked["source"] = _source_asked(deployment, resume.ingest_id)
    number = max(resumed_times(entered), _number_of(name, resume.ingest_id)) + 1
    name = resume_name(resume.ingest_id, number)
    try:
        deployment.step_functions.start_execution(
            stateMachineArn=deployment.state_machine, name=name, input=json.dumps(asked)
        )
    except ClientError as error:
        if error_code(error) == "ExecutionAlreadyExists":
            raise InvalidIngestError(f"ingest {resume.ingest_id} is being resumed already (execution {name})") from None
        raise
    return name


def _number_of(name: str, ingest_id: str) -> int:
    return 0 if name == ingest_id else int(name.rpartition("-")[2])


def _check_model(deployment: Deployment, plan: Plan, resume: Resume) -> None:
    if resume.model is None or not resume.model.isdecimal():
        return
    function = plan.model.function.rpartition(":")[0]
    client = deployment.session.client("lambda", endpoint_url=deployment.endpoint)
    try:
        client.get_function_configuration(FunctionName=function, Qualifier=resume.model)
    except ClientError as error:
        if error_code(error) == "ResourceNotFoundException":
            raise NotThereError(f"there is no model version {resume.model} (a version of {function})") from None
        raise


def _source_asked(deployment: Deployment, ingest_id: str) -> object:
    """Return the source that an ingest was asked for with, if it was never planned."""
    execution = execution_of(deployment, ingest_id)
    try:
        return json.loads((execution or {})["input"])["source"]
    except (KeyError, TypeError, ValueError):
        raise InvalidIngestError(
            f"ingest {ingest_id} was never planned, and its execution does not say what of; start a new ingest"
        ) from None
