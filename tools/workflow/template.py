"""What infra/template.yaml says about the state machine: substitutions, permissions, timeouts of its functions."""

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
    """A template, as far as the state machine is concerned, as it is when all of its conditions hold."""

    resources: Mapping[str, Any]

    @classmethod
    def parse(cls, text: str) -> "Template":
        return cls(_with_all_conditions(yaml.load(text, Loader=_Loader)["Resources"]))  # noqa: S506 - a SafeLoader

    @property
    def state_machine(self) -> Mapping[str, Any]:
        properties: Mapping[str, Any] = self.resources[STATE_MACHINE]["Properties"]
        return properties

    @property
    def substitutions(self) -> Mapping[str, Any]:
        declared: Mapping[str, Any] = self.state_machine["DefinitionSubstitutions"]
        return declared

    def statements(self) -> Iterator[Mapping[str, Any]]:
        """Yield the statements of the state machine's role: of its own policies, and of those attached to it."""
        role = self.resources[resource_named(self.state_machine["Role"])]["Properties"]
        attached = [self.resources[resource_named(arn)]["Properties"] for arn in role.get("ManagedPolicyArns", ())]
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
        return int(self.resources[function]["Properties"]["Timeout"])


def _with_all_conditions(value: Any) -> Any:
    match value:
        case {"Fn::If": [_, held, _]}:
            return _with_all_conditions(held)
        case dict():
            return {name: _with_all_conditions(inner) for name, inner in value.items()}
        case list():
            inner = [_with_all_conditions(part) for part in value]
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
