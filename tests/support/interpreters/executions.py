"""Running a case on an interpreter, and reading from its history what became of it."""

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hundredfold.keys import manifest_key, partitions_key
from tests.support.interpreters.cases import MANIFESTS, TOLERANCES, Case, Interpreter, Outcome
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.projection import project
from tools.workflow.samples import WORK_BUCKET, group, partition

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

DEADLINE_SECONDS = 90
AT_ONCE = 8
"""Executions. Most of their time is waiting, but localstack, given more, takes seconds for a step and refuses some."""
ROLE = "arn:aws:iam::000000000000:role/hundredfold"
PROJECTED = frozenset({Interpreter.LOCALSTACK_INLINE, Interpreter.STEP_FUNCTIONS_LOCAL})
SHOWS_CHILDREN = PROJECTED
"""Interpreters in whose histories one sees which states a child enters."""
SHOWS_MOCKED_ATTEMPTS = PROJECTED
"""Interpreters in whose histories one sees every attempt at a mocked Task of a child."""

_ITERATION_ENDS = frozenset({"MapIterationSucceeded", "MapIterationFailed", "MapIterationAborted"})

Event = Mapping[str, Any]


@dataclass(frozen=True)
class Run:
    """One execution of a case that has ended."""

    case: Case
    interpreter: Interpreter
    outcome: Outcome
    events: Sequence[Event]


def definition_for(interpreter: Interpreter, tolerance: str = "0", text: str | None = None) -> dict[str, Any]:
    """Return the definition as this interpreter takes it: the real one, but for what it cannot run.

    All get one child and one batch at a time, so that mocked answers, which are numbered over all children, go to them
    in order. None waits as long as AWS would.
    localstack knows no EXPRESS children, and follows the paths of a ResultWriter in the children's results instead of
    in the state's input (tests/workflow/test_interpreters.py holds it to that): it gets STANDARD, and values.
    """
    express = interpreter is Interpreter.LOCAL_STACK
    substitutions = {
        **EXAMPLE,
        "GroupsAtOnce": "1",
        "GroupBatchesAtOnce": "1",
        "PartitionsAtOnce": "1",
        "ToleratedFailureCount": tolerance,
        "ChildExecutionType": "EXPRESS" if express else "STANDARD",
    }
    definition = with_short_waits(render(substitutions, text))
    if interpreter in PROJECTED:
        return project(definition)
    return definition if interpreter is Interpreter.LOCAL_STACK else with_written_out_result_writers(definition)


def with_short_waits(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the definition with one second for each Wait of its own states."""
    states = {
        name: {**state, "Seconds": 1} if state["Type"] == "Wait" else state
        for name, state in definition["States"].items()
    }
    return {**definition, "States": states}


def with_written_out_result_writers(definition: dict[str, Any]) -> dict[str, Any]:
    """Return the definition with values for the paths in its ResultWriters."""
    states = {
        name: {
            **state,
            "ResultWriter": {**state["ResultWriter"], "Parameters": {"Bucket": WORK_BUCKET, "Prefix": "map-run"}},
        }
        if "ResultWriter" in state
        else state
        for name, state in definition["States"].items()
    }
    return {**definition, "States": states}


class Runner:
    """Runs cases on one interpreter."""

    def __init__(
        self, interpreter: Interpreter, step_functions: "SFNClient", s3: "S3Client | None", text: str | None = None
    ) -> None:
        self._interpreter = interpreter
        self._client = step_functions
        self._machines = {}
        if s3 and interpreter not in PROJECTED:
            s3.create_bucket(Bucket=WORK_BUCKET)
            for ingest_id, groups in MANIFESTS.items():
                manifest = json.dumps(_groups(groups))
                s3.put_object(Bucket=WORK_BUCKET, Key=manifest_key(ingest_id), Body=manifest.encode())
                parts = json.dumps([partition(number) for number in range(sum(groups))])
                s3.put_object(Bucket=WORK_BUCKET, Key=partitions_key(ingest_id, ingest_id), Body=parts.encode())
        for name, tolerance in TOLERANCES.items():
            definition = json.dumps(definition_for(interpreter, tolerance, text))
            self._machines[name] = _created(step_functions, name, definition)

    def start(self, case: Case) -> str:
        """Start a case; returns its execution's ARN."""
        execution_input: dict[str, Any] = {"source": {"bucket": "source", "key": "records.jsonl"}}
        if self._interpreter in PROJECTED:
            execution_input["partitions"] = [partition(number) for number in range(case.parts)]
            execution_input["groups"] = _groups(case.groups)
        return self._client.start_execution(
            stateMachineArn=f"{self._machines[case.machine]}#{case.name}", input=json.dumps(execution_input)
        )["executionArn"]

    def run_case(self, case: Case) -> Run:
        """Run a case to its end; raises TimeoutError if that does not come."""
        execution = self.start(case)
        deadline = time.monotonic() + DEADLINE_SECONDS
        while (ended := self._client.describe_execution(executionArn=execution))["status"] == "RUNNING":
            if time.monotonic() > deadline:
                raise TimeoutError(f"{case.id} on {self._interpreter} did not end in {DEADLINE_SECONDS} s")
            time.sleep(0.2)
        events = self._history(execution)
        succeeded, failed = self._children(execution, events)
        return Run(
            case,
            self._interpreter,
            Outcome(
                status=ended["status"],
                path=_path(events),
                error=ended.get("error"),
                caught=_told(events),
                succeeded=succeeded,
                failed=failed,
                children=_child_paths(events) if self._interpreter in SHOWS_CHILDREN else None,
                attempts=_attempts(events) if self._interpreter in SHOWS_MOCKED_ATTEMPTS else None,
            ),
            events,
        )

    def run(self, cases: Sequence[Case]) -> list[Run]:
        """Run cases, some side by side."""
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(self.run_case, cases))

    def _history(self, execution: str) -> list[Event]:
        pages = self._client.get_paginator("get_execution_history").paginate(executionArn=execution)
        return [dict(event) for page in pages for event in page["events"]]

    def _children(self, execution: str, events: Sequence[Event]) -> tuple[int, int]:
        if self._interpreter in PROJECTED:
            ends = Counter(str(event["type"]) for event, depth in _with_depth(events) if depth == 1)
            return ends["MapIterationSucceeded"], ends["MapIterationFailed"]
        succeeded = failed = 0
        for run in self._client.list_map_runs(executionArn=execution)["mapRuns"]:
            counts = self._client.describe_map_run(mapRunArn=run["mapRunArn"])["itemCounts"]
            succeeded, failed = succeeded + counts["succeeded"], failed + counts["failed"]
        return succeeded, failed


def _created(client: "SFNClient", name: str, definition: str) -> str:
    """Create a state machine, or give the one of this name another definition."""
    try:
        return client.create_state_machine(name=name, definition=definition, roleArn=ROLE)["stateMachineArn"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "StateMachineAlreadyExists":
            raise
    for page in client.get_paginator("list_state_machines").paginate():
        for machine in page["stateMachines"]:
            if machine["name"] == name:
                client.update_state_machine(stateMachineArn=machine["stateMachineArn"], definition=definition)
                return machine["stateMachineArn"]
    raise LookupError(name)


def _entered(event: Event) -> str | None:
    return event["stateEnteredEventDetails"]["name"] if "stateEnteredEventDetails" in event else None


def _groups(groups: Sequence[int]) -> list[dict[str, Any]]:
    """Return a manifest of groups of so many batches each."""
    return [group(sum(groups[:number]), batches) for number, batches in enumerate(groups)]


def _with_depth(events: Sequence[Event]) -> Iterator[tuple[Event, int]]:
    """Yield each event with how many iterations of Maps it lies in, those that it begins or ends included.

    Iterations run one after the other. Those of a Map inside another lie in one of the outer Map's.
    """
    depth = 0
    for event in events:
        kind = str(event["type"])
        depth += kind == "MapIterationStarted"
        yield event, depth
        depth -= kind in _ITERATION_ENDS


def _path(events: Sequence[Event]) -> tuple[str, ...]:
    """Return the states entered outside of a Map's iterations."""
    return tuple(name for event, depth in _with_depth(events) if not depth and (name := _entered(event)))


def _child_paths(events: Sequence[Event]) -> tuple[tuple[str, ...], ...]:
    """Return the states that each iteration of an outermost Map entered, with those of the Maps inside."""
    paths: list[list[str]] = []
    for event, depth in _with_depth(events):
        if depth == 1 and event["type"] == "MapIterationStarted":
            paths.append([])
        if depth and (name := _entered(event)):
            paths[-1].append(name)
    return tuple(tuple(path) for path in paths)


def _attempts(events: Sequence[Event]) -> dict[str, int]:
    """Count how often each Task was scheduled: a retry is scheduled again in the state entered last."""
    attempts: Counter[str] = Counter()
    name = None
    for event in events:
        name = _entered(event) or name
        if event["type"] in ("TaskScheduled", "LambdaFunctionScheduled") and name:
            attempts[name] += 1
    return dict(attempts)


def _told(events: Sequence[Event]) -> str | None:
    """Return the error in what SummarizeIngest was given."""
    for event in events:
        if _entered(event) == "SummarizeIngest":
            given = json.loads(event["stateEnteredEventDetails"]["input"])
            error: str | None = given.get("failure", {}).get("Error")
            return error
    return None
