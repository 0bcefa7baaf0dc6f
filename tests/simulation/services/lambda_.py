"""Lambda: functions, their versions and aliases, and environments that run our own handlers."""

import io
import json
import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from types import CodeType, SimpleNamespace
from typing import Any, Final
from unittest.mock import patch

from tests.simulation.faults import StatesKind
from tests.simulation.scheduler import KilledError, Process, Scheduler, Task
from tests.simulation.services.calls import Calls, refusal
from tests.simulation.substitutes import substitute
from tests.simulation.timeline import Timeline

ACCOUNT: Final = "arn:aws:lambda:us-east-1:000000000000"
LATEST: Final = "$LATEST"
_FUNCTIONS: Final = Path(__file__).resolve().parents[3] / "functions"


class FunctionError(Exception):
    """How an invocation failed, under the name that Step Functions sees."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message


replaced_handlers: dict[str, str] = {}
"""Source of handlers that runs in place of their files: that of planted bugs."""


@cache
def _code(handler: str) -> CodeType:
    return _compiled(handler, (_FUNCTIONS / handler / "handler.py").read_text())


def _compiled(handler: str, text: str) -> CodeType:
    return compile(text, str(_FUNCTIONS / handler / "handler.py"), "exec")


@dataclass(eq=False)
class Environment:
    """One environment of a function: a process that has loaded our handler."""

    process: Process
    handler: Callable[[dict[str, Any], Any], Any]


@dataclass
class Function:
    """A function.

    Attributes
    ----------
    role : of its processes
    handler : the folder of its handler
    timeout : seconds
    configurations : by version; that of `$LATEST` can change
    idle : environments that run nothing, by version
    """

    name: str
    role: str
    handler: str
    timeout: float
    configurations: dict[str, dict[str, Any]]
    aliases: dict[str, dict[str, Any]] = field(default_factory=dict)
    idle: dict[str, list[Environment]] = field(default_factory=dict)
    next_version: int = 1

    @property
    def arn(self) -> str:
        return f"{ACCOUNT}:function:{self.name}"


class Lambda:
    """The service.

    Attributes
    ----------
    problems : errors of handlers that our code does not raise on purpose
    layers : the models of layer versions, by ARN
    skew : how far the clock of an environment may be off, in seconds
    invocations : how many handlers were called, by role
    """

    def __init__(self, scheduler: Scheduler, chance: random.Random, timeline: Timeline) -> None:
        self.functions: dict[str, Function] = {}
        self.layers: dict[str, Any] = {}
        self.problems: list[str] = []
        self.skew = 0.0
        self.invocations: dict[str, int] = {}
        self._scheduler = scheduler
        self._chance = chance
        self._timeline = timeline
        self._starting: Mapping[str, Any] = {}
        self._number = 0

    def find(self, arn_or_name: str, operation: str) -> Function:
        name = arn_or_name.removeprefix(f"{ACCOUNT}:function:").partition(":")[0]
        if name not in self.functions:
            raise refusal("ResourceNotFoundException", operation, 404)
        return self.functions[name]

    def configuration(self, name: str, qualifier: str, operation: str) -> dict[str, Any]:
        function = self.find(name, operation)
        if qualifier not in function.configurations:
            raise refusal("ResourceNotFoundException", operation, 404)
        return function.configurations[qualifier]

    def model_of(self, configuration: Mapping[str, Any]) -> Any:
        """Return the model in the layers of a version."""
        arns = (layer["Arn"] for layer in configuration["Layers"])
        return next((self.layers[arn] for arn in arns if arn in self.layers), None)

    def starting_model(self) -> Any:
        """Return the model of the environment that is just starting."""
        return self.model_of(self._starting)

    def invoke(self, arn: str, payload: str, fault: StatesKind | None = None) -> Task:
        """Invoke a version of a function. The task that is returned ends with the answer, or a FunctionError."""
        function = self.find(arn, "Invoke")
        version = arn.removeprefix(function.arn).lstrip(":") or LATEST
        if version in function.aliases:
            version = function.aliases[version]["FunctionVersion"]
        if version not in function.configurations:
            raise FunctionError("Lambda.ResourceNotFoundException", f"no version {version}")
        service = Process(f"lambda {function.name}", "lambda")
        return self._scheduler.spawn(
            f"invocation of {function.name}:{version}", lambda: self._run(function, version, payload, fault), service
        )

    def _run(self, function: Function, version: str, payload: str, fault: StatesKind | None) -> Any:
        idle = function.idle.setdefault(version, [])
        environment = idle.pop(self._chance.randrange(len(idle))) if idle else self._start(function, version)
        if fault is StatesKind.CRASHED:
            self._scheduler.kill(environment.process)
            raise FunctionError("Runtime.ExitError", "exit status 1")
        self.invocations[function.role] = self.invocations.get(function.role, 0) + 1
        scheduler, process = self._scheduler, environment.process
        deadline = scheduler.now + function.timeout
        context = SimpleNamespace(
            function_name=function.name,
            function_version=version,
            invoked_function_arn=f"{function.arn}:{version}",
            memory_limit_in_mb=512,
            aws_request_id=f"{self._chance.getrandbits(64):016x}",
            get_remaining_time_in_millis=lambda: int((deadline - scheduler.now) * 1000),
        )
        event = json.loads(payload)
        self._timeline.add(process.name, f"begins {_about(event)}")
        work = scheduler.spawn(process.name, lambda: environment.handler(event, context), process)
        if fault is StatesKind.OUT_OF_MEMORY:
            scheduler.wait_any([work], self._chance.uniform(0.0, 0.3))
            if not work.done:
                scheduler.kill(process)
            raise FunctionError("Runtime.OutOfMemory", "signal: killed")
        if not scheduler.wait_any([work], function.timeout):
            scheduler.kill(process)
            self._timeline.add(process.name, "TIMED OUT")
            raise FunctionError("Sandbox.Timedout", f"timed out after {function.timeout:.0f} seconds")
        return self._answer(function, version, environment, work)

    def _answer(self, function: Function, version: str, environment: Environment, work: Task) -> Any:
        name = environment.process.name
        if isinstance(work.error, KilledError):
            self._timeline.add(name, "ends: KILLED")
            raise FunctionError("Runtime.ExitError", "exit status 1")
        function.idle[version].append(environment)
        if work.error is not None:
            kind = type(work.error).__name__
            self._timeline.add(name, f"fails: {kind}: {work.error}")
            if kind == "UnexpectedError" and "was refused: " not in str(work.error):
                self.problems.append(f"{name}: {work.error}")
            raise FunctionError(kind, str(work.error))
        self._timeline.add(name, f"returns {json.dumps(work.result)[:160]}")
        return json.loads(json.dumps(work.result))

    def _start(self, function: Function, version: str) -> Environment:
        """Start an environment: run the module of the handler, with the version's variables."""
        self._scheduler.sleep(self._chance.uniform(0.1, 1.5))
        self._number += 1
        name = f"{function.role} {self._number}"
        process = Process(name, function.role, clock_offset=self._chance.uniform(-self.skew, self.skew))
        configuration = function.configurations[version]
        variables = {
            **configuration["Environment"]["Variables"],
            "AWS_LAMBDA_LOG_STREAM_NAME": f"2026/11/24/[{version}]{name.replace(' ', '-')}",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
            "AWS_REGION": "us-east-1",
        }
        module: dict[str, Any] = {"__name__": f"{function.handler}.handler"}
        self._starting = configuration
        with patch.dict(os.environ, variables):
            text = replaced_handlers.get(function.handler)
            code = _compiled(function.handler, text) if text else _code(function.handler)
            try:
                exec(code, module)  # noqa: S102 - our own handler
            except Exception as error:
                self.problems.append(f"{name} cannot start: {type(error).__name__}: {error}")
                raise FunctionError("Runtime.ImportModuleError", str(error)) from error
        substitute(module)
        return Environment(process, module["handler"])


def _about(event: Mapping[str, Any]) -> str:
    batch = event.get("batch", {}).get("batch", "") if isinstance(event.get("batch"), dict) else ""
    return (
        f"{event.get('action', 'summary')} {event.get('ingest_id') or event.get('execution_name', '')} {batch}".rstrip()
    )


class LambdaClient:
    """What boto3 gives as a client of Lambda."""

    def __init__(self, service: Lambda, calls: Calls) -> None:
        self._service = service
        self._calls = calls

    def get_alias(self, *, FunctionName: str, Name: str) -> Any:  # noqa: N803 - boto3's name
        def apply() -> Any:
            aliases = self._service.find(FunctionName, "GetAlias").aliases
            if Name not in aliases:
                raise refusal("ResourceNotFoundException", "GetAlias", 404)
            return dict(aliases[Name])

        return self._call("GetAlias", apply, Name)

    def create_alias(self, *, FunctionName: str, Name: str, FunctionVersion: str) -> Any:  # noqa: N803
        def apply() -> Any:
            aliases = self._service.find(FunctionName, "CreateAlias").aliases
            if Name in aliases:
                raise refusal("ResourceConflictException", "CreateAlias", 409)
            aliases[Name] = {"FunctionVersion": FunctionVersion, "Description": "", "RevisionId": "r0"}

        return self._call("CreateAlias", apply, f"{Name} {FunctionVersion}")

    def update_alias(
        self,
        *,
        FunctionName: str,  # noqa: N803
        Name: str,  # noqa: N803
        FunctionVersion: str,  # noqa: N803
        Description: str,  # noqa: N803
        RevisionId: str,  # noqa: N803
    ) -> Any:
        def apply() -> Any:
            alias = self._service.find(FunctionName, "UpdateAlias").aliases[Name]
            if alias["RevisionId"] != RevisionId:
                raise refusal("PreconditionFailedException", "UpdateAlias", 412)
            revision = f"r{int(RevisionId[1:]) + 1}"
            alias.update(FunctionVersion=FunctionVersion, Description=Description, RevisionId=revision)

        return self._call("UpdateAlias", apply, f"{Name} {FunctionVersion}")

    def get_function_configuration(self, *, FunctionName: str, Qualifier: str = LATEST) -> Any:  # noqa: N803
        operation = "GetFunctionConfiguration"
        return self._call(
            operation, lambda: dict(self._service.configuration(FunctionName, Qualifier, operation)), Qualifier
        )

    def update_function_configuration(
        self,
        *,
        FunctionName: str,  # noqa: N803
        Layers: list[str],  # noqa: N803
        Environment: Any,  # noqa: N803
        RevisionId: str,  # noqa: N803
    ) -> Any:
        operation = "UpdateFunctionConfiguration"

        def apply() -> Any:
            latest = self._service.configuration(FunctionName, LATEST, operation)
            if latest["RevisionId"] != RevisionId:
                raise refusal("PreconditionFailedException", operation, 412)
            latest["Layers"] = [{"Arn": arn} for arn in Layers]
            latest["Environment"] = Environment
            latest["RevisionId"] = f"r{int(RevisionId[1:]) + 1}"

        return self._call(operation, apply, Layers[-1])

    def get_waiter(self, _name: str) -> Any:
        return SimpleNamespace(wait=lambda **_: None)

    def publish_version(self, *, FunctionName: str, Description: str, RevisionId: str) -> Any:  # noqa: N803
        def apply() -> Any:
            function = self._service.find(FunctionName, "PublishVersion")
            latest = function.configurations[LATEST]
            if latest["RevisionId"] != RevisionId:
                raise refusal("PreconditionFailedException", "PublishVersion", 412)
            number = str(function.next_version)
            function.next_version += 1
            published = {
                **latest,
                "Version": number,
                "Description": Description,
                "FunctionArn": f"{function.arn}:{number}",
            }
            function.configurations[number] = published
            return dict(published)

        return self._call("PublishVersion", apply, Description)

    def delete_function(self, *, FunctionName: str, Qualifier: str) -> Any:  # noqa: N803
        def apply() -> Any:
            self._service.configuration(FunctionName, Qualifier, "DeleteFunction")
            del self._service.find(FunctionName, "DeleteFunction").configurations[Qualifier]

        return self._call("DeleteFunction", apply, Qualifier)

    def get_paginator(self, operation: str) -> Any:
        assert operation == "list_versions_by_function"

        def paginate(*, FunctionName: str) -> Iterator[Any]:  # noqa: N803
            def apply() -> Any:
                return list(self._service.find(FunctionName, "ListVersionsByFunction").configurations.values())

            yield {"Versions": self._call("ListVersionsByFunction", apply, "")}

        return SimpleNamespace(paginate=paginate)

    def invoke(self, *, FunctionName: str, Qualifier: str, Payload: bytes | str) -> Any:  # noqa: N803
        def apply() -> Task:
            function = self._service.find(FunctionName, "Invoke")
            self._service.configuration(FunctionName, Qualifier, "Invoke")
            return self._service.invoke(
                f"{function.arn}:{Qualifier}",
                bytes(Payload, "utf8").decode() if isinstance(Payload, str) else Payload.decode(),
            )

        invocation = self._call("Invoke", apply, Qualifier)
        self._service._scheduler.wait_all([invocation])
        try:
            return {"Payload": io.BytesIO(json.dumps(invocation.outcome()).encode())}
        except FunctionError as error:
            body = json.dumps({"errorType": error.name, "errorMessage": error.message}).encode()
            return {"Payload": io.BytesIO(body), "FunctionError": "Unhandled"}

    def _call[T](self, operation: str, apply: Callable[[], T], about: object) -> T:
        return self._calls.call("lambda", operation, apply, about)
