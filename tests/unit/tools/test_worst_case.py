"""However the attempts at a batch end: its child ends before the 5 minutes of an Express execution."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tools.workflow.definition import EXAMPLE, render

EXPRESS_SECONDS = 300
CHILD = render(EXAMPLE)["States"]["InferBatches"]["ItemProcessor"]["States"]
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
    assert run(CHILD["InferBatch"], draw) + run(CHILD["RecordBatchFailure"], draw) < EXPRESS_SECONDS


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
