"""Which package a module comes from. A name that a model file imports is never taken for a package's name: anybody may
publish a package of that name."""

from collections.abc import Iterable

PACKAGES = {
    "catboost": "catboost",
    "category_encoders": "category-encoders",
    "feature_engine": "feature-engine",
    "gensim": "gensim",
    "imblearn": "imbalanced-learn",
    "lightgbm": "lightgbm",
    "lightning": "lightning",
    "mlxtend": "mlxtend",
    "nltk": "nltk",
    "pandas": "pandas",
    "polars": "polars",
    "pyarrow": "pyarrow",
    "sentence_transformers": "sentence-transformers",
    "skl2onnx": "skl2onnx",
    "sklego": "scikit-lego",
    "skops": "skops",
    "skorch": "skorch",
    "spacy": "spacy",
    "statsmodels": "statsmodels",
    "torch": "torch",
    "umap": "umap-learn",
    "xgboost": "xgboost-cpu",
}
"""The package of each module that models are known to import. Add to it only what you have looked up."""

WHY_NOT = {
    "xgboost": "xgboost brings 360 MB of libraries for GPUs, which Lambda does not have and no layer can hold: "
    "take xgboost-cpu, which is the same module"
}
"""Packages that a layer cannot hold, and what to take."""


def packages_of(modules: Iterable[str]) -> tuple[str, ...]:
    """Return the known packages of modules, named by the first part of their names."""
    return tuple(sorted({PACKAGES[module] for module in modules if module in PACKAGES}))
