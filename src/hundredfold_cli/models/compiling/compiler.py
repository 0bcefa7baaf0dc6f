"""Compiles a fitted scikit-learn model into a form. What is not understood to the last detail is refused."""

from collections.abc import Mapping, Sequence
from typing import Any

from sklearn.pipeline import Pipeline

from hundredfold.errors import BundleRefusedError
from hundredfold.model.compiled.engine import CompiledModel, kinds
from hundredfold.model.compiled.form import Form
from hundredfold.model.compiled.registry import WITH_NUMPY
from hundredfold.model.compiled.steps.trees import MOST_TREES_IN_PYTHON
from hundredfold.model.labels import classes_of
from hundredfold_cli.models.compiling import columns, linear, text, trees
from hundredfold_cli.models.compiling.errors import NotCompiledError
from hundredfold_cli.models.compiling.kinds import Compiled, Compilers

COMPILERS: Compilers = {**text.COMPILERS, **columns.COMPILERS, **linear.COMPILERS, **trees.COMPILERS}
"""The compiler of each type of estimator."""


def compile_model(steps: Sequence[Any], *, texts: bool) -> Form:
    """Compile a model's steps. The last one predicts.

    Parameters
    ----------
    texts : whether the first step takes a list of strings, and not a table

    Raises
    ------
    NotCompiledError
        If a step is not understood. The message names it, and why.
    """
    flat = [step for estimator in steps for step in _unchained(estimator)]
    classes = classes_of(flat[-1]) or ()
    if isinstance(classes, list):
        raise NotCompiledError("it has several outputs")
    if len(classes) == 1:
        raise NotCompiledError("it has only one class")
    form = Form(
        {
            "input": "texts" if texts else "rows",
            "classes": list(classes),
            "steps": [_compile(step) for step in flat],
        }
    )
    try:
        CompiledModel(form)
    except BundleRefusedError as error:
        raise NotCompiledError(f"its form cannot be read: {error}") from error
    return form


def needs_numpy(form: Form) -> bool:
    """Return whether a compiled model needs NumPy."""
    return bool(WITH_NUMPY & kinds(form.model)) or _most_trees(form.model) > MOST_TREES_IN_PYTHON


def _most_trees(tree: Any) -> int:
    if isinstance(tree, Mapping):
        here = len(tree["roots"].values) if "roots" in tree else 0
        return max([here, *map(_most_trees, tree.values())])
    return max(map(_most_trees, tree), default=0) if isinstance(tree, list | tuple) else 0


def _unchained(estimator: Any) -> list[Any]:
    if type(estimator) is not Pipeline:
        return [estimator]
    return [
        inner for _, step in estimator.steps if step is not None and step != "passthrough" for inner in _unchained(step)
    ]


def _compile(estimator: Any) -> Compiled:
    compiler = COMPILERS.get(type(estimator))
    if compiler is None:
        kind = type(estimator)
        raise NotCompiledError(f"{kind.__module__}.{kind.__qualname__} has no compiled form")
    try:
        return compiler(estimator, _compile)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError) as error:
        raise NotCompiledError(f"{type(estimator).__name__} cannot be compiled: {error!r}") from error
