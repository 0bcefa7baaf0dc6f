"""Every case of MockConfigFile.json on every interpreter comes to what it should, or to what is known and marked."""

import io

import pytest
from rich.console import Console

from tests.support.interpreters.cases import CASES, DEVIATIONS, Case, Interpreter, Verdict, judge
from tests.support.interpreters.executions import Run
from tests.support.interpreters.report import explain
from tools.workflow.mocks import cases, read

HERE = (Interpreter.LOCAL_STACK, Interpreter.LOCALSTACK, Interpreter.LOCALSTACK_INLINE)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
@pytest.mark.parametrize("interpreter", HERE)
def test_case(case: Case, interpreter: Interpreter, runs: dict[tuple[Interpreter, str], Run]) -> None:
    run = runs[interpreter, case.id]

    verdict, _ = judge(case, interpreter, run.outcome)

    assert verdict in (Verdict.AS_EXPECTED, Verdict.AS_KNOWN), _told(run)


def test_every_case_of_the_file_is_expected_to_come_to_something() -> None:
    assert {case.id for case in CASES} == {f"{machine}#{name}" for machine, name, _ in cases(read())}


def test_every_case_is_run_right_by_some_interpreter_here() -> None:
    for case in CASES:
        assert not all((interpreter, case.id) in DEVIATIONS for interpreter in HERE), case.id


def test_a_mark_is_refused_once_the_interpreter_is_mended() -> None:
    case = next(case for case in CASES if case.id == "strict#ThrottledThenOk")

    verdict, why = judge(case, Interpreter.LOCAL_STACK, case.outcome)

    assert verdict is Verdict.MENDED
    assert "take its mark" in why[0]


def _told(run: Run) -> str:
    console = Console(file=io.StringIO(), width=160)
    for part in explain(run):
        console.print(part)
    text = console.file
    assert isinstance(text, io.StringIO)
    return "\n" + text.getvalue()
