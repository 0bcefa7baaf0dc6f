"""Compiles trees and their ensembles."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor, ExtraTreeClassifier, ExtraTreeRegressor
from sklearn.utils import get_tags

from hundredfold_cli.models.compiling.arrays import numbers
from hundredfold_cli.models.compiling.errors import NotCompiledError
from hundredfold_cli.models.compiling.kinds import Compile, Compiled

_LINKS = {"IdentityLink": False, "LogLink": True}


def _trees(trees: Sequence[Any], width: int, *, missing: bool) -> Compiled:
    """Join the arrays of scikit-learn's trees."""
    tables = []
    for tree in trees:
        leaf = tree.children_left < 0
        here = np.arange(tree.node_count)
        tables.append(
            (
                np.where(leaf, 0, tree.feature),
                np.where(leaf, 0.0, tree.threshold),
                np.where(leaf, here, tree.children_left),
                np.where(leaf, here, tree.children_right),
                tree.missing_go_to_left.astype(bool) & ~leaf,
                tree.value[:, 0, :],
            )
        )
    return _joined(tables, width, single=True, missing=missing, infinite=False)


def _histogram_trees(predictors: Sequence[Any], width: int) -> Compiled:
    """Join the arrays of the trees of histogram-based boosting."""
    tables = []
    for predictor in predictors:
        nodes = predictor.nodes
        leaf, here = nodes["is_leaf"].astype(bool), np.arange(len(nodes))
        if nodes["is_categorical"][~leaf].any():
            raise NotCompiledError("its trees split by categories")
        tables.append(
            (
                np.where(leaf, 0, nodes["feature_idx"].astype(np.int64)),
                np.where(leaf, 0.0, nodes["num_threshold"]),
                np.where(leaf, here, nodes["left"].astype(np.int64)),
                np.where(leaf, here, nodes["right"].astype(np.int64)),
                nodes["missing_go_to_left"].astype(bool) & ~leaf,
                nodes["value"].reshape(-1, 1),
            )
        )
    return _joined(tables, width, single=False, missing=True, infinite=True)


def _joined(tables: Sequence[tuple[Any, ...]], width: int, *, single: bool, missing: bool, infinite: bool) -> Compiled:
    roots = np.cumsum([0, *(len(table[0]) for table in tables)])[:-1]
    columns, thresholds, left, right, missing_left, leaves = zip(*tables, strict=True)
    return {
        "roots": numbers(roots),
        "columns": numbers(np.concatenate(columns)),
        "thresholds": numbers(np.concatenate(thresholds)),
        "left": numbers(np.concatenate([nodes + root for nodes, root in zip(left, roots, strict=True)])),
        "right": numbers(np.concatenate([nodes + root for nodes, root in zip(right, roots, strict=True)])),
        "missing_left": numbers(np.concatenate(missing_left)),
        "leaves": numbers(np.concatenate(leaves)),
        "single": single,
        "missing": missing,
        "infinite": infinite,
        "width": width,
    }


def _forest(model: Any, _: Compile) -> Compiled:
    if model.n_outputs_ != 1:
        raise NotCompiledError(f"{type(model).__name__} has several outputs")
    members = getattr(model, "estimators_", [model])
    kind = "forest_classifier" if hasattr(model, "classes_") else "forest_regressor"
    missing = bool(get_tags(members[0]).input_tags.allow_nan)
    return {"kind": kind, **_trees([tree.tree_ for tree in members], int(model.n_features_in_), missing=missing)}


def _boosting(model: Any, _: Compile) -> Compiled:
    if not (isinstance(model.init_, str) or type(model.init_) in (DummyClassifier, DummyRegressor)):
        raise NotCompiledError(f"{type(model).__name__} starts from another model")
    width = int(model.n_features_in_)
    start = model._raw_predict_init(np.zeros((1, width), dtype=np.float32))[0]
    trees = _trees([tree.tree_ for tree in model.estimators_.ravel()], width, missing=False)
    factor = float(model.learning_rate)
    if hasattr(model, "classes_"):
        if model.loss != "log_loss":
            raise NotCompiledError(f"{type(model).__name__} has the loss {model.loss}")
        return {"kind": "boosted_classifier", **trees, "start": numbers(start), "factor": factor, "from_zero": True}
    return {
        "kind": "boosted_regressor",
        **trees,
        "start": float(start[0]),
        "factor": factor,
        "exponential": False,
    }


def _histogram_boosting(model: Any, _: Compile) -> Compiled:
    if model._preprocessor is not None or (model.is_categorical_ is not None and any(model.is_categorical_)):
        raise NotCompiledError(f"{type(model).__name__} has columns of categories")
    predictors = [predictor for iteration in model._predictors for predictor in iteration]
    trees = _histogram_trees(predictors, int(model.n_features_in_))
    start = np.asarray(model._baseline_prediction, dtype=float).reshape(-1)
    if hasattr(model, "classes_"):
        return {"kind": "boosted_classifier", **trees, "start": numbers(start), "factor": 1.0, "from_zero": False}
    link = type(model._loss.link).__name__
    if link not in _LINKS:
        raise NotCompiledError(f"{type(model).__name__} has the link {link}")
    return {
        "kind": "boosted_regressor",
        **trees,
        "start": float(start[0]),
        "factor": 1.0,
        "exponential": _LINKS[link],
    }


COMPILERS = {
    DecisionTreeClassifier: _forest,
    DecisionTreeRegressor: _forest,
    ExtraTreeClassifier: _forest,
    ExtraTreeRegressor: _forest,
    RandomForestClassifier: _forest,
    RandomForestRegressor: _forest,
    ExtraTreesClassifier: _forest,
    ExtraTreesRegressor: _forest,
    GradientBoostingClassifier: _boosting,
    GradientBoostingRegressor: _boosting,
    HistGradientBoostingClassifier: _histogram_boosting,
    HistGradientBoostingRegressor: _histogram_boosting,
}
