"""The executions of an ingest in Step Functions: the first has the ingest's id as its name, each resume adds one."""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.failures import lambda_message
from hundredfold.ingest import resume_name
from hundredfold.summary import Status
from hundredfold_cli.stack.deployment import Deployment

_VISIBLE_SECONDS, _PAUSE_SECONDS = 10, 0.25


def find_execution(deployment: Deployment, name: str) -> dict[str, Any] | None:
    """Return the description of an execution, or None if Step Functions knows none of this name."""
    try:
        return dict(deployment.step_functions.describe_execution(executionArn=deployment.execution(name)))
    except ClientError as error:
        if error_code(error) in {"ExecutionDoesNotExist", "InvalidArn"}:
            return None
        raise


def wait_for_execution(
    deployment: Deployment, name: str, sleep: Callable[[float], None] = time.sleep
) -> dict[str, Any] | None:
    """Return the description of an execution that was just started, once Step Functions has it.

    DescribeExecution is eventually consistent, so for some seconds there can seem to be none of the name:
    https://docs.aws.amazon.com/step-functions/latest/apireference/API_DescribeExecution.html

    Returns
    -------
    execution : None if Step Functions does not have it after ten seconds either
    """
    for _ in range(int(_VISIBLE_SECONDS / _PAUSE_SECONDS)):
        if execution := find_execution(deployment, name):
            return execution
        sleep(_PAUSE_SECONDS)
    return None


def latest_execution(
    deployment: Deployment, ingest_id: str, ledger_item: Mapping[str, Any]
) -> tuple[str, dict[str, Any] | None]:
    """Return the name and the description of the execution that last started or resumed an ingest.

    Parameters
    ----------
    ledger_item : the ingest's item in the ledger; empty if it has none

    Returns
    -------
    name, execution
        The execution is None if Step Functions does not know it, or has forgotten it.
    """
    name = str(ledger_item.get("execution", ingest_id))
    execution = find_execution(deployment, name)
    if execution is not None and execution["status"] == "RUNNING" and not has_summary(ledger_item, name):
        return name, execution
    # The ledger does not have an execution that has just been started, or that failed before it could plan.
    number = resume_number(name)
    while later := find_execution(deployment, resume_name(ingest_id, number + 1)):
        number += 1
        name, execution = resume_name(ingest_id, number), later
    return name, execution


def resume_number(execution: str) -> int:
    """Return which resume of its ingest an execution is, from its name: 1 for the first, 0 if it is no resume."""
    ending = re.search(r"\.resume-([0-9]+)$", execution)
    return int(ending[1]) if ending else 0


def last_resume_number(ledger_item: Mapping[str, Any]) -> int:
    """Return the number of the last resume that an ingest's item in the ledger has; 0 if it was never resumed."""
    return max((resume_number(str(resume["execution"])) for resume in ledger_item.get("resumed", [])), default=0)


def has_summary(ledger_item: Mapping[str, Any], execution: str) -> bool:
    """Tell whether an ingest's item in the ledger has the summary of this execution. Then it has nothing left to do."""
    return "status" in ledger_item and ledger_item["status"] != Status.RUNNING and ledger_item["execution"] == execution


def refusal_cause(ledger_item: Mapping[str, Any], execution: Mapping[str, Any] | None) -> str:
    """Return why an execution did not resume its ingest, which was completed before and still is; empty if it did.

    Parameters
    ----------
    execution : the description of the last execution that was to start or resume the ingest
    """
    if execution is None or execution["status"] == "RUNNING" or ledger_item.get("status") != Status.COMPLETED:
        return ""
    return failure_cause(execution) if ledger_item["execution"] != execution["name"] else ""


def failure_cause(execution: Mapping[str, Any]) -> str:
    """Return why an execution failed, in a line."""
    parts = (str(execution.get("error", "")), lambda_message(str(execution.get("cause", ""))))
    return ": ".join(part for part in parts if part)
