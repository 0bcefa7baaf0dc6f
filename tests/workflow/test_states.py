"""Each state on its own, by the TestState API: on localstack, or on AWS with --aws."""

import pytest
from definition import EXAMPLE, render
from interpreters.state_cases import LOCALSTACK_DEVIATIONS, STATE_CASES, Seen, StateCase
from interpreters.state_tests import judge
from states import all_states


@pytest.mark.parametrize("case", STATE_CASES, ids=lambda case: case.name)
def test_state(case: StateCase, seen: dict[str, Seen], on_aws: bool) -> None:
    assert judge(case, seen[case.name], real=on_aws) == []


def test_every_state_has_a_case() -> None:
    assert {case.state for case in STATE_CASES} == {state.name for state in all_states(render(EXAMPLE))}


def test_every_mark_is_of_a_case() -> None:
    names = [case.name for case in STATE_CASES]
    assert len(names) == len(set(names))
    assert set(names) >= LOCALSTACK_DEVIATIONS.keys()
