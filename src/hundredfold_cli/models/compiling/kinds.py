"""What the compilers of each kind of estimator share."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

type Compiled = dict[str, Any]
"""A step of a form."""

type Compile = Callable[[Any], Compiled]
"""Compiles an estimator that is within another one."""

type Compilers = Mapping[type, Callable[[Any, Compile], Compiled]]
"""The compiler of each type. Types must be the same: a subclass may do anything."""


def chain(steps: Sequence[Compiled]) -> Compiled:
    """Return one step that applies `steps` one after another."""
    return {"kind": "chain", "steps": list(steps)}
