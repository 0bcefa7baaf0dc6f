"""The interpreter of the Amazon States Language. It runs the definition that is deployed, as AWS documents it."""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

from botocore.exceptions import ClientError

from tests.simulation.faults import Injector, Kind, StatesKind
from tests.simulation.scheduler import KilledError, Process, Scheduler, Task
from tests.simulation.services.dynamodb import DynamoDB
from tests.simulation.services.lambda_ import FunctionError, Lambda
from tests.simulation.services.paths import StatesError, fill, placed, resolve
from tests.simulation.services.s3 import S3
from tests.simulation.timeline import Timeline

EXPRESS_SECONDS: Final = 300.0
"""How long an Express execution may take.
https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html (2026-11)"""

_COMMON: Final = {"Comment", "Type", "Next", "End"}
_KNOWN: Final[Mapping[str, frozenset[str]]] = {
    "Task": frozenset(
        _COMMON | {"Resource", "Parameters", "ResultSelector", "ResultPath", "TimeoutSeconds", "Retry", "Catch"}
    ),
    "Pass": frozenset(_COMMON | {"Parameters", "Result", "ResultPath"}),
    "Choice": frozenset(_COMMON | {"Choices", "Default"}),
    "Wait": frozenset(_COMMON | {"Seconds"}),
    "Succeed": frozenset(_COMMON | {"OutputPath"}),
    "Fail": frozenset(_COMMON | {"Error", "Cause", "CausePath"}),
    "Map": frozenset(
        _COMMON
        | {
            "Label", "ItemReader", "ItemsPath", "ItemSelector", "MaxConcurrency", "ToleratedFailureCount",
            "ItemProcessor", "ResultWriter", "ResultSelector", "ResultPath", "Catch",
        }
    ),
}  # fmt: skip
_RETRIER: Final = frozenset(
    {"ErrorEquals", "IntervalSeconds", "BackoffRate", "MaxDelaySeconds", "MaxAttempts", "JitterStrategy"}
)
_CHOICE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "BooleanEquals": lambda value, expected: value is expected,
    "NumericGreaterThan": lambda value, expected: isinstance(value, int | float) and value > expected,
    "StringEquals": lambda value, expected: bool(value == expected),
}


def check_simulated(machine: Mapping[str, Any]) -> None:
    """Check that the interpreter knows everything that a definition says. Raise NotImplementedError for the rest."""
    for name, state in machine["States"].items():
        unknown = state.keys() - _KNOWN[state["Type"]]
        unknown |= {key for retrier in state.get("Retry", []) for key in retrier.keys() - _RETRIER}
        unknown |= {
            key for choice in state.get("Choices", []) for key in choice.keys() - {"Variable", "Next", *_CHOICE}
        }
        if unknown:
            raise NotImplementedError(f"{name}: {', '.join(sorted(unknown))} is not simulated")
        if "ItemProcessor" in state:
            check_simulated(state["ItemProcessor"])


@dataclass(eq=False)
class Run:
    """A run of a state machine: an execution, or a child of a Map.

    Attributes
    ----------
    children : processes of children that may run
    place : the state that it is in and its input, where a redrive begins
    done_children : the items that a Map has done, by the Map's name
    """

    process: Process
    context: Mapping[str, Any]
    children: list[Process] = field(default_factory=list)
    place: tuple[str, Any] = ("", None)
    done_children: dict[str, set[int]] = field(default_factory=dict)


@dataclass(eq=False)
class Interpreter:
    """Runs state machines on the simulated services.

    Attributes
    ----------
    transitions : how many states were entered, and children started, in executions that are not Express
    """

    scheduler: Scheduler
    injector: Injector
    chance: random.Random
    timeline: Timeline
    lambda_: Lambda
    dynamodb: DynamoDB
    s3: S3
    transitions: int = 0

    def run(self, machine: Mapping[str, Any], data: Any, run: Run, start: str = "") -> Any:
        """Run a state machine to its end, and return its output. Raise StatesError if it fails."""
        name = start or machine["StartAt"]
        while True:
            state = machine["States"][name]
            run.place = (name, data)
            if state["Type"] in {"Task", "Map", "Wait"}:
                self.timeline.add(run.process.name, f"enters {name}")
            if state["Type"] == "Succeed":
                return resolve(state.get("OutputPath", "$"), data, run.context)
            if state["Type"] == "Fail":
                cause = (
                    resolve(state["CausePath"], data, run.context) if "CausePath" in state else state.get("Cause", "")
                )
                raise StatesError(state["Error"], cause)
            if state["Type"] == "Choice":
                name = self._choose(state, data, run.context)
                continue
            data, name = self._with_errors(name, state, data, run)
            if not name:
                return data

    def _choose(self, state: Mapping[str, Any], data: Any, context: Mapping[str, Any]) -> str:
        for choice in state["Choices"]:
            [(comparison, expected)] = [(key, choice[key]) for key in _CHOICE if key in choice]
            if _CHOICE[comparison](resolve(choice["Variable"], data, context), expected):
                return str(choice["Next"])
        return str(state["Default"])

    def _with_errors(self, name: str, state: Mapping[str, Any], data: Any, run: Run) -> tuple[Any, str]:
        """Run a state with its Retry and Catch. Return its output and the next state; empty at the end."""
        retries: dict[int, int] = {}
        while True:
            try:
                result = self._result(name, state, data, run)
                break
            except StatesError as error:
                self.timeline.add(run.process.name, f"{name} fails: {error.name}: {error.cause[:120]}")
                if (seconds := self._delay(state, error, retries)) is not None:
                    self.scheduler.sleep(seconds)
                    continue
                for catcher in state.get("Catch", []):
                    if _matches(catcher["ErrorEquals"], error.name):
                        caught = {"Error": error.name, "Cause": error.cause}
                        return placed(catcher.get("ResultPath", "$"), data, caught), catcher["Next"]
                raise
        if "ResultSelector" in state:
            result = fill(state["ResultSelector"], result, run.context)
        return placed(state.get("ResultPath", "$"), data, result), state.get("Next", "")

    def _delay(self, state: Mapping[str, Any], error: StatesError, retries: dict[int, int]) -> float | None:
        """Return how long to wait before the next attempt; None if there is none."""
        for number, retrier in enumerate(state.get("Retry", [])):
            if not _matches(retrier["ErrorEquals"], error.name):
                continue
            done = retries.get(number, 0)
            if done >= retrier.get("MaxAttempts", 3):
                return None
            retries[number] = done + 1
            seconds = retrier.get("IntervalSeconds", 1) * retrier.get("BackoffRate", 2.0) ** done
            seconds = min(seconds, retrier.get("MaxDelaySeconds", seconds))
            return self.chance.uniform(0, seconds) if retrier.get("JitterStrategy") == "FULL" else float(seconds)
        return None

    def _result(self, name: str, state: Mapping[str, Any], data: Any, run: Run) -> Any:
        match state["Type"]:
            case "Pass":
                if "Parameters" in state:
                    return fill(state["Parameters"], data, run.context)
                return state.get("Result", data)
            case "Wait":
                self.scheduler.sleep(float(state["Seconds"]))
                return data
            case "Task":
                request = fill(state["Parameters"], data, run.context)
                if state["Resource"].endswith(":lambda:invoke"):
                    return self._invoke(request, float(state["TimeoutSeconds"]))
                if state["Resource"].endswith(":dynamodb:updateItem"):
                    return self._update(request, float(state["TimeoutSeconds"]))
                raise NotImplementedError(f"{state['Resource']} is not simulated")
            case _:
                if "ItemReader" in state:
                    return self._distributed(name, state, data, run)
                return self._inline(state, data, run)

    # ------------------------------------------------------------ tasks

    def _invoke(self, request: Mapping[str, Any], timeout: float) -> Any:
        scheduler, arn = self.scheduler, request["FunctionName"]
        payload = json.dumps(request["Payload"])
        fault = self._invocation_fault(arn)
        scheduler.sleep(self.chance.uniform(0.005, 0.05))
        if fault is StatesKind.THROTTLED:
            raise StatesError("Lambda.TooManyRequestsException", "Rate Exceeded.")
        if fault is StatesKind.BROKEN:
            raise StatesError("Lambda.ServiceException", "Service exception")
        try:
            invocation = self.lambda_.invoke(arn, payload, fault)
            if fault is StatesKind.UNANSWERED:
                scheduler.sleep(self.chance.uniform(0.0, 2.0))
                raise StatesError("Lambda.SdkClientException", "the connection was closed")
            if fault is StatesKind.TWICE:
                self.lambda_.invoke(arn, payload)
            if not scheduler.wait_any([invocation], timeout):
                raise StatesError("States.Timeout", "")
            return {"Payload": invocation.outcome(), "StatusCode": 200}
        except FunctionError as error:
            cause = {"errorMessage": error.message, "errorType": error.name}
            raise StatesError(error.name, json.dumps(cause)) from None

    def _invocation_fault(self, arn: str) -> StatesKind | None:
        fault = self.injector.of_invocation(self.lambda_.find(arn, "Invoke").role)
        storm = self.injector.of_call("states", "lambda", self.scheduler.now)
        return fault or _OF_STORM.get(storm or Kind.SLOW)

    def _update(self, request: Mapping[str, Any], timeout: float) -> Any:
        fault = self.injector.of_call("states", "dynamodb", self.scheduler.now)
        self.scheduler.sleep(self.chance.uniform(0.005, 0.05))
        if fault in {Kind.THROTTLED, Kind.UNREACHED}:
            raise StatesError("DynamoDB.ProvisionedThroughputExceededException")
        if fault is Kind.BROKEN:
            raise StatesError("DynamoDB.InternalServerError")
        try:
            answer = self.dynamodb.update(request)
        except ClientError as error:
            raise StatesError(f"DynamoDB.{error.response['Error']['Code']}") from None
        if fault is Kind.UNANSWERED:
            self.scheduler.sleep(timeout)
            raise StatesError("States.Timeout")
        return answer

    # ------------------------------------------------------------ maps

    def _inline(self, state: Mapping[str, Any], data: Any, run: Run) -> list[Any]:
        items = resolve(state.get("ItemsPath", "$"), data, run.context)
        machine = state["ItemProcessor"]

        def iterate(index: int, item: Any) -> Any:
            context = {**run.context, "Map": {"Item": {"Index": index, "Value": item}}}
            selected = fill(state["ItemSelector"], data, context)
            return self.run(machine, selected, Run(run.process, context))

        started: list[Task] = []
        for number, item in enumerate(items):
            self._wait_for_room(started, state.get("MaxConcurrency", 0))
            name = f"{run.process.name} [{number}]"
            started.append(self.scheduler.spawn(name, partial(iterate, number, item), run.process))
        self.scheduler.wait_all(started)
        return [task.outcome() for task in started]

    def _distributed(self, name: str, state: Mapping[str, Any], data: Any, run: Run) -> dict[str, Any]:
        where = fill(state["ItemReader"]["Parameters"], data, run.context)
        self.scheduler.sleep(self.chance.uniform(0.05, 0.5))
        try:
            items = json.loads(self.s3.find(where["Bucket"], where["Key"], "GetObject").content)
        except (ClientError, ValueError) as error:
            raise StatesError("States.ItemReaderFailed", str(error)) from None
        done = run.done_children.setdefault(name, set())
        tolerated = state.get("ToleratedFailureCount", 0)
        express = state["ItemProcessor"]["ProcessorConfig"]["ExecutionType"] == "EXPRESS"
        children: list[tuple[int, Task]] = []
        for number, item in enumerate(items):
            if number in done:
                continue
            self._wait_for_room([task for _, task in children], state.get("MaxConcurrency", 0))
            self._judge(children, done, tolerated, run)
            context = {**run.context, "Map": {"Item": {"Index": number, "Value": item}}}
            selected = fill(state["ItemSelector"], data, context)
            for _ in range(2 if express and self.injector.runs_child_twice() else 1):
                task = self._child(
                    f"{run.process.name}/{number}", state["ItemProcessor"], selected, run, express=express
                )
            children.append((number, task))
        pending = [task for _, task in children]
        while pending:
            self.scheduler.wait_any(pending)
            pending = [task for task in pending if not task.done]
            self._judge(children, done, tolerated, run)
        run.done_children.pop(name)
        return {}

    def _judge(self, children: Iterable[tuple[int, Task]], done: set[int], tolerated: int, run: Run) -> None:
        """Stop a Map as soon as more children have failed than are tolerated, as AWS does."""
        done.update(number for number, task in children if task.done and task.error is None)
        if sum(task.done and task.error is not None for _, task in children) > tolerated:
            self.stop(run)
            run.done_children.clear()
            raise StatesError("States.ExceedToleratedFailureThreshold", "more items failed than are tolerated")

    def _child(self, name: str, machine: Mapping[str, Any], data: Any, run: Run, *, express: bool) -> Task:
        self.transitions += 1
        process = Process(name, "states")
        run.children.append(process)
        context = {**run.context, "Execution": {"Name": name, "Id": name}}
        work = self.scheduler.spawn(
            name, lambda: self.run(machine, data, Run(process, context)), process, self.chance.uniform(0.0, 0.2)
        )

        def watched() -> Any:
            if not self.scheduler.wait_any([work], EXPRESS_SECONDS if express else None):
                self.scheduler.kill(process)
                raise StatesError("States.Timeout", "an Express execution may take five minutes")
            return work.outcome()

        return self.scheduler.spawn(f"{name} watched", watched, Process(name, "states"))

    def stop(self, run: Run) -> None:
        """Stop the children of a run. Invocations that they have made go on."""
        for process in run.children:
            self.scheduler.kill(process, KilledError(f"{process.name} was aborted"))

    def _wait_for_room(self, started: list[Task], most: int) -> None:
        while most and sum(not task.done for task in started) >= most:
            self.scheduler.wait_any([task for task in started if not task.done])


_OF_STORM: Final = {
    Kind.THROTTLED: StatesKind.THROTTLED,
    Kind.BROKEN: StatesKind.BROKEN,
    Kind.UNREACHED: StatesKind.BROKEN,
    Kind.UNANSWERED: StatesKind.UNANSWERED,
}


def _matches(names: Iterable[str], error: str) -> bool:
    """Tell whether a list of errors has this one. States.TaskFailed stands for all but a time-out."""
    return any(
        name in {error, "States.ALL"} or (name == "States.TaskFailed" and error != "States.Timeout") for name in names
    )
