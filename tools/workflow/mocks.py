"""MockConfigFile.json: the answers that the workflow's cases are run with, and whether AWS could give them.

The format is AWS's: https://docs.aws.amazon.com/step-functions/latest/dg/sfn-local-mock-cfg-file.html (read
2026-11-24). Interpreters take any answer; this holds each to the service's model in botocore, what a function answers
to the class that the function makes it from, and each error to those that the state can meet.
"""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import botocore.session

from hundredfold.ingest import PartitionedPlan, Plan
from hundredfold.planning.partitions import PlannedPartition
from hundredfold.summary import Status, Summary
from tools.workflow import error_names
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.states import State, all_states

MOCKS = Path(__file__).resolve().parents[2] / "workflows/MockConfigFile.json"

# Step Functions hands on what the SDK for Java returns, which has these too.
SDK_FIELDS = frozenset({"SdkHttpMetadata", "SdkResponseMetadata"})

PYTHON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "structure": dict, "map": dict, "list": list,
    "string": str, "integer": int, "long": int, "boolean": bool, "double": (int, float), "float": (int, float),
}  # fmt: skip


def read() -> dict[str, Any]:
    config: dict[str, Any] = json.loads(MOCKS.read_text())
    return config


def cases(config: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """Yield each case: its state machine's name, its own name, and which responses its states are mocked with."""
    for machine, content in config["StateMachines"].items():
        for case, mocked in content["TestCases"].items():
            yield machine, case, mocked


def problems(config: Mapping[str, Any], definition: Mapping[str, Any]) -> Iterator[str]:
    """Say what is wrong with a mock configuration for this definition, one line for each thing."""
    states = {state.name: state for state in all_states(definition)}
    used: set[str] = set()
    for machine, case, mocked in cases(config):
        for name, response in mocked.items():
            where = f"{machine}#{case}: {name}"
            used.add(response)
            if name not in states or states[name].type != "Task":
                yield f"{where} is no Task of the definition"
            elif response not in config["MockedResponses"]:
                yield f"{where} has the response {response}, which is not there"
            else:
                for problem in _response(states[name], config["MockedResponses"][response]):
                    yield f"{where}, {response}: {problem}"
    for response in config["MockedResponses"].keys() - used:
        yield f"the response {response} is used in no case"


def _response(state: State, steps: Mapping[str, Any]) -> Iterator[str]:
    following = 0
    for span, step in steps.items():
        first, _, last = span.partition("-")
        if not first.isdecimal() or not (last or first).isdecimal() or int(last or first) < int(first):
            yield f"{span!r} is neither a number nor a range of numbers"
            continue
        if int(first) != following:
            yield f"{span} should begin at {following}: attempts are numbered without a gap"
        following = int(last or first) + 1
        match step:
            case {"Return": answer, **rest} if not rest:
                yield from (f"{span}: {problem}" for problem in answer_problems(state, answer))
            case {"Throw": {"Error": str(error), "Cause": str(), **more}, **rest} if not rest and not more:
                if error not in error_names.possible(state):
                    yield f"{span}: {error} is no error that {state.name} can meet"
            case _:
                yield f"{span} must have either Return, or Throw with Error and Cause"


def answer_problems(state: State, answer: Any) -> Iterator[str]:
    """Say why AWS could not answer this to a Task, one line for each thing."""
    service, action = error_names.integration(state)
    model = botocore.session.get_session().get_service_model(error_names.SERVICES[service][0])
    shape = model.operation_model(action[0].upper() + action[1:]).output_shape
    if isinstance(answer, dict):
        answer = {name: value for name, value in answer.items() if name not in SDK_FIELDS}
    yield from _shape_problems(shape, answer, action)
    if service == "lambda" and isinstance(answer, dict):
        if answer.get("StatusCode") != 200:
            yield "StatusCode must be 200: a call that waits for its answer has no other"
        if state.name not in FUNCTIONS:
            yield f"tools/workflow/mocks.py does not say what {state.name}'s function answers"
            return
        try:
            FUNCTIONS[state.name](answer.get("Payload"))
        except (KeyError, TypeError, ValueError) as error:
            yield f"the function of {state.name} could not answer this: {error}"


def _shape_problems(shape: Any, value: Any, where: str) -> Iterator[str]:
    if shape.type_name == "blob":
        return  # a function's answer, which Step Functions has parsed already
    wanted = PYTHON_TYPES[shape.type_name]
    if not isinstance(value, wanted) or (isinstance(value, bool) and wanted is not bool):
        yield f"{where} must be of type {shape.type_name}"
        return
    for name, inner_shape, inner in _parts(shape, value):
        if inner_shape is None:
            yield f"{where} has no field {name}"
        else:
            yield from _shape_problems(inner_shape, inner, f"{where}.{name}")


def _parts(shape: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield name, shape and value of each part of a value; the shape is None where the model has none."""
    match shape.type_name:
        case "structure":
            yield from ((name, shape.members.get(name), inner) for name, inner in value.items())
        case "map":
            yield from ((name, shape.value, inner) for name, inner in value.items())
        case "list":
            yield from ((str(number), shape.member, inner) for number, inner in enumerate(value))


def _is_plan(payload: Any) -> None:
    if (again := Plan.from_dict(payload).as_dict()) != payload:
        raise ValueError(f"it has {sorted(payload.keys() ^ again.keys())} more or less than a plan")


def _is_plan_of_any_kind(payload: Any) -> None:
    if not payload["needs_partitioning"]:
        _is_plan(payload)
    elif (again := PartitionedPlan.from_dict(payload).as_dict()) != payload:
        raise ValueError(f"it has {sorted(payload.keys() ^ again.keys())} more or less than a partitioned plan")


def _is_planned_partition(payload: Any) -> None:
    PlannedPartition(**payload)


def _is_outcome(payload: Any) -> None:
    if payload.keys() != {"predicted", "rejected"} or not all(isinstance(count, int) for count in payload.values()):
        raise ValueError("it must have two counts, predicted and rejected")


def _is_summary(payload: Any) -> None:
    summary = Summary(**payload)
    if Status(summary.status) is Status.RUNNING or (summary.cause is None) != (summary.status == Status.COMPLETED):
        raise ValueError("a summary is COMPLETED without a cause, or FAILED with one")
    if summary.records != summary.predicted + summary.rejected + summary.failed:
        raise ValueError("its records must be predicted + rejected + failed")
    if sum(summary.failures.values()) != summary.batches_failed:
        raise ValueError("its failures must add up to batches_failed")


FUNCTIONS: Mapping[str, Callable[[Any], None]] = {
    "PlanIngest": _is_plan_of_any_kind,
    "PlanPartition": _is_planned_partition,
    "JoinPartitions": _is_plan,
    "InferBatch": _is_outcome,
    "SummarizeIngest": _is_summary,
}
"""For each Task that calls a function of ours: what raises if the function could not have answered this."""


def main() -> None:
    found = list(problems(read(), render(EXAMPLE)))
    for line in found:
        sys.stderr.write(f"{MOCKS.name}: {line}\n")
    if found:
        raise SystemExit(1)
    sys.stdout.write(f"{len(list(cases(read())))} cases in {MOCKS.name}: AWS could give every answer of theirs\n")


if __name__ == "__main__":
    main()
