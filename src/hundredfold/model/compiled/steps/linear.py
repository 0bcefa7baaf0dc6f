"""Linear models. Pure Python: `math.sumprod` over a few dozen terms takes less than the arrays would take to make."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from hundredfold.model.compiled.data import Data, Sparse, numbers
from hundredfold.model.compiled.scores import logistic, shares, softmax
from hundredfold.model.compiled.step import Classifier, Regressor, largest
from hundredfold.model.compiled.values import Values

_SCORES = frozenset({"logistic", "one_against_rest", "modified_huber", "none"})


@dataclass(frozen=True, slots=True)
class Weights:
    """The coefficients of one or more linear functions.

    Attributes
    ----------
    coefficients : one row for each function
    intercepts : one for each function
    """

    coefficients: list[list[float]]
    intercepts: list[float]

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `coefficients` and `intercepts`."""
        coefficients, intercepts = values.matrix("coefficients"), values.floats("intercepts")
        if not coefficients or len(coefficients) != len(intercepts):
            raise ValueError("there must be an intercept for each row of coefficients")
        return cls(coefficients, intercepts)

    def apply(self, data: Data) -> list[list[float]]:
        """Return the value of each function for each row. Raise ValueError if a number is not finite."""
        sumprod = math.sumprod
        if isinstance(data, Sparse):
            if data.width != len(self.coefficients[0]):
                raise ValueError(f"there are {data.width} columns where {len(self.coefficients[0])} are expected")
            gets = [row.__getitem__ for row in self.coefficients]
            pairs = list(zip(gets, self.intercepts, strict=True))
            applied = [[sumprod(row, map(get, columns)) + start for get, start in pairs] for columns, row in data.rows]
            # A number that is not finite makes a sum that is not.
            if not all(all(map(math.isfinite, sums)) for sums in applied) and not data.is_finite:
                raise ValueError("a number is not finite")
            return applied
        functions = list(zip(self.coefficients, self.intercepts, strict=True))
        return [[sumprod(row, factors) + start for factors, start in functions] for row in numbers(data)]


@dataclass(frozen=True, slots=True)
class LinearClassifier(Classifier):
    """LogisticRegression, LinearSVC, SGDClassifier, RidgeClassifier: the class of the largest linear function.

    Attributes
    ----------
    weights : one function for two classes, else one for each class
    score : how a probability is made of the decisions: `logistic`, `one_against_rest`, `modified_huber` or `none`
    """

    kind: ClassVar[str] = "linear_classifier"
    weights: Weights
    score: str

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `coefficients`, `intercepts` and `score`."""
        score = values.text("score")
        if score not in _SCORES:
            raise ValueError(f"there is no score {score}")
        return cls(Weights.read(values), score)

    def response(self, data: Data) -> list[Sequence[float]]:
        """Return the decisions."""
        return list(self.weights.apply(data))

    def predict(self, data: Data) -> list[tuple[int, float | None]]:
        """Return the class of the largest decision; of two classes, the second if its decision is over 0."""
        rows = self.weights.apply(data)
        if len(self.weights.intercepts) == 1:
            return [self.of_two(decision) for (decision,) in rows]
        return [(label, self._of_many(row, label)) for row in rows for label in (largest(row),)]

    def of_two(self, decision: float) -> tuple[int, float | None]:
        """Return the position of one of two classes, and its probability or None."""
        label = int(decision > 0)
        match self.score:
            case "none":
                return label, None
            case "modified_huber":
                second = (min(max(decision, -1.0), 1.0) + 1.0) / 2.0
            case _:
                second = logistic(decision)
        return label, second if label else 1.0 - second

    def _of_many(self, row: Sequence[float], label: int) -> float | None:
        match self.score:
            case "none":
                return None
            case "logistic":
                return softmax(row)[label]
            case "modified_huber":
                return shares([(min(max(decision, -1.0), 1.0) + 1.0) / 2.0 for decision in row])[label]
            case _:
                return shares([logistic(decision) for decision in row])[label]


@dataclass(frozen=True, slots=True)
class LinearRegressor(Regressor):
    """LinearRegression, Ridge, Lasso, ElasticNet, SGDRegressor, LinearSVR.

    Attributes
    ----------
    weights : one function
    """

    kind: ClassVar[str] = "linear_regressor"
    weights: Weights

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `coefficients` and `intercepts`."""
        weights = Weights.read(values)
        if len(weights.intercepts) != 1:
            raise ValueError("there must be one function")
        return cls(weights)

    def predict(self, data: Data) -> list[float]:
        """Return the function's value for each record."""
        return [value for (value,) in self.weights.apply(data)]
