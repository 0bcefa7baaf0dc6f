"""The parts of the Amazon States Language that name and make data: paths, templates and intrinsic functions."""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any, Final

_INTRINSIC: Final = re.compile(r"(States\.[A-Za-z]+)\((.*)\)$", re.DOTALL)
_ARGUMENT: Final = re.compile(r"\s*('(?:[^'\\]|\\.)*'|[^,]+)\s*(?:,|$)")


class StatesError(Exception):
    """An error of a state, by the name that Retry and Catch know it by."""

    def __init__(self, name: str, cause: str = "") -> None:
        super().__init__(f"{name}: {cause}")
        self.name = name
        self.cause = cause


def resolve(path: str, data: Any, context: Mapping[str, Any]) -> Any:
    """Return what a path or an intrinsic function names."""
    if path.startswith("States."):
        return _intrinsic(path, data, context)
    value: Any = context if path.startswith("$$") else data
    for name in _names(path):
        if not isinstance(value, Mapping) or name not in value:
            raise StatesError("States.ParameterPathFailure", f"{path} is not there")
        value = value[name]
    return value


@cache
def _names(path: str) -> tuple[str, ...]:
    names = path.lstrip("$").removeprefix(".")
    if "[" in names:
        raise NotImplementedError(f"{path}: indexes are not simulated")
    return tuple(names.split(".")) if names else ()


def fill(template: Any, data: Any, context: Mapping[str, Any]) -> Any:
    """Fill in a payload template: every name that ends in `.$` has a path."""
    if isinstance(template, Mapping):
        return {
            name.removesuffix(".$"): resolve(value, data, context)
            if name.endswith(".$")
            else fill(value, data, context)
            for name, value in template.items()
        }
    if isinstance(template, list):
        return [fill(value, data, context) for value in template]
    return template


def placed(path: str | None, data: Any, result: Any) -> Any:
    """Return the output of a state whose ResultPath is `path`."""
    if path is None:
        return data
    names = _names(path)
    if not names:
        return result
    if not isinstance(data, Mapping) or len(names) > 1:
        raise StatesError("States.ResultPathMatchFailure", f"{path} does not fit")
    return {**data, names[0]: result}


def _intrinsic(text: str, data: Any, context: Mapping[str, Any]) -> Any:
    match = _INTRINSIC.match(text)
    assert match, f"{text} is no intrinsic function"
    arguments = [
        argument[1:-1] if argument.startswith("'") else resolve(argument.strip(), data, context)
        for argument in _ARGUMENT.findall(match[2])
    ]
    if match[1] == "States.Format":
        template, *values = arguments
        parts = str(template).split("{}")
        assert len(parts) == len(values) + 1, f"{text}: it has not as many places as values"
        return "".join(part + str(value) for part, value in zip(parts, [*values, ""], strict=True))
    if match[1] == "States.ArrayContains":
        return arguments[1] in arguments[0]
    raise NotImplementedError(f"{match[1]} is not simulated")
