"""Executions of an ingest: the last one is found, whether the ledger knows it or not."""

from typing import Any, cast

import pytest
from botocore.exceptions import ClientError

from hundredfold_cli.ingests.executions import (
    failure_cause,
    find_execution,
    has_summary,
    last_resume_number,
    latest_execution,
    resume_number,
    wait_for_execution,
)
from hundredfold_cli.stack.deployment import Deployment


class StepFunctions:
    """Knows some executions."""

    def __init__(self, **statuses: str) -> None:
        self._statuses = {name.replace("_", ".", 1).replace("_", "-"): status for name, status in statuses.items()}

    def describe_execution(self, *, executionArn: str) -> dict[str, Any]:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        if name not in self._statuses:
            raise ClientError({"Error": {"Code": "ExecutionDoesNotExist", "Message": ""}}, "DescribeExecution")
        return {"name": name, "status": self._statuses[name]}


class Stack:
    """What of a deployment is needed to find an execution."""

    def __init__(self, **statuses: str) -> None:
        self.step_functions = StepFunctions(**statuses)

    def execution(self, name: str) -> str:
        return f"arn:aws:states:us-east-1:1:execution:m:{name}"


def deployment(**statuses: str) -> Deployment:
    """Make a deployment with executions: `i1_resume_2="RUNNING"` is one of the name `i1.resume-2`."""
    return cast("Deployment", Stack(**statuses))


def test_an_execution_that_is_not_there_is_none() -> None:
    assert find_execution(deployment(i1="SUCCEEDED"), "i1") == {"name": "i1", "status": "SUCCEEDED"}
    assert find_execution(deployment(i1="SUCCEEDED"), "i2") is None


def test_an_execution_that_stays_unknown_is_not_waited_for_without_end() -> None:
    pauses: list[float] = []

    assert wait_for_execution(deployment(), "i1", pauses.append) is None
    assert sum(pauses) == 10


@pytest.mark.parametrize(
    ("statuses", "ledger_item", "name"),
    [
        ({"i1": "SUCCEEDED"}, {}, "i1"),
        # A resume that is not in the ledger yet, and one after that
        ({"i1": "FAILED", "i1_resume_1": "FAILED", "i1_resume_2": "RUNNING"}, {}, "i1.resume-2"),
        ({"i1": "FAILED", "i1_resume_7": "FAILED"}, {"execution": "i1.resume-7"}, "i1.resume-7"),
        ({"i1_resume_8": "RUNNING"}, {"execution": "i1.resume-7"}, "i1.resume-8"),
    ],
)
def test_the_latest_execution_is_the_last_resume(
    statuses: dict[str, str], ledger_item: dict[str, Any], name: str
) -> None:
    assert latest_execution(deployment(**statuses), "i1", ledger_item) == (
        name, {"name": name, "status": list(statuses.values())[-1]},
    )  # fmt: skip


def test_an_execution_that_step_functions_has_forgotten_keeps_its_name() -> None:
    assert latest_execution(deployment(), "i1", {"execution": "i1.resume-3"}) == ("i1.resume-3", None)


@pytest.mark.parametrize(("name", "number"), [("i1", 0), ("i-7", 0), ("i1.resume-1", 1), ("i1.resume-12", 12)])
def test_the_number_of_a_resume_is_in_its_name(name: str, number: int) -> None:
    assert resume_number(name) == number


def test_the_last_resume_in_the_ledger_is_the_highest() -> None:
    resumes = [{"execution": "i1.resume-9"}, {"execution": "i1.resume-10"}, {"execution": "i1.resume-2"}]

    assert last_resume_number({"resumed": resumes}) == 10
    assert last_resume_number({}) == 0


@pytest.mark.parametrize(
    ("ledger_item", "expected"),
    [
        ({"status": "COMPLETED", "execution": "i1"}, True),
        ({"status": "FAILED", "execution": "i1"}, True),
        ({"status": "RUNNING", "execution": "i1"}, False),
        ({"status": "COMPLETED", "execution": "i1.resume-1"}, False),
        ({"plan": {}}, False),
    ],
)
def test_an_item_has_the_summary_of_the_execution_that_it_names(ledger_item: dict[str, Any], expected: bool) -> None:
    assert has_summary(ledger_item, "i1") is expected


def test_a_cause_is_a_line_with_the_message_that_lambda_gave() -> None:
    assert failure_cause({"error": "PlanError", "cause": '{"errorMessage": "no such object", "errorType": "E"}'}) == (
        "PlanError: no such object"
    )
    assert failure_cause({}) == ""
