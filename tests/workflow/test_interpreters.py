"""What the interpreters are known not to do, so that it is noticed when they learn it; see docs/testing.md."""

import json

import pytest
from botocore.exceptions import ClientError

from tests.support.interpreters.cases import CASES, Interpreter
from tests.support.interpreters.executions import ROLE, Runner
from tests.support.interpreters.processes import clients
from tools.workflow.definition import EXAMPLE, render

HAPPY = next(case for case in CASES if case.name == "HappyPath")


def test_localstack_follows_the_paths_of_a_result_writer_in_the_results(interpreters: dict[Interpreter, str]) -> None:
    _, s3 = clients(interpreters[Interpreter.LOCALSTACK])
    step_functions, _ = clients(interpreters[Interpreter.LOCALSTACK], region="eu-west-1")
    runner = Runner(Interpreter.LOCALSTACK, step_functions, s3)
    definition = render({**EXAMPLE, "GroupBatchesAtOnce": "1", "ChildExecutionType": "STANDARD"})
    machines = step_functions.list_state_machines()["stateMachines"]
    strict = next(machine["stateMachineArn"] for machine in machines if machine["name"] == "strict")
    step_functions.update_state_machine(stateMachineArn=strict, definition=json.dumps(definition))

    (run,) = runner.run([HAPPY])

    assert run.outcome.caught == "States.Runtime", (
        "it is mended: let interpreters.executions.definition_for give localstack the definition as it is"
    )


def test_localstack_refuses_express_children(interpreters: dict[Interpreter, str]) -> None:
    step_functions, _ = clients(interpreters[Interpreter.LOCALSTACK], region="eu-west-2")
    definition = render({**EXAMPLE, "ChildExecutionType": "EXPRESS"})

    with pytest.raises(ClientError, match="InvalidDefinition"):
        step_functions.create_state_machine(name="refused", definition=json.dumps(definition), roleArn=ROLE)
