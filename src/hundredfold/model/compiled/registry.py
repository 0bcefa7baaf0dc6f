"""The kinds of steps by name. To add a kind, add its class here."""

from collections.abc import Mapping
from typing import Any

from hundredfold.model.compiled.step import Step
from hundredfold.model.compiled.steps.calibrated import Calibrated
from hundredfold.model.compiled.steps.categories import OneHot, Ordinal
from hundredfold.model.compiled.steps.columns import Chain, Choose, Parts
from hundredfold.model.compiled.steps.linear import LinearClassifier, LinearRegressor
from hundredfold.model.compiled.steps.naive_bayes import DiscreteBayes, GaussianBayes
from hundredfold.model.compiled.steps.projection import Project
from hundredfold.model.compiled.steps.scaling import Fill, FillText, Shift, Stretch
from hundredfold.model.compiled.steps.text import CountTerms, HashTerms, WeighTerms
from hundredfold.model.compiled.steps.trees import (
    BoostedClassifier,
    BoostedRegressor,
    ForestClassifier,
    ForestRegressor,
)
from hundredfold.model.compiled.values import Values

_CLASSES: tuple[type[Step], ...] = (
    BoostedClassifier,
    BoostedRegressor,
    Calibrated,
    Chain,
    Choose,
    CountTerms,
    DiscreteBayes,
    Fill,
    FillText,
    ForestClassifier,
    ForestRegressor,
    GaussianBayes,
    HashTerms,
    LinearClassifier,
    LinearRegressor,
    OneHot,
    Ordinal,
    Parts,
    Project,
    Shift,
    Stretch,
    WeighTerms,
)

KINDS: Mapping[str, type[Step]] = {step.kind: step for step in _CLASSES}
"""The class of each kind of step."""

WITH_NUMPY = frozenset({"gaussian_bayes", "project"})
"""The kinds that always need NumPy. Ensembles of more than a few trees need it too."""


def read_step(mapping: Mapping[str, Any]) -> Step:
    """Make a step of its values.

    Raises
    ------
    KeyError, TypeError, ValueError
        If there is no such kind, or its values are malformed.
    """
    kind = KINDS.get(mapping["kind"])
    if kind is None:
        raise ValueError(f"there is no kind of step named {mapping['kind']}")
    return kind.read(Values(mapping, read_step))
