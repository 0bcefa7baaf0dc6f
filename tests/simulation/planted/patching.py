"""Applies a planted bug: exchanges a piece of our source, and puts what it changes into the modules that run."""

import ast
import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FunctionType
from typing import Any, Final

from tests.simulation.services import lambda_
from tools.workflow.definition import DEFINITION

ROOT: Final = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class PlantedBug:
    """A bug that the simulation must find.

    Attributes
    ----------
    name : in words
    path : the file, from the project's folder
    old, new : the piece of the file, which is there once, and what takes its place
    targets : what the change is in: functions, methods as `Class.method`, and constants; none for files without any
    """

    name: str
    path: str
    old: str
    new: str
    targets: tuple[str, ...] = ()

    def text(self) -> str:
        """Return the changed text of the file. Raise ValueError if the piece is not there once."""
        text = (ROOT / self.path).read_text()
        if text.count(self.old) != 1:
            raise ValueError(f"{self.name}: {self.path} has {text.count(self.old)} times: {self.old}")
        return text.replace(self.old, self.new)

    @property
    def definition(self) -> str | None:
        """The text of the state machine's definition with the bug; None if the bug is elsewhere."""
        return self.text() if ROOT / self.path == DEFINITION else None


@contextmanager
def planted(bug: PlantedBug) -> Iterator[None]:
    """Have a bug in our code while the context lasts. `substitutes.installed` must be in place before."""
    path = Path(bug.path)
    if bug.definition is not None:
        yield
    elif path.parts[0] == "functions":
        lambda_.replaced_handlers[path.parts[1]] = bug.text()
        try:
            yield
        finally:
            del lambda_.replaced_handlers[path.parts[1]]
    else:
        undo = [*_put(bug, importlib.import_module(".".join(path.with_suffix("").parts[1:])))]
        try:
            yield
        finally:
            for owner, name, value in reversed(undo):
                setattr(owner, name, value)


def _put(bug: PlantedBug, module: Any) -> Iterator[tuple[Any, str, Any]]:
    """Put the changed targets in the place of those of the module. Yield what was there."""
    tree = ast.parse(bug.text(), str(ROOT / bug.path))
    for target in bug.targets:
        *classes, name = target.split(".")
        changed: dict[str, Any] = {}
        node = _find(tree, target)
        exec(compile(ast.Module([node], []), str(ROOT / bug.path), "exec"), vars(module), changed)  # noqa: S102
        owner = getattr(module, classes[0]) if classes else module
        before = vars(owner)[name]
        yield owner, name, before
        setattr(owner, name, changed[name])
        if isinstance(before, FunctionType) and not classes:
            for other in [other for other in sys.modules.values() if vars(other).get(name) is before]:
                yield other, name, before
                setattr(other, name, changed[name])


def _find(tree: ast.Module, target: str) -> ast.stmt:
    body: list[ast.stmt] = tree.body
    *classes, name = target.split(".")
    for wanted in classes:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == wanted)
    for node in body:
        match node:
            case ast.FunctionDef(name=found) if found == name:
                return node
            case ast.Assign(targets=[ast.Name(id=found)]) if found == name:
                return node
    raise ValueError(f"{target} is not there")
