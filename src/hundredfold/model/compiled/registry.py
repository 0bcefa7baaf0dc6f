"""The kinds of steps by name. To add a kind, add its class here. A model imports the modules of its own steps only."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from hundredfold.model.compiled.step import Step
from hundredfold.model.compiled.values import Values

KINDS: Mapping[str, str] = {
    "boosted_classifier": "trees.BoostedClassifier",
    "boosted_regressor": "trees.BoostedRegressor",
    "calibrated": "calibrated.Calibrated",
    "chain": "columns.Chain",
    "choose": "columns.Choose",
    "count_terms": "text.CountTerms",
    "discrete_bayes": "naive_bayes.DiscreteBayes",
    "fill": "scaling.Fill",
    "fill_text": "scaling.FillText",
    "forest_classifier": "trees.ForestClassifier",
    "forest_regressor": "trees.ForestRegressor",
    "gaussian_bayes": "naive_bayes.GaussianBayes",
    "hash_terms": "text.HashTerms",
    "linear_classifier": "linear.LinearClassifier",
    "linear_regressor": "linear.LinearRegressor",
    "one_hot": "categories.OneHot",
    "ordinal": "categories.Ordinal",
    "parts": "columns.Parts",
    "project": "projection.Project",
    "shift": "scaling.Shift",
    "stretch": "scaling.Stretch",
    "weigh_terms": "text.WeighTerms",
}
"""The class of each kind of step: its module in `steps`, and its name there."""

WITH_NUMPY = frozenset({"gaussian_bayes", "project"})
"""The kinds that always need NumPy. Ensembles of more than a few trees need it too."""


def step_class(kind: str) -> type[Step]:
    """Return the class of a kind of step. Raise ValueError if there is no such kind."""
    if kind not in KINDS:
        raise ValueError(f"there is no kind of step named {kind}")
    module, _, name = KINDS[kind].partition(".")
    named: type[Step] = getattr(import_module(f"hundredfold.model.compiled.steps.{module}"), name)
    return named


def read_step(mapping: Mapping[str, Any]) -> Step:
    """Make a step of its values.

    Raises
    ------
    KeyError, TypeError, ValueError
        If there is no such kind, or its values are malformed.
    """
    return step_class(mapping["kind"]).read(Values(mapping, read_step))
