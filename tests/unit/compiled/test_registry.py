"""The registry names every kind of step, and a model imports the modules of its own steps only."""

import inspect
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from hundredfold.model.compiled import steps
from hundredfold.model.compiled.registry import KINDS, step_class
from hundredfold.model.compiled.step import Step

LOAD = """
import sys
from hundredfold.model.compiled.engine import CompiledModel
from hundredfold.model.compiled.form import Array, Form
from array import array

shift = {"kind": "shift", "subtract": None, "divide": None}
last = {"kind": "linear_regressor", "coefficients": Array((1, 1), array("d", [1.0])),
        "intercepts": Array((1,), array("d", [0.0]))}
CompiledModel(Form({"input": "rows", "classes": [], "steps": [shift, last]}))
print(*sorted(name.rpartition(".")[2] for name in sys.modules if ".compiled.steps." in name), "numpy" in sys.modules)
"""


def test_every_step_is_named_by_its_kind() -> None:
    modules = [import_module(f"{steps.__name__}.{module.name}") for module in pkgutil.iter_modules(steps.__path__)]
    classes = {
        value.kind: value
        for module in modules
        for _, value in inspect.getmembers(module, inspect.isclass)
        if issubclass(value, Step) and value.__module__ == module.__name__
    }

    assert {kind: step_class(kind) for kind in KINDS} == classes


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no kind of step named eval"):
        step_class("eval")


def test_a_model_imports_its_own_steps_only(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", LOAD], capture_output=True, text=True, check=True, cwd=tmp_path)

    assert done.stdout.split() == ["columns", "linear", "scaling", "text", "False"]
