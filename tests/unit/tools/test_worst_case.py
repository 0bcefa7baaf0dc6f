"""However the attempts at its batches end: a child ends before the 5 minutes of an Express execution."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tools.workflow.definition import EXAMPLE, render
from tools.workflow.states import machines
from tools.workflow.worst_case import MapTime, WorstCase

EXPRESS_SECONDS = 300
DEFINITION = render(EXAMPLE)
GROUP = DEFINITION["States"]["InferBatches"]["ItemProcessor"]["States"]["InferGroup"]
CHILD = GROUP["ItemProcessor"]["States"]
ERRORS = [error for state in CHILD.values() for retrier in state.get("Retry", []) for error in retrier["ErrorEquals"]]


def run(state: dict[str, Any], draw: st.DataObject) -> float:
    """Run a state as Step Functions does, with errors, durations and jitter as they are drawn; return its seconds."""
    seconds = 0.0
    retries = [0] * len(state["Retry"])  # each retrier counts for itself
    while True:
        seconds += draw.draw(st.floats(0, state["TimeoutSeconds"]))
        error = draw.draw(st.sampled_from([*ERRORS, "SomethingElse"]))
        matching = [number for number, retrier in enumerate(state["Retry"]) if error in retrier["ErrorEquals"]]
        if not matching or retries[matching[0]] == state["Retry"][matching[0]]["MaxAttempts"]:
            return seconds
        retrier = state["Retry"][matching[0]]
        longest = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** retries[matching[0]]
        seconds += draw.draw(st.floats(0, min(longest, retrier["MaxDelaySeconds"])))
        retries[matching[0]] += 1


@given(st.data())
def test_a_child_ends_in_time(draw: st.DataObject) -> None:
    """All batches of its group run at once, so that the slowest of them decides."""
    assert GROUP["MaxConcurrency"] == 40
    assert run(CHILD["InferBatch"], draw) + run(CHILD["RecordBatchFailure"], draw) < EXPRESS_SECONDS


@pytest.mark.parametrize(
    ("batches", "at_once", "rounds"),
    [(1, 40, 1), (25, 40, 1), (40, 40, 1), (41, 40, 2), (25, 8, 4), (25, 2, 13), (80, 0, 2), (80, 100, 2)],
)
def test_an_inline_map_takes_as_many_rounds_as_its_concurrency_leaves(batches: int, at_once: int, rounds: int) -> None:
    definition = render({**EXAMPLE, "GroupBatchesAtOnce": str(at_once)})
    worst = WorstCase(machines(definition), {"InferGroup": batches})
    [child] = [machine for machine in machines(definition) if machine.express]

    [group] = worst.slowest_way(child)

    assert isinstance(group, MapTime)
    assert (group.name, group.rounds) == ("InferGroup", rounds)
    assert [step.name for step in group.way] == ["InferBatch", "RecordBatchFailure"]
    assert worst.seconds(child) == 263 * rounds


def test_the_worst_case_is_the_one_in_the_documentation() -> None:
    # 9 attempts of 22 s, waits of 1+2+4+8+10 and 1+3+9; 4 attempts of 5 s, waits of 1+2+4
    worst = 0.0
    for name in ("InferBatch", "RecordBatchFailure"):
        state = CHILD[name]
        worst += state["TimeoutSeconds"]
        for retrier in state["Retry"]:
            waits = [
                min(retrier["IntervalSeconds"] * retrier["BackoffRate"] ** retry, retrier["MaxDelaySeconds"])
                for retry in range(retrier["MaxAttempts"])
            ]
            worst += sum(waits) + state["TimeoutSeconds"] * retrier["MaxAttempts"]

    assert worst == 263
