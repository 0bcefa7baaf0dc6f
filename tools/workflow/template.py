"""Reads infra/template.yaml: its parameters, its resources, and what the state machine's role may do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).resolve().parents[2] / "infra/template.yaml"
STATE_MACHINE = "BatchInference"


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as what they stand for: `!Ref X` is `{"Ref": "X"}`."""


def _short_form(loader: _Loader, suffix: str, node: yaml.Node) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    match node:
        case yaml.ScalarNode():
            return {name: loader.construct_scalar(node)}
        case yaml.SequenceNode():
            return {name: loader.construct_sequence(node, deep=True)}
        case _:
            return {name: loader.construct_mapping(node, deep=True)}  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _short_form)


@dataclass(frozen=True)
class Template:
    """A template as it is when all of its conditions hold, with the values of its mappings filled in.

    Attributes
    ----------
    parameters, resources, outputs : by their logical ids
    metadata : of the template itself
    function_globals : what SAM gives to every function
    """

    parameters: Mapping[str, Any]
    resources: Mapping[str, Any]
    outputs: Mapping[str, Any]
    metadata: Mapping[str, Any]
    function_globals: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Template":
        parsed = parse_long_forms(text)
        mappings = parsed.get("Mappings", {})
        return cls(
            parameters=parsed.get("Parameters", {}),
            resources=_resolved(parsed["Resources"], mappings),
            outputs=_resolved(parsed.get("Outputs", {}), mappings),
            metadata=parsed.get("Metadata", {}),
            function_globals=_resolved(parsed.get("Globals", {}).get("Function", {}), mappings),
        )

    @classmethod
    def read(cls) -> "Template":
        """Read the project's template."""
        return cls.parse(TEMPLATE.read_text())

    def default(self, parameter: str) -> Any:
        """Return a parameter's default; raises KeyError if there is no such parameter, or it has none."""
        return self.parameters[parameter]["Default"]

    def properties(self, logical_id: str) -> Mapping[str, Any]:
        """Return the properties of a resource; raises KeyError if there is none of this logical id."""
        found: Mapping[str, Any] = self.resources[logical_id]["Properties"]
        return found

    def of_type(self, kind: str, *, always: bool = False) -> dict[str, Mapping[str, Any]]:
        """Return the properties of all resources of a type, by their logical ids.

        Parameters
        ----------
        kind : such as `AWS::IAM::Role`
        always : leave out resources that a condition can leave out
        """
        return {
            name: resource["Properties"]
            for name, resource in self.resources.items()
            if resource["Type"] == kind and not (always and "Condition" in resource)
        }

    @property
    def state_machine(self) -> Mapping[str, Any]:
        return self.properties(STATE_MACHINE)

    @property
    def substitutions(self) -> Mapping[str, Any]:
        declared: Mapping[str, Any] = self.state_machine["DefinitionSubstitutions"]
        return declared

    def statements(self) -> Iterator[Mapping[str, Any]]:
        """Yield the statements of the state machine's role: of its own policies, and of those attached to it."""
        role = self.properties(resource_named(self.state_machine["Role"]))
        attached = [self.properties(resource_named(arn)) for arn in role.get("ManagedPolicyArns", ())]
        for policy in [*role["Policies"], *attached]:
            yield from policy["PolicyDocument"]["Statement"]

    def granted(self) -> set[str]:
        """Return all actions that the state machine's role may do."""
        return {action for statement in self.statements() for action in listed(statement["Action"])}

    def resources_for(self, action: str) -> list[Any]:
        """Return what the state machine's role may do this action on."""
        return [
            resource
            for statement in self.statements()
            if action in listed(statement["Action"])
            for resource in listed(statement["Resource"])
        ]

    def function_seconds(self, function: str) -> int:
        """Return the timeout of the function with this logical id, in seconds."""
        return int(self.properties(function)["Timeout"])


def parse_long_forms(text: str) -> dict[str, Any]:
    """Parse a template as it is written, with CloudFormation's functions in their long forms."""
    parsed: dict[str, Any] = yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader
    return parsed


def branches(value: Any) -> Iterator[Any]:
    """Yield both branches of every `Fn::If` in a part of a template that was parsed with its long forms."""
    match value:
        case {"Fn::If": [_, *alternatives]}:
            yield from alternatives
            yield from branches(alternatives)
        case dict():
            yield from branches(list(value.values()))
        case list():
            for part in value:
                yield from branches(part)


def functions(value: Any) -> set[str]:
    """Return the names of CloudFormation's functions in a part of a template, without `Ref` and `Fn::If`."""
    match value:
        case dict():
            named = {name for name in value if name.startswith("Fn::") and name != "Fn::If"}
            return named.union(*map(functions, value.values()))
        case list():
            return set[str]().union(*map(functions, value))
        case _:
            return set()


def _resolved(value: Any, mappings: Mapping[str, Any]) -> Any:
    match value:
        case {"Fn::If": [_, held, _]}:
            return _resolved(held, mappings)
        case {"Fn::FindInMap": [str(name), str(key), str(second_key)]}:
            return mappings[name][key][second_key]
        case dict():
            return {name: _resolved(inner, mappings) for name, inner in value.items()}
        case list():
            inner = [_resolved(part, mappings) for part in value]
            return [part for part in inner if part != {"Ref": "AWS::NoValue"}]
        case _:
            return value


def resource_named(value: Any) -> str:
    """Return the logical id that a `Ref`, `GetAtt` or single-name `Sub` refers to; the empty string if none."""
    match value:
        case {"Ref": str(name)}:
            return name
        case {"Fn::GetAtt": str(text)}:
            return text.split(".")[0]
        case {"Fn::GetAtt": [str(name), *_]}:
            return name
        case {"Fn::Sub": str(text)} if text.startswith("${"):
            return text[2:].split("}")[0].split(".")[0]
        case _:
            return ""


def listed(value: Any) -> list[Any]:
    """Return what may be one thing or a list of things as a list."""
    return list(value) if isinstance(value, list) else [value]
