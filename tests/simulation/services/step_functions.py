"""Step Functions: executions of one state machine, and a client with the methods of boto3's that our code calls."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from tests.simulation.scheduler import EPOCH, KilledError, Process, Task
from tests.simulation.services.calls import Calls, refusal
from tests.simulation.services.paths import StatesError
from tests.simulation.services.s3 import utc
from tests.simulation.services.states import Interpreter, Run


@dataclass(eq=False)
class Execution:
    """An execution.

    Attributes
    ----------
    visible : from which moment DescribeExecution shows it; it is eventually consistent
    """

    name: str
    input: str
    started: datetime
    visible: float
    run: Run
    status: str = "RUNNING"
    stopped: datetime | None = None
    output: Any = None
    error: str = ""
    cause: str = ""

    def description(self, machine: str) -> dict[str, Any]:
        """Return what DescribeExecution says."""
        answer: dict[str, Any] = {
            "executionArn": f"{machine.replace(':stateMachine:', ':execution:')}:{self.name}",
            "stateMachineArn": machine,
            "name": self.name,
            "status": self.status,
            "startDate": self.started,
            "input": self.input,
        }
        if self.stopped:
            answer["stopDate"] = self.stopped
        if self.status == "SUCCEEDED":
            answer["output"] = json.dumps(self.output)
        if self.error:
            answer |= {"error": self.error, "cause": self.cause}
        return answer


class StepFunctions:
    """The service, with one state machine.

    Attributes
    ----------
    visible_after : returns how many seconds after its start an execution can be seen
    """

    def __init__(self, machine: str, definition: Mapping[str, Any], interpreter: Interpreter) -> None:
        self.machine = machine
        self.definition = definition
        self.executions: dict[str, Execution] = {}
        self.visible_after: Callable[[], float] = lambda: 0.0
        self._interpreter = interpreter
        self._scheduler = interpreter.scheduler

    def start(self, name: str, text: str) -> dict[str, Any]:
        """Start an execution. For name and input of a running one, return that one.

        https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (2026-11)
        """
        earlier = self.executions.get(name)
        if earlier and earlier.status == "RUNNING" and earlier.input == text:
            return earlier.description(self.machine)
        if earlier:
            raise refusal("ExecutionAlreadyExists", "StartExecution")
        started = utc(round(self._scheduler.now + EPOCH, 3))
        context = {
            "Execution": {
                "Name": name,
                "Id": f"{self.machine.replace(':stateMachine:', ':execution:')}:{name}",
                "StartTime": started.strftime("%Y-%m-%dT%H:%M:%S.") + f"{started.microsecond // 1000:03d}Z",
                "Input": json.loads(text),
            }
        }
        run = Run(Process(f"execution {name}", "states"), context)
        execution = Execution(name, text, started, self._scheduler.now + self.visible_after(), run)
        self.executions[name] = execution
        self._begin(execution, "", json.loads(text))
        return execution.description(self.machine)

    def stop(self, name: str) -> None:
        """Stop an execution and its children. Invocations that they have made go on."""
        execution = self.find(name, "StopExecution")
        if execution.status != "RUNNING":
            return
        self._end(execution, "ABORTED")
        self._interpreter.stop(execution.run)
        self._scheduler.kill(execution.run.process, KilledError(f"{name} was stopped"))

    def redrive(self, name: str) -> None:
        """Continue an execution in the state where it ended without success."""
        execution = self.find(name, "RedriveExecution")
        if execution.status not in {"ABORTED", "FAILED"}:
            raise refusal("ExecutionNotRedrivable", "RedriveExecution")
        state, data = execution.run.place
        before = execution.run
        execution.run = Run(Process(before.process.name, "states"), before.context, done_children=before.done_children)
        execution.status, execution.stopped, execution.error, execution.cause = "RUNNING", None, "", ""
        self._begin(execution, state, data)

    def find(self, name: str, operation: str) -> Execution:
        execution = self.executions.get(name)
        if execution is None or execution.visible > self._scheduler.now:
            raise refusal("ExecutionDoesNotExist", operation)
        return execution

    def _begin(self, execution: Execution, state: str, data: Any) -> Task:
        run = execution.run

        def work() -> None:
            try:
                output = self._interpreter.run(self.definition, data, run, state)
            except StatesError as error:
                if execution.run is run and execution.status == "RUNNING":
                    execution.error, execution.cause = error.name, error.cause
                    self._end(execution, "FAILED")
            else:
                execution.output = output
                self._end(execution, "SUCCEEDED")

        return self._scheduler.spawn(run.process.name, work, run.process)

    def _end(self, execution: Execution, status: str) -> None:
        execution.status = status
        execution.stopped = utc(round(self._scheduler.now + EPOCH, 3))
        self._interpreter.timeline.add(execution.run.process.name, f"is {status} {execution.error} {execution.cause}")


class StepFunctionsClient:
    """What boto3 gives as a client of Step Functions."""

    def __init__(self, service: StepFunctions, calls: Calls) -> None:
        self._service = service
        self._calls = calls

    def start_execution(self, *, stateMachineArn: str, name: str, input: str) -> Any:  # noqa: A002, N803 - boto3's name
        assert stateMachineArn == self._service.machine
        return self._call("StartExecution", lambda: self._service.start(name, input), name)

    def stop_execution(self, *, executionArn: str) -> Any:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        return self._call("StopExecution", lambda: self._service.stop(name), name)

    def redrive_execution(self, *, executionArn: str) -> Any:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        return self._call("RedriveExecution", lambda: self._service.redrive(name), name)

    def describe_execution(self, *, executionArn: str) -> Any:  # noqa: N803
        name = executionArn.rpartition(":")[2]
        machine = self._service.machine

        def apply() -> Any:
            return self._service.find(name, "DescribeExecution").description(machine)

        return self._call("DescribeExecution", apply, name)

    def list_executions(self, *, stateMachineArn: str, maxResults: int = 100, statusFilter: str = "") -> Any:  # noqa: N803
        assert stateMachineArn == self._service.machine

        def apply() -> Any:
            chosen = [
                execution.description(self._service.machine)
                for execution in reversed(self._service.executions.values())
                if not statusFilter or execution.status == statusFilter
            ]
            return {"executions": chosen[:maxResults]}

        return self._call("ListExecutions", apply, statusFilter)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_executions"

        def paginate(**request: Any) -> Iterator[Any]:
            yield self.list_executions(maxResults=1_000_000, **request)

        return SimpleNamespace(paginate=paginate)

    def _call[T](self, operation: str, apply: Callable[[], T], about: object) -> T:
        return self._calls.call("stepfunctions", operation, apply, about)
