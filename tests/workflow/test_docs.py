"""The examples of docs/testing.md do what the page says, and its list of known faults is whole."""

import copy
import json
import re
from dataclasses import replace
from typing import Any

import pytest

from hundredfold_cli.stack.checkout import ROOT
from tests.support.interpreters import state_cases
from tests.support.interpreters.cases import DEVIATIONS, Interpreter
from tests.support.interpreters.mutations import MUTATIONS, Mutation
from tests.support.interpreters.processes import clients
from tests.support.interpreters.state_cases import LOCALSTACK_DEVIATIONS, STATE_CASES, StateCase
from tests.support.interpreters.state_tests import StateTester, judge
from tools.workflow import dataflow, samples
from tools.workflow.checks import CHECKS, Workflow, problems
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.mocks import cases, read
from tools.workflow.mocks import problems as mock_problems

PAGE = (ROOT / "docs/testing.md").read_text()
WORKFLOW = Workflow.read()


def example(name: str) -> str:
    found = re.search(rf"<!-- example: {name} -->\n```\w+\n(.*?)\n```", PAGE, re.DOTALL)
    assert found, f"docs/testing.md has no example {name}"
    return found[1]


@pytest.fixture
def workflow() -> Workflow:
    """The workflow with the example's state between HasBatches? and InferBatches."""
    state = example("state").removeprefix("{\n").removesuffix("\n}")
    text = WORKFLOW.definition_text.replace('"Next": "InferBatches"}]', '"Next": "MarkStarted"}]')
    assert text != WORKFLOW.definition_text
    return Workflow(
        text.replace('    "InferBatches": {', f'{state},\n    "InferBatches": {{', 1), WORKFLOW.template_text
    )


def with_sample(of: dataflow.Samples) -> dataflow.Samples:
    return replace(of, results={**of.results, **eval(example("sample"))})  # noqa: S307 - our own page


def test_the_example_state_lacks_its_sample_at_first(workflow: Workflow) -> None:
    assert problems(workflow)["paths"][0] == "MarkStarted: there is no sample of what it returns"


def test_the_example_state_passes_all_checks_with_it(workflow: Workflow, monkeypatch: pytest.MonkeyPatch) -> None:
    typical = with_sample(samples.typical())
    largest = with_sample(samples.largest(50_000, workflow.most_group_batches))
    monkeypatch.setattr(samples, "typical", lambda: typical)
    monkeypatch.setattr(samples, "largest", lambda *_: largest)

    assert problems(workflow) == {}


def test_the_example_cases_are_what_test_state_says(workflow: Workflow, interpreters: dict[Interpreter, str]) -> None:
    step_functions, _ = clients(interpreters[Interpreter.LOCALSTACK])
    tester = StateTester(step_functions, text=workflow.definition_text)
    shown: list[StateCase] = eval(example("state cases"), dict(vars(state_cases)))  # noqa: S307 - our own page

    assert len(shown) == 1
    for case in shown:
        assert judge(case, tester.see(case)) == []


def test_the_example_response_could_be_given(workflow: Workflow) -> None:
    config: dict[str, Any] = copy.deepcopy(read())
    config["MockedResponses"].update(json.loads(example("response")))
    config["StateMachines"]["strict"]["TestCases"]["HappyPath"]["MarkStarted"] = "Started"

    assert list(mock_problems(config, render(EXAMPLE, workflow.definition_text))) == []


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.what)
def test_every_mutation_still_finds_what_it_is_to_break(mutation: Mutation) -> None:
    """`make mutations` does the rest."""
    assert mutation.apply(WORKFLOW) != WORKFLOW


def test_every_known_fault_is_listed() -> None:
    whys = {why for deviation in DEVIATIONS.values() for why in deviation.why.split("; and ")}
    whys |= {deviation.why for deviation in LOCALSTACK_DEVIATIONS.values()}

    for why in whys:
        assert why in PAGE, why


def test_the_numbers_are_right() -> None:
    page = " ".join(PAGE.split())  # wherever its lines end
    assert f"each of {len(list(cases(read())))} cases" in page
    assert f"come out: {len(STATE_CASES)} cases" in page
    assert f"breaks the workflow in {len(MUTATIONS)} ways" in page
    assert "`tools/workflow/checks.py` holds twelve checks" in page
    assert len(CHECKS) == 12
    walk = dataflow.walk(WORKFLOW.definition, samples.largest(10_000_000, WORKFLOW.most_group_batches))
    assert f"comes to {max(walk.largest().values()) / 1_000:.0f} KB of 262" in page
