"""What data flows through a definition, found by walking every way through it with samples of what tasks return.

It is no interpreter: nothing is called, nothing waits, retries change nothing. What it finds is a path that leads
nowhere (a misspelt JSONPath fails at run time, and only on the way where it stands), and how large data can get.
"""

import json
import operator
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import cycle, islice
from typing import Any

from tools.workflow.states import Machine, State, machines

_INTRINSIC = re.compile(r"States\.(\w+)\((.*)\)", re.DOTALL)
_STEP = re.compile(r"\.([A-Za-z_][A-Za-z0-9_]*)|\[(\d+)\]|\['([^']+)'\]")


class PathError(Exception):
    """A path leads to nothing in the data that it is applied to."""


@dataclass(frozen=True)
class Samples:
    """What a walk is made with.

    Attributes
    ----------
    inputs : inputs of the execution
    results : for each Task and Map, by name, what it may return, as Step Functions receives it. A Map that is not named
        here returns what its iterations do.
    items : for each Map, by name, items that it goes through. A Map that is not named here has those of its ItemsPath.
    error : the `Error` and `Cause` that a Catch is given
    context : the context object, without what a Map adds to it
    """

    inputs: Sequence[Any]
    results: Mapping[str, Sequence[Any]]
    items: Mapping[str, Sequence[Any]]
    error: Mapping[str, str]
    context: Mapping[str, Any]


@dataclass(frozen=True)
class Visit:
    """One state, entered with one input: all outputs that it can have, and the largest thing on its way."""

    state: State
    input: Any
    outputs: tuple[Any, ...]
    largest: int


@dataclass
class Walk:
    """All that a walk has come by: each state with each of its inputs, and the paths that led nowhere."""

    visits: list[Visit] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def largest(self) -> dict[str, int]:
        """Return the size in bytes of the largest input, result or output of each state, by its name."""
        sizes: dict[str, int] = {}
        for visit in self.visits:
            sizes[visit.state.name] = max(visit.largest, sizes.get(visit.state.name, 0))
        return sizes


def size(value: Any) -> int:
    """Return how many bytes of UTF-8 JSON a value takes."""
    return len(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode())


def walk(definition: Mapping[str, Any], samples: Samples) -> Walk:
    """Walk every way through the definition that the samples open."""
    found = Walk()
    _Walker({machine.inside: machine for machine in machines(definition)}, samples, found).machine(
        (), samples.inputs, samples.context
    )
    return found


class _Walker:
    def __init__(self, by_place: Mapping[tuple[str, ...], Machine], samples: Samples, found: Walk) -> None:
        self._machines = by_place
        self._samples = samples
        self._found = found

    def machine(self, place: tuple[str, ...], inputs: Sequence[Any], context: Mapping[str, Any]) -> list[Any]:
        """Walk a state machine. Return what it can end with, each once, without failures."""
        machine = self._machines[place]
        waiting = [(machine.start, value) for value in inputs]
        seen: set[str] = set()
        ends: dict[str, Any] = {}
        while waiting:
            name, value = waiting.pop()
            key = f"{name} {json.dumps(value, sort_keys=True)}"
            if key in seen or name not in machine.states:
                continue
            seen.add(key)
            for target, output in self._visit(machine.states[name], value, context):
                if target:
                    waiting.append((target, output))
                elif machine.states[name].type != "Fail":
                    ends[json.dumps(output, sort_keys=True)] = output
        return list(ends.values())

    def _visit(self, state: State, value: Any, context: Mapping[str, Any]) -> list[tuple[str | None, Any]]:
        here = {**context, "State": {"Name": state.name, "EnteredTime": "2026-01-01T00:00:00Z", "RetryCount": 0}}
        sizes = [size(value)]
        following: list[tuple[str | None, Any]] = []
        try:
            for target, output in self._outcomes(state, value, here, sizes):
                following.append((target, output))
                sizes.append(size(output))
        except PathError as missing:
            problem = f"{state.name}: {missing}"
            if problem not in self._found.problems:
                self._found.problems.append(problem)
        self._found.visits.append(Visit(state, value, tuple(output for _, output in following), max(sizes)))
        return following

    def _outcomes(
        self, state: State, value: Any, context: Mapping[str, Any], sizes: list[int]
    ) -> Iterator[tuple[str | None, Any]]:
        """Yield each state that can come next, or None for an end, with what it is given."""
        body = state.body
        effective = resolve(body.get("InputPath", "$"), value, context)
        if state.type == "Choice":
            for target in choose(body, effective, context):
                yield target, effective
            return
        for result in self._results(state, effective, context, sizes):
            sizes.append(size(result))
            selected = _template(body["ResultSelector"], result, context) if "ResultSelector" in body else result
            output = _placed(body.get("ResultPath", "$"), value, selected)
            yield body.get("Next"), resolve(body.get("OutputPath", "$"), output, context)
        for catcher in body.get("Catch", ()):
            yield catcher["Next"], _placed(catcher.get("ResultPath", "$"), value, dict(self._samples.error))

    def _results(self, state: State, effective: Any, context: Mapping[str, Any], sizes: list[int]) -> Sequence[Any]:
        body = state.body
        match state.type:
            case "Map":
                results = self._mapped(state, effective, context)
                return self._samples.results.get(state.name, results)
            case "Task":
                sizes.append(size(_template(body.get("Parameters", {}), effective, context)))
                if state.name not in self._samples.results:
                    raise PathError("there is no sample of what it returns")
                return self._samples.results[state.name]
            case "Pass":
                result = body.get("Result", effective)
                return [_template(body["Parameters"], effective, context) if "Parameters" in body else result]
            case "Fail":
                for name in ("ErrorPath", "CausePath"):
                    if name in body and not isinstance(resolve(body[name], effective, context), str):
                        raise PathError(f"{name} {body[name]} is no string in {_short(effective)}")
        return [effective]

    def _mapped(self, state: State, effective: Any, context: Mapping[str, Any]) -> Sequence[Any]:
        """Walk the iterations of a Map. Return its results if all end in the same way, and if each ends in another."""
        body = state.body
        for name in ("ItemReader", "ResultWriter"):
            _template(body.get(name, {}).get("Parameters", {}), effective, context)
        items = resolve(body.get("ItemsPath", "$"), effective, context)
        items = self._samples.items.get(state.name, items)
        ends: dict[str, Any] = {}
        for number, item in enumerate(items):
            inner = {**context, "Map": {"Item": {"Index": number, "Value": item}}}
            selector = body.get("ItemSelector", body.get("Parameters"))
            child = item if selector is None else _template(selector, effective, inner)
            for end in self.machine((*state.inside, state.name), [child], inner):
                ends[json.dumps(end, sort_keys=True)] = end
        alike = [[end] * len(items) for end in ends.values()]
        return [*alike, list(islice(cycle(ends.values()), len(items)))]


def resolve(path: str | None, value: Any, context: Mapping[str, Any]) -> Any:
    """Return what a path or an intrinsic function leads to; raises PathError if that is nothing."""
    if path is None:
        return {}
    if intrinsic := _INTRINSIC.fullmatch(path.strip()):
        return _intrinsic(intrinsic[1], [_argument(text, value, context) for text in _split(intrinsic[2])])
    data, rest = (context, path[2:]) if path.startswith("$$") else (value, path[1:])
    if not path.startswith("$") or _STEP.sub("", rest):
        raise PathError(f"{path} is not a path that can be followed")
    for name, index, quoted in _STEP.findall(rest):
        key: Any = int(index) if index else name or quoted
        try:
            data = data[key]
        except (KeyError, IndexError, TypeError):
            raise PathError(f"{path} leads nowhere in {_short(value)}") from None
    return data


def _template(template: Any, value: Any, context: Mapping[str, Any]) -> Any:
    match template:
        case dict():
            return {
                name.removesuffix(".$"): resolve(inner, value, context)
                if name.endswith(".$")
                else _template(inner, value, context)
                for name, inner in template.items()
            }
        case list():
            return [_template(inner, value, context) for inner in template]
        case _:
            return template


def _placed(path: str | None, value: Any, result: Any) -> Any:
    if path is None:
        return value
    if path == "$":
        return result
    if not isinstance(value, dict):
        raise PathError(f"ResultPath {path} cannot be placed in {_short(value)}, which is no object")
    output = json.loads(json.dumps(value))
    *way, last = path.removeprefix("$.").split(".")
    place = output
    for name in way:
        place = place.setdefault(name, {})
    place[last] = result
    return output


_COMPARISONS: Mapping[str, Callable[[Any, Any], bool]] = {
    "StringEquals": operator.eq,
    "BooleanEquals": operator.eq,
    "NumericEquals": operator.eq,
    "NumericGreaterThan": operator.gt,
    "NumericGreaterThanEquals": operator.ge,
    "NumericLessThan": operator.lt,
    "NumericLessThanEquals": operator.le,
    "IsNull": lambda value, wanted: (value is None) == wanted,
    "IsString": lambda value, wanted: isinstance(value, str) == wanted,
}


def choose(body: Mapping[str, Any], value: Any, context: Mapping[str, Any]) -> list[str]:
    """Return where a Choice leads to; all ways that are possible, if it asks something that is not known here."""
    ways = []
    for rule in body["Choices"]:
        answer = _holds(rule, value, context)
        if answer is not False:
            ways.append(rule["Next"])
        if answer is True:
            return ways
    return [*ways, body["Default"]] if "Default" in body else ways


def _holds(rule: Mapping[str, Any], value: Any, context: Mapping[str, Any]) -> bool | None:
    if "Not" in rule:
        answer = _holds(rule["Not"], value, context)
        return None if answer is None else not answer
    if "And" in rule:
        for inner in rule["And"]:
            if (answer := _holds(inner, value, context)) is not True:
                return answer
        return True
    if "Or" in rule:
        answers = [_holds(inner, value, context) for inner in rule["Or"]]
        return True if True in answers else None if None in answers else False
    if "IsPresent" in rule:
        try:
            resolve(rule["Variable"], value, context)
        except PathError:
            return rule["IsPresent"] is False
        return rule["IsPresent"] is True
    found = resolve(rule["Variable"], value, context)
    for name, compare in _COMPARISONS.items():
        if name in rule:
            return compare(found, rule[name])
    return None


def _argument(text: str, value: Any, context: Mapping[str, Any]) -> Any:
    text = text.strip()
    if text.startswith("'"):
        return text[1:-1]
    return resolve(text, value, context) if text.startswith(("$", "States.")) else json.loads(text)


def _intrinsic(name: str, arguments: list[Any]) -> Any:
    match name:
        case "Format":
            text, *values = arguments
            if text.count("{}") != len(values):
                raise PathError(f"States.Format has {len(values)} values for '{text}'")
            return re.sub(r"\{\}", lambda _: _as_text(values.pop(0)), text)
        case "Array":
            return arguments
        case "ArrayContains":
            return arguments[1] in arguments[0]
        case "ArrayLength":
            return len(arguments[0])
        case "JsonToString":
            return json.dumps(arguments[0])
        case "StringToJson":
            return json.loads(arguments[0])
        case "JsonMerge":
            return {**arguments[0], **arguments[1]}
        case "MathAdd":
            return arguments[0] + arguments[1]
        case _:
            raise PathError(f"States.{name} is not known here; add it to tools/workflow/dataflow.py")


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _split(arguments: str) -> list[str]:
    """Cut the arguments of an intrinsic function at the commas that are neither quoted nor inside brackets."""
    parts, depth, quoted = [""], 0, False
    for character in arguments:
        quoted ^= character == "'"
        depth += 0 if quoted else {"(": 1, ")": -1}.get(character, 0)
        if character == "," and not quoted and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts if arguments.strip() else []


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 160 else f"{text[:160]}..."
