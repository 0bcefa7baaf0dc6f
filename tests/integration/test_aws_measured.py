"""The local stack against what others have measured on AWS: where it answers otherwise is written down here."""

import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.aws_measured import MAP_RUN_FAILED, MAP_RUN_SUCCEEDED, MAP_RUN_UNKNOWN, Measured
from tests.support.deployed import Stack

DEADLINE_SECONDS = 30

OTHERWISE: Mapping[str, Mapping[str, Any]] = {
    MAP_RUN_SUCCEEDED.of: {
        "maxConcurrency": 0,
        "itemCounts.resultsWritten": 0,
        "executionCounts.resultsWritten": 0,
    },
    MAP_RUN_FAILED.of: {"itemCounts.resultsWritten": 0},
    MAP_RUN_UNKNOWN.of: {"Message": "Map Run Does Not Exist: '{arn}'"},
}
"""What the local stack answers otherwise than AWS, by what was asked: the path of the value, and its own value."""

SUCCEEDING = {"Type": "Pass", "End": True}
FAILING = {"Type": "Fail", "Error": "Boom", "Cause": "item failed"}


def differences(measured: Any, answer: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Yield each value of an answer that is not the measured one, with its path; None where there is none."""
    if isinstance(measured, Mapping):
        for name, value in measured.items():
            inner = answer.get(name) if isinstance(answer, Mapping) else None
            yield from differences(value, inner, f"{path}.{name}".removeprefix("."))
    elif measured != answer:
        yield path, answer


def map_run(stack: Stack, name: str, items: int, child: Mapping[str, Any]) -> Any:
    """Run a distributed Map over numbers, and describe its Map Run."""
    client = stack.deployment.step_functions
    definition = {
        "StartAt": "Fan",
        "States": {
            "Fan": {
                "Type": "Map",
                "End": True,
                "ItemProcessor": {
                    "ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"},
                    "StartAt": "One",
                    "States": {"One": child},
                },
            }
        },
    }
    role = client.describe_state_machine(stateMachineArn=stack.deployment.state_machine)["roleArn"]
    machine = client.create_state_machine(name=name[-60:], definition=json.dumps(definition), roleArn=role)
    try:
        started = client.start_execution(
            stateMachineArn=machine["stateMachineArn"], input=json.dumps(list(range(items)))
        )["executionArn"]
        deadline = time.monotonic() + DEADLINE_SECONDS
        while client.describe_execution(executionArn=started)["status"] == "RUNNING":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        [run] = client.list_map_runs(executionArn=started)["mapRuns"]
        return client.describe_map_run(mapRunArn=run["mapRunArn"])
    finally:
        client.delete_state_machine(stateMachineArn=machine["stateMachineArn"])


@pytest.mark.parametrize(
    ("measured", "items", "child"),
    [(MAP_RUN_SUCCEEDED, 3, SUCCEEDING), (MAP_RUN_FAILED, 1, FAILING)],
    ids=["succeeded", "failed"],
)
def test_a_map_run_is_described_as_on_aws_but_for_what_is_written_down(
    stack: Stack, new_id: Callable[[], str], measured: Measured, items: int, child: Mapping[str, Any]
) -> None:
    described = map_run(stack, new_id(), items, child)

    assert dict(differences(measured.answer, described)) == OTHERWISE[measured.of]


def test_a_map_run_that_is_not_there_is_refused_as_on_aws_but_for_what_is_written_down(stack: Stack) -> None:
    machine = stack.deployment.state_machine.replace(":stateMachine:", ":mapRun:")
    arn = f"{machine}/InferBatches:11111111-1111-1111-1111-111111111111"

    with pytest.raises(ClientError) as refused:
        stack.deployment.step_functions.describe_map_run(mapRunArn=arn)

    measured = {name: str(value).format(arn=arn) for name, value in MAP_RUN_UNKNOWN.answer.items()}
    otherwise = {path: value.format(arn=arn) for path, value in OTHERWISE[MAP_RUN_UNKNOWN.of].items()}
    assert dict(differences(measured, refused.value.response["Error"])) == otherwise
