"""What must hold for the state machine's definition, by reading it and the template. `make workflow-check` runs it all.

Each check is a function that takes a `Workflow` and returns what is wrong, one line for each thing. Its name is how
`make mutations` reports it. What has to be seen running is in tests/workflow.
"""

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tools.workflow import dataflow, error_names, samples, worst_case
from tools.workflow.definition import DEFINITION, EXAMPLE, placeholders, render
from tools.workflow.states import TERMINAL, Machine, State, all_states, find, machines
from tools.workflow.template import TEMPLATE, Template, resource_named

STATE_BYTES = 262_144
"""The most that any state may take or return: https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html."""

EXPRESS_MARGIN_SECONDS = 30
"""How much of an Express execution's 300 s is left for what Step Functions itself takes."""

UNGUARDED = {
    ("SummarizeIngest", "Catch"): (
        "nothing is left to be done when the summary itself fails. The execution fails with the summary's own error, "
        "and redriving it runs the summary again; behind a Catch, the state to be redriven would be a Fail state."
    ),
}
"""Tasks that lack one of Retry, Catch and TimeoutSeconds, and why that is right."""

NOT_RETRIED = {
    ("PlanIngest", "OutOfTimeError"): "only a batch watches its time",
    ("PlanPartition", "OutOfTimeError"): "only a batch watches its time",
    ("JoinPartitions", "OutOfTimeError"): "only a batch watches its time",
    ("SummarizeIngest", "OutOfTimeError"): "only a batch watches its time",
}
"""Errors of ours that trying again helps against, which these functions never raise."""

AWAITED = {"InferBatches": "InferBatch"}
"""Maps that leave calls running when they are stopped, and the Task that makes those calls.

What the calls enter into the ledger is to be counted, so that the Map's Catch leads to a Wait.
"""

EXECUTION = {
    "execution_name.$": "$$.Execution.Name",
    "execution.$": "$$.Execution.Id",
    "started_at.$": "$$.Execution.StartTime",
}
"""What our functions are told of the ingest's execution, and where that is taken from."""

# What a Distributed Map needs beside the actions of its states, log delivery and tracing:
# https://docs.aws.amazon.com/step-functions/latest/dg/iam-policies-eg-dist-map.html
# https://docs.aws.amazon.com/step-functions/latest/dg/cw-logs.html
# https://docs.aws.amazon.com/step-functions/latest/dg/xray-iam.html
# (all read 2026-11-24)
# https://docs.aws.amazon.com/step-functions/latest/dg/redrive-map-run.html
MAP_RUN = frozenset(f"states:{action}Execution" for action in ("Start", "Describe", "Stop", "Redrive"))
MULTIPART = frozenset({"s3:PutObject", "s3:ListMultipartUploadParts", "s3:AbortMultipartUpload"})
LOGS = frozenset(
    f"logs:{action}"
    for action in (
        "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery", "ListLogDeliveries",
        "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
    )
)  # fmt: skip
TRACES = frozenset(
    f"xray:{action}" for action in ("PutTraceSegments", "PutTelemetryRecords", "GetSamplingRules", "GetSamplingTargets")
)


@dataclass(frozen=True)
class Workflow:
    """The two files that make the state machine, as texts."""

    definition_text: str
    template_text: str

    @classmethod
    def read(cls) -> "Workflow":
        return cls(DEFINITION.read_text(), TEMPLATE.read_text())

    @cached_property
    def definition(self) -> dict[str, Any]:
        return render(EXAMPLE, self.definition_text)

    @cached_property
    def template(self) -> Template:
        return Template.parse(self.template_text)

    @property
    def most_group_batches(self) -> int:
        """The largest number of batches in a group that the template allows."""
        return int(self.template.parameters["GroupBatches"]["MaxValue"])

    def states(self, *types: str) -> Iterator[State]:
        return (state for state in all_states(self.definition) if state.type in types)


def check_substitutions(workflow: Workflow) -> Iterator[str]:
    """Every placeholder is declared in the template, and every declared one is used."""
    used, declared = placeholders(workflow.definition_text), set(workflow.template.substitutions)
    for name in sorted(used - declared):
        yield f"${{{name}}} is not declared in the template's DefinitionSubstitutions"
    for name in sorted(declared - used):
        yield f"the template declares {name}, which the definition does not use"
    for name in sorted(used ^ set(EXAMPLE)):
        yield f"{name} is in only one of the definition and EXAMPLE of tools/workflow/definition.py"


def check_flow(workflow: Workflow) -> Iterator[str]:
    """Every state can be reached, and from every state an end can."""
    for machine in machines(workflow.definition):
        where = f" inside {machine.inside[-1]}" if machine.inside else ""
        for state in machine.states.values():
            for target in state.leads_to():
                if target not in machine.states:
                    yield f"{state.name} leads to {target}, which is no state{where}"
            if not state.leads_to() and not state.ends:
                yield f"{state.name} leads nowhere and does not end"
            if state.type not in TERMINAL and "Next" not in state.body and state.type != "Choice" and not state.ends:
                yield f"{state.name} has neither Next nor End"
        reached = _reached(machine, machine.start)
        for name in sorted(machine.states.keys() - reached):
            yield f"{name} can never be reached"
        for name in sorted(reached & machine.states.keys()):
            if not any(machine.states[end].ends for end in _reached(machine, name) & machine.states.keys()):
                yield f"from {name} no end can be reached"


def check_guards(workflow: Workflow) -> Iterator[str]:
    """Every Task has Retry, Catch and a timeout, but for the written exceptions; every Map has Catch."""
    for state in workflow.states("Task", "Map"):
        for guard in ("Retry", "Catch", "TimeoutSeconds") if state.type == "Task" else ("Catch",):
            missing = guard not in state.body or not state.body[guard]
            if missing and (state.name, guard) not in UNGUARDED:
                yield f"{state.name} has no {guard}"
    for name, guard in UNGUARDED:
        if find(workflow.definition, name).body.get(guard):
            yield f"{name} has {guard} now: take its exception out of tools/workflow/checks.py"


def check_backoff(workflow: Workflow) -> Iterator[str]:
    """Every retrier waits longer each time, up to a limit, and with full jitter: batches must not come again as one."""
    for state in workflow.states("Task"):
        for retrier in state.body.get("Retry", ()):
            first = retrier["ErrorEquals"][0]
            if retrier.get("MaxAttempts") == 0:
                continue  # the way to say that these errors are not to be retried
            if not retrier.get("BackoffRate", 2) > 1:
                yield f"{state.name} retries {first} without waiting longer each time"
            if retrier.get("JitterStrategy") != "FULL":
                yield f"{state.name} retries {first} without JitterStrategy FULL"
            if "MaxDelaySeconds" not in retrier:
                yield f"{state.name} retries {first} without MaxDelaySeconds"
        names = state.retried
        for name in sorted({name for name in names if names.count(name) > 1}):
            yield f"{state.name} lists {name} twice; only the first counts"


def check_error_names(workflow: Workflow) -> Iterator[str]:
    """Every error that a Retry or Catch names is one that its state can meet."""
    for state in workflow.states("Task", "Map", "Parallel"):
        possible = error_names.possible(state)
        for name in sorted({*state.retried, *(name for names, _ in state.caught for name in names)} - possible):
            yield f"{state.name} waits for {name}, which it can never meet"


def check_retryable_errors(workflow: Workflow) -> Iterator[str]:
    """The functions' Retry lists those errors of hundredfold.errors that trying again helps against, and no others."""
    for state in workflow.states("Task"):
        if error_names.integration(state)[0] != "lambda":
            continue
        named = set(state.retried)
        for name in sorted(named & error_names.OWN - error_names.RETRYABLE):
            yield f"{state.name} retries {name}, whose class says that trying again does not help"
        for name in sorted(error_names.RETRYABLE - named):
            if (state.name, name) not in NOT_RETRIED:
                yield f"{state.name} does not retry {name}, whose class says that trying again helps"


def check_time(workflow: Workflow) -> Iterator[str]:
    """An Express child ends within its 5 minutes at the very worst, and no state gives up before its function does.

    It is so for every number of batches in a group that the template allows, and for its other defaults.
    """
    worst = worst_case.WorstCase(machines(workflow.definition), {"InferGroup": workflow.most_group_batches})
    for machine in machines(workflow.definition):
        if machine.express:
            took, limit = worst.seconds(machine), worst_case.EXPRESS_SECONDS - EXPRESS_MARGIN_SECONDS
            if took > limit:
                yield f"a child of {machine.inside[-1]} can take {took:g} s; it should end within {limit} of 300 s"
    for state in workflow.states("Task"):
        function = _function(workflow, state)
        if function and state.body.get("TimeoutSeconds", 0) < workflow.template.function_seconds(function):
            yield (
                f"{state.name} waits {state.body.get('TimeoutSeconds')} s, and its function may run "
                f"{workflow.template.function_seconds(function)} s"
            )


def check_awaited(workflow: Workflow) -> Iterator[str]:
    """A Map that was stopped is summed up only after the calls of its children have ended."""
    for name, task in AWAITED.items():
        call = find(workflow.definition, task).body.get("TimeoutSeconds", 0)
        for _, target in find(workflow.definition, name).caught:
            following = find(workflow.definition, target)
            waits = following.body.get("Seconds", 0) if following.type == "Wait" else 0
            if waits < call:
                yield f"when {name} is stopped, {target} waits {waits} s; a call of {task} may go on for {call}"


def check_permissions(workflow: Workflow) -> Iterator[str]:
    """The role may do what the definition does, on what it does it to, and nothing else."""
    granted, used = workflow.template.granted(), _actions(workflow)
    for action in sorted(used - granted):
        yield f"the definition needs {action}, which BatchInferenceRole does not grant"
    for action in sorted(granted - used):
        yield f"BatchInferenceRole grants {action}, which the definition does not use"
    for state in workflow.states("Task"):
        target, action = _target(workflow, state), _action(state)
        resources = {resource_named(resource) for resource in workflow.template.resources_for(action)}
        if target and action in granted and target not in resources:
            yield f"{state.name} needs {action} on {target}, which the role does not grant"


def check_paths(workflow: Workflow) -> Iterator[str]:
    """Every JSONPath leads to something, on every way through the definition that typical answers open."""
    walk = dataflow.walk(workflow.definition, samples.typical())
    yield from walk.problems
    visited = {visit.state.name for visit in walk.visits}
    for state in all_states(workflow.definition):
        if state.name not in visited:
            yield f"{state.name}: no sample in tools/workflow/samples.py leads to it"


def check_execution(workflow: Workflow) -> Iterator[str]:
    """What goes by the name of the ingest's execution is that: no other path, and within a Map not the child's own."""
    for machine in machines(workflow.definition):
        for state in machine.states.values():
            for name, path in _members({key: value for key, value in state.body.items() if key != "ItemProcessor"}):
                if machine.inside and "$$.Execution" in path:
                    yield f"{state.name} takes {name} from {path}, which is the child's alone"
                elif not machine.inside and path != EXECUTION.get(name, path):
                    yield f"{state.name} takes {name} from {path} and not from {EXECUTION[name]}"


def check_sizes(workflow: Workflow) -> Iterator[str]:
    """No state takes or returns more than 256 KiB, neither at 50,000 nor at 10 million records, for any group."""
    for records in (50_000, 10_000_000):
        largest = samples.largest(records, workflow.most_group_batches)
        for name, size in dataflow.walk(workflow.definition, largest).largest().items():
            if size > STATE_BYTES:
                yield f"{name} can come to {size:,} bytes at {records:,} records; the limit is {STATE_BYTES:,}"
    for state in workflow.states("Map"):
        if _distributed(state) and "ResultWriter" not in state.body:
            yield f"{state.name} has no ResultWriter: its children's results together can be over {STATE_BYTES:,} bytes"


CHECKS: Mapping[str, Callable[[Workflow], Iterator[str]]] = {
    "substitutions": check_substitutions,
    "flow": check_flow,
    "guards": check_guards,
    "backoff": check_backoff,
    "error names": check_error_names,
    "retryable errors": check_retryable_errors,
    "time": check_time,
    "awaited": check_awaited,
    "permissions": check_permissions,
    "paths": check_paths,
    "execution": check_execution,
    "sizes": check_sizes,
}


def problems(workflow: Workflow) -> dict[str, list[str]]:
    """Run all checks; return what each found, by its name. Of a definition that is not JSON, nothing else is said."""
    found = {"substitutions": list(check_substitutions(workflow))}
    if found["substitutions"]:
        return found
    try:
        _ = workflow.definition
    except ValueError as error:
        return {"json": [f"the definition is not JSON with its substitutions filled in: {error}"]}
    for name, check in CHECKS.items():
        try:
            found[name] = list(check(workflow))
        except (KeyError, TypeError, ValueError) as error:
            found[name] = [f"it cannot be checked: {error!r}"]
    return {name: lines for name, lines in found.items() if lines}


def _members(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in JSON, with the name that it is under."""
    if isinstance(value, str):
        yield name, value
    for key, inner in value.items() if isinstance(value, Mapping) else ():
        yield from _members(inner, key)
    for inner in value if isinstance(value, list) else ():
        yield from _members(inner, name)


def _reached(machine: Machine, start: str) -> set[str]:
    reached, waiting = set[str](), [start]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += machine.states[name].leads_to() if name in machine.states else []
    return reached


def _distributed(state: State) -> bool:
    return bool(state.body.get("ItemProcessor", {}).get("ProcessorConfig", {}).get("Mode") == "DISTRIBUTED")


def _action(state: State) -> str:
    service, action = error_names.integration(state)
    return "lambda:InvokeFunction" if service == "lambda" else f"{service}:{action[0].upper()}{action[1:]}"


def _actions(workflow: Workflow) -> set[str]:
    used = {_action(state) for state in workflow.states("Task")}
    for state in workflow.states("Map"):
        if "ItemReader" in state.body:
            listing = state.body["ItemReader"]["Resource"].endswith("listObjectsV2")
            used.add("s3:ListBucket" if listing else "s3:GetObject")
        used |= MULTIPART if "ResultWriter" in state.body else set()
        used |= MAP_RUN if _distributed(state) else set()
    used |= LOGS if "Logging" in workflow.template.state_machine else set()
    return used | (TRACES if "Tracing" in workflow.template.state_machine else set())


def _target(workflow: Workflow, state: State) -> str:
    """Return the logical id of what a Task works on: a function or a table; the pinned version is inference's."""
    parameters = _raw_state(workflow, state.name).get("Parameters", {})
    for name in ("FunctionName", "TableName"):
        for placeholder in placeholders(str(parameters.get(name, ""))):
            return resource_named(workflow.template.substitutions[placeholder])
    return "InferBatchFunction" if parameters.get("FunctionName.$") == "$.model.function" else ""


def _function(workflow: Workflow, state: State) -> str:
    return _target(workflow, state) if error_names.integration(state)[0] == "lambda" else ""


def _raw_state(workflow: Workflow, name: str) -> Mapping[str, Any]:
    """Return a state with its placeholders still in it: each stands for itself."""
    number = re.compile(r"[0-9.]+")
    kept = {name: value if number.fullmatch(value) else f"${{{name}}}" for name, value in EXAMPLE.items()}
    return find(render(kept, workflow.definition_text), name).body


def main() -> None:
    found = problems(Workflow.read())
    for name, lines in found.items():
        for line in lines:
            sys.stderr.write(f"{name}: {line}\n")
    if found:
        raise SystemExit(1)
    sys.stdout.write(f"{len(CHECKS)} checks of the definition and its template: all hold\n")


if __name__ == "__main__":
    main()
