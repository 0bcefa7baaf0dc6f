"""Code of a user: a transformer class and a function, in a module of the user's own."""

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin


class Ratios(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Adds the ratio of the first column to each other one."""

    def fit(self, X: Any, y: Any = None) -> "Ratios":  # noqa: N803 - scikit-learn's name
        return self

    def transform(self, X: Any) -> Any:  # noqa: N803
        values = np.asarray(X, dtype=float)
        return np.hstack([values, values[:, :1] / (1.0 + np.abs(values[:, 1:]))])


def logarithms(X: Any) -> Any:  # noqa: N803
    """Return signed logarithms."""
    values = np.asarray(X, dtype=float)
    return np.sign(values) * np.log1p(np.abs(values))
