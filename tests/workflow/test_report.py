"""What `make workflow` shows a person."""

import io
from datetime import UTC, datetime, timedelta
from typing import Any

from rich.console import Console

from tests.support.interpreters.cases import CASES, Interpreter, Outcome, Verdict, expected, judge
from tests.support.interpreters.executions import Run
from tests.support.interpreters.report import explain, table, way

BEGAN = datetime(2026, 11, 24, 10, tzinfo=UTC)
CASE = next(case for case in CASES if case.name == "UnknownErrorFails")


def event(seconds: float, kind: str, name: str = "", **details: Any) -> dict[str, Any]:
    return {
        "timestamp": BEGAN + timedelta(seconds=seconds),
        "type": kind,
        "someEventDetails": {**({"name": name} if name else {}), **details},
    }


EVENTS = [
    event(0, "ExecutionStarted", input='{"n": 1}'),
    event(0.1, "TaskStateEntered", "PlanIngest", input='{"n": 1}'),
    event(0.2, "TaskScheduled", parameters='{"FunctionName": "f", "Payload": {"asked": true}}'),
    event(1.25, "TaskFailed", error="KeyError", cause="'offset'"),
    event(1.3, "TaskStateExited", "PlanIngest", output='{"n": 1}'),
    event(1.3, "PassStateEntered", "PlanFailed", input='{"n": 1, "failure": {"Error": "KeyError"}}'),
]


def shown(*parts: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    for part in parts:
        console.print(part)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_way_names_the_states_and_counts_children_that_went_the_same_way() -> None:
    children = (("InferGroup", "GroupDone"), ("InferGroup", "GroupFailed"), ("InferGroup", "GroupDone"))
    outcome = Outcome("SUCCEEDED", ("InferBatches", "Completed"), caught="GroupFailed", children=children)

    assert way(outcome) == (
        "InferBatches (2 x InferGroup > GroupDone, 1 x InferGroup > GroupFailed) > Completed, told of GroupFailed"
    )
    assert way(Outcome("FAILED", ("InferBatches",), succeeded=2, failed=1, children=None)) == (
        "InferBatches (2 children done, 1 failed)"
    )


def test_a_case_that_went_wrong_is_told_with_what_differs_and_its_history() -> None:
    found = Outcome("FAILED", ("PlanIngest", "PlanFailed"), error="States.Runtime", children=None)
    run = Run(CASE, Interpreter.LOCAL_STACK, found, EVENTS)

    told = shown(*explain(run))
    lines = [" ".join(line.split()) for line in told.splitlines()]

    assert judge(CASE, Interpreter.LOCAL_STACK, found)[0] is Verdict.WRONG
    assert "strict#UnknownErrorFails on local stack: wrong" in lines
    assert "error: States.Runtime instead of IngestFailed" in lines
    assert "found PlanIngest > PlanFailed" in lines
    assert '0.20 TaskScheduled PlanIngest {"asked":true}' in lines
    assert "1.25 TaskFailed PlanIngest KeyError: 'offset'" in lines
    assert '1.30 PassStateEntered PlanFailed {"failure":{"Error":"KeyError"}}' in lines, "only what is new"
    assert not any("TaskStateExited" in line for line in lines)


def test_the_table_has_each_case_on_each_interpreter() -> None:
    right = Run(CASE, Interpreter.LOCAL_STACK, CASE.outcome, [])
    marked = Run(CASE, Interpreter.LOCALSTACK, expected(CASE, Interpreter.LOCALSTACK)[0], [])

    told = shown(table([right, marked]))

    assert "as expected" in told
    assert "wrong, as known" in told
    assert "ToleratedFailureCount has no effect" in told
