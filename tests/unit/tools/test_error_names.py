"""What the state machine's definition and the domain must agree on."""

from collections.abc import Iterator
from typing import Any

import pytest

from hundredfold import errors
from hundredfold.errors import HundredfoldError
from tools.workflow.definition import EXAMPLE, render


@pytest.fixture(scope="module")
def states() -> dict[str, Any]:
    """All states by name, those of the Map's children among them."""
    return dict(_all_states(render(EXAMPLE)))


def _all_states(machine: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, state in machine["States"].items():
        yield name, state
        if "ItemProcessor" in state:
            yield from _all_states(state["ItemProcessor"])


def retried(state: dict[str, Any]) -> set[str]:
    return {error for retrier in state.get("Retry", []) for error in retrier["ErrorEquals"]}


def our_errors() -> dict[str, type[HundredfoldError]]:
    found = [thing for thing in vars(errors).values() if isinstance(thing, type)]
    return {error.__name__: error for error in found if issubclass(error, HundredfoldError)}


def test_a_batch_is_tried_again_after_each_error_that_this_can_help_with(states: dict[str, Any]) -> None:
    retryable = {name for name, error in our_errors().items() if error.retryable}

    assert retryable == {"OutOfTimeError", "StoreBusyError"}
    assert retryable <= retried(states["InferBatch"])


@pytest.mark.parametrize("name", ["PlanIngest", "SummarizeIngest"])
def test_planning_and_summing_up_are_tried_again_if_a_store_was_busy(states: dict[str, Any], name: str) -> None:
    assert "StoreBusyError" in retried(states[name])


def test_a_batch_is_tried_again_while_lambda_prepares_or_restores_the_version(states: dict[str, Any]) -> None:
    # https://docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshooting.html (2026-11)
    assert {"Lambda.SnapStartNotReadyException", "Lambda.SnapStartTimeoutException"} < retried(states["InferBatch"])


def test_a_function_that_was_out_of_memory_is_tried_again_under_each_name_that_this_has(states: dict[str, Any]) -> None:
    functions = [state for state in states.values() if str(state.get("Resource", "")).endswith(":lambda:invoke")]

    assert len(functions) == 5
    for state in functions:
        assert {"Runtime.ExitError", "Runtime.OutOfMemory"} < retried(state)


def test_nothing_is_tried_again_after_an_error_that_this_cannot_help_with(states: dict[str, Any]) -> None:
    hopeless = {name for name, error in our_errors().items() if not error.retryable}

    for name, state in states.items():
        assert not retried(state) & hopeless, name
        assert "States.ALL" not in retried(state), name
        assert "States.TaskFailed" not in retried(state), name


def test_all_attempts_at_a_batch_end_within_the_five_minutes_of_an_express_execution(states: dict[str, Any]) -> None:
    seconds = 0.0
    for name in ("InferBatch", "RecordBatchFailure"):
        state = states[name]
        seconds += state["TimeoutSeconds"]
        for retrier in state["Retry"]:
            for attempt in range(retrier["MaxAttempts"]):
                wait = retrier["IntervalSeconds"] * retrier["BackoffRate"] ** attempt
                seconds += min(wait, retrier["MaxDelaySeconds"]) + state["TimeoutSeconds"]

    assert seconds < 300
