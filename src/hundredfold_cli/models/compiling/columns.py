"""Compiles what changes, chooses and joins columns."""

import math
import warnings
from typing import Any

import numpy as np
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.feature_selection import SelectKBest, SelectPercentile, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)

from hundredfold_cli.models.compiling.arrays import numbers
from hundredfold_cli.models.compiling.errors import NotCompiledError
from hundredfold_cli.models.compiling.kinds import Compile, Compiled, chain


def _standard(scaler: Any, _: Compile) -> Compiled:
    return _shift(scaler.mean_ if scaler.with_mean else None, scaler.scale_ if scaler.with_std else None)


def _robust(scaler: Any, _: Compile) -> Compiled:
    return _shift(scaler.center_ if scaler.with_centering else None, scaler.scale_ if scaler.with_scaling else None)


def _max_abs(scaler: Any, _: Compile) -> Compiled:
    if scaler.clip:
        raise NotCompiledError("MaxAbsScaler clips")
    return _shift(None, scaler.scale_)


def _shift(subtract: Any, divide: Any) -> Compiled:
    return {
        "kind": "shift",
        "subtract": None if subtract is None else numbers(subtract),
        "divide": None if divide is None else numbers(divide),
    }


def _min_max(scaler: Any, _: Compile) -> Compiled:
    limits = np.array(scaler.feature_range if scaler.clip else [], dtype=float)
    return {
        "kind": "stretch",
        "multiply": numbers(scaler.scale_),
        "add": numbers(scaler.min_),
        "limits": numbers(limits),
    }


def _impute(imputer: Any, _: Compile) -> Compiled:
    if not (isinstance(imputer.missing_values, float) and math.isnan(imputer.missing_values)):
        raise NotCompiledError(f"SimpleImputer takes {imputer.missing_values!r} as missing, and not NaN")
    fill = np.asarray(imputer.statistics_)
    if fill.dtype.kind in "OU":
        if imputer.add_indicator or not all(type(text) is str for text in fill):
            raise NotCompiledError("SimpleImputer fills strings and more")
        return {"kind": "fill_text", "fill": [str(text) for text in fill]}
    dropped = np.flatnonzero(np.isnan(fill)) if not imputer.keep_empty_features else np.array([], dtype=int)
    flags = imputer.indicator_.features_ if imputer.add_indicator else np.array([], dtype=int)
    if imputer.add_indicator and imputer.indicator_.error_on_new:
        raise NotCompiledError("SimpleImputer refuses columns that are missing for the first time")
    return {"kind": "fill", "fill": numbers(fill), "dropped": numbers(dropped), "flags": numbers(flags)}


def _one_hot(encoder: Any, _: Compile) -> Compiled:
    widths = [int(width) for width in encoder._n_features_outs]
    starts = np.cumsum([0, *widths])
    places, unknown = [], []
    for column in range(len(encoder.categories_)):
        encoded = _probe(encoder, column)[:, starts[column] : starts[column + 1]]
        ones = [int(starts[column] + row.argmax()) if row.any() else -1 for row in encoded]
        refused = encoder.handle_unknown == "error"
        places.append(numbers(np.array(ones[:-1] if not refused else ones, dtype=np.int64)))
        unknown.append(-2 if refused else ones[-1])
    return {
        "kind": "one_hot",
        "columns": [_categories(encoder, column) for column in range(len(encoder.categories_))],
        "places": places,
        "unknown": numbers(np.array(unknown, dtype=np.int64)),
        "width": int(starts[-1]),
        "sparse": bool(encoder.sparse_output),
    }


def _ordinal(encoder: Any, _: Compile) -> Compiled:
    refused = encoder.handle_unknown == "error"
    codes = []
    for column, categories in enumerate(encoder.categories_):
        encoded = np.asarray(_probe(encoder, column)[:, column], dtype=float)
        codes.append(numbers(encoded[: len(categories)]))
    unknown = [] if refused else [float(encoder.unknown_value)]
    return {
        "kind": "ordinal",
        "columns": [_categories(encoder, column) for column in range(len(encoder.categories_))],
        "codes": codes,
        "unknown": numbers(np.array(unknown, dtype=float)),
    }


def _categories(encoder: Any, column: int) -> Compiled:
    categories = encoder.categories_[column]
    if all(isinstance(category, str) for category in categories):
        return {"texts": [str(category) for category in categories]}
    if categories.dtype.kind not in "fiu":
        raise NotCompiledError(f"{type(encoder).__name__} has categories that are neither all strings nor all numbers")
    return {"numbers": numbers(np.asarray(categories, dtype=float))}


def _probe(encoder: Any, column: int) -> Any:
    """Encode every category of one column, and an unknown one unless it is refused. The encoder knows its own rules."""
    known = list(encoder.categories_[column])
    if encoder.handle_unknown != "error":
        longest = max((len(text) for text in known if isinstance(text, str)), default=-1)
        unknown = "?" * (longest + 1) if longest >= 0 else float(np.nanmax([0.0, *known])) + 1.5
        known.append(unknown)
    rows = np.empty((len(known), len(encoder.categories_)), dtype=object)
    for other, categories in enumerate(encoder.categories_):
        rows[:, other] = categories[0]
    rows[:, column] = known
    if all(categories.dtype.kind in "fiu" for categories in encoder.categories_):
        rows = rows.astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of unknown categories and of names of columns
        encoded = encoder.transform(rows)
    return np.asarray(encoded.toarray() if hasattr(encoded, "toarray") else encoded)


def _selected(selector: Any, _: Compile) -> Compiled:
    return {
        "kind": "choose",
        "columns": numbers(selector.get_support(indices=True)),
        "width": int(selector.n_features_in_),
    }


def _svd(projection: Any, _: Compile) -> Compiled:
    components = projection.components_.T
    return {"kind": "project", "components": numbers(components), "subtract": numbers(np.zeros(components.shape[1]))}


def _pca(projection: Any, _: Compile) -> Compiled:
    if projection.whiten:
        raise NotCompiledError("PCA whitens")
    components = projection.components_.T
    return {
        "kind": "project",
        "components": numbers(components),
        "subtract": numbers(projection.mean_ @ components),
    }


def _passed(transformer: Any, _: Compile) -> Compiled:
    if transformer.func is not None:
        raise NotCompiledError("FunctionTransformer has a function of its own")
    return chain([])


def _pipeline(pipeline: Any, compile_step: Compile) -> Compiled:
    return chain([compile_step(step) for _, step in pipeline.steps if step is not None and step != "passthrough"])


def _union(union: Any, compile_step: Compile) -> Compiled:
    if union.transformer_weights:
        raise NotCompiledError("FeatureUnion weighs its parts")
    parts = [
        {"step": chain([]) if step == "passthrough" else compile_step(step)}
        for _, step in union.transformer_list
        if step != "drop"
    ]
    return {"kind": "parts", "parts": parts}


def _columns(transformer: Any, compile_step: Compile) -> Compiled:
    if transformer.transformer_weights:
        raise NotCompiledError("ColumnTransformer weighs its parts")
    parts = []
    for name, step, columns in transformer.transformers_:
        positions = transformer._transformer_to_input_indices[name]
        if (isinstance(step, str) and step == "drop") or len(positions) == 0:
            continue
        parts.append(
            {
                "step": chain([]) if isinstance(step, str) else compile_step(step),
                "columns": numbers(np.array(positions, dtype=np.int64)),
                "single": bool(np.isscalar(columns)),
            }
        )
    return {"kind": "parts", "parts": parts}


COMPILERS = {
    StandardScaler: _standard,
    RobustScaler: _robust,
    MaxAbsScaler: _max_abs,
    MinMaxScaler: _min_max,
    SimpleImputer: _impute,
    OneHotEncoder: _one_hot,
    OrdinalEncoder: _ordinal,
    SelectKBest: _selected,
    SelectPercentile: _selected,
    VarianceThreshold: _selected,
    TruncatedSVD: _svd,
    PCA: _pca,
    FunctionTransformer: _passed,
    Pipeline: _pipeline,
    FeatureUnion: _union,
    ColumnTransformer: _columns,
}
