"""Each state on its own, by the TestState API: on localstack, or on AWS with --aws."""

import json
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.support.interpreters.state_cases import LOCALSTACK_DEVIATIONS, STATE_CASES, Seen, StateCase
from tests.support.interpreters.state_tests import StateTester, judge
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.states import all_states

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


@pytest.mark.parametrize("case", STATE_CASES, ids=lambda case: case.name)
def test_state(case: StateCase, seen: dict[str, Seen], on_aws: bool) -> None:
    assert judge(case, seen[case.name], real=on_aws) == []


class FakeAws:
    """Answers TestState as a state that succeeded, and keeps when it was asked what."""

    def __init__(self) -> None:
        self.now = 100.0
        self.calls: list[tuple[float, dict[str, Any]]] = []

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def test_state(self, **request: Any) -> dict[str, Any]:
        self.calls.append((self.now, request))
        self.now += 0.03
        return {"status": "SUCCEEDED", "nextState": "HasBatches?"}


def test_aws_gets_the_definition_as_it_is_and_at_most_ten_calls_a_second() -> None:
    aws = FakeAws()
    tester = StateTester(cast("SFNClient", aws), real=True, clock=lambda: aws.now, sleep=aws.sleep)

    for case in STATE_CASES[:25]:
        assert tester.see(case).status == "SUCCEEDED"

    times = [time for time, _ in aws.calls]
    assert len(times) == 25
    for tenth_before, time in zip(times, times[10:], strict=False):
        assert time - tenth_before > 1
    assert json.loads(aws.calls[0][1]["definition"]) == render(EXAMPLE)


def test_every_state_has_a_case() -> None:
    assert {case.state for case in STATE_CASES} == {state.name for state in all_states(render(EXAMPLE))}


def test_every_mark_is_of_a_case() -> None:
    names = [case.name for case in STATE_CASES]
    assert len(names) == len(set(names))
    assert set(names) >= LOCALSTACK_DEVIATIONS.keys()
