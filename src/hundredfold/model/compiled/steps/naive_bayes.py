"""Naive Bayes. All but the Gaussian one are linear in their input, and pure Python as the linear models are."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from hundredfold.model.compiled.data import Data, Dense, Sparse, numbers
from hundredfold.model.compiled.form import Array
from hundredfold.model.compiled.step import Classifier, largest
from hundredfold.model.compiled.steps.linear import Weights
from hundredfold.model.compiled.values import Values


@dataclass(frozen=True, slots=True)
class DiscreteBayes(Classifier):
    """MultinomialNB, ComplementNB, BernoulliNB.

    Attributes
    ----------
    weights : a linear function for each class, of the input or of whether it is over `threshold`
    threshold : above which a number counts as 1, and else as 0; None if numbers are used as they are
    """

    kind: ClassVar[str] = "discrete_bayes"
    weights: Weights
    threshold: float | None

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `coefficients`, `intercepts`, and `threshold`, an array of one number or none."""
        threshold = values.floats("threshold")
        return cls(Weights.read(values), threshold[0] if threshold else None)

    def response(self, data: Data) -> list[Sequence[float]]:
        """Return the probabilities; of two classes, those of the second."""
        return second_of_two([[_share(row, k) for k in range(len(row))] for row in self._likelihoods(data)])

    def predict(self, data: Data) -> list[tuple[int, float | None]]:
        """Return the most probable class."""
        return [(label, _share(row, label)) for row in self._likelihoods(data) for label in (largest(row),)]

    def _likelihoods(self, data: Data) -> list[list[float]]:
        return self.weights.apply(data if self.threshold is None else _over(data, self.threshold))


def _over(data: Data, threshold: float) -> Data:
    if not isinstance(data, Sparse):
        return Dense([[1.0 if number > threshold else 0.0 for number in row] for row in numbers(data)])
    if threshold < 0:
        raise ValueError("columns that are left out can't be over a threshold below 0")
    return Sparse([(columns, [1.0 if n > threshold else 0.0 for n in row]) for columns, row in data.rows], data.width)


class GaussianBayes(Classifier):
    """GaussianNB. With NumPy, in scikit-learn's own order: its likelihoods are so large that another order shows.

    Parameters
    ----------
    constants : of each class, the part of its log likelihood that does not depend on the input: the log of its prior,
        and the part of its variances
    means, variances : of each class and column
    """

    kind: ClassVar[str] = "gaussian_bayes"

    def __init__(self, constants: list[list[float]], means: Array, variances: Array) -> None:
        import numpy as np

        if means.shape != variances.shape or len(constants) != means.shape[0]:
            raise ValueError("there must be a mean and a variance for each class and column")
        self._constants = constants
        self._means = np.array(means.values, dtype=float).reshape(means.shape)
        self._variances = np.array(variances.values, dtype=float).reshape(variances.shape)

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `constants`, `means` and `variances`."""
        return cls(values.matrix("constants"), values.array("means"), values.array("variances"))

    def response(self, data: Data) -> list[Sequence[float]]:
        """Return the probabilities; of two classes, those of the second."""
        return second_of_two([[_share(row, k) for k in range(len(row))] for row in self._likelihoods(data)])

    def predict(self, data: Data) -> list[tuple[int, float | None]]:
        """Return the most probable class."""
        return [(label, _share(row, label)) for row in self._likelihoods(data) for label in (largest(row),)]

    def _likelihoods(self, data: Data) -> list[list[float]]:
        import numpy as np

        if isinstance(data, Sparse):
            raise ValueError("rows with all columns are expected")  # noqa: TRY004 - as scikit-learn
        rows = np.array(numbers(data), dtype=float)
        if rows.shape[1] != self._means.shape[1]:
            raise ValueError(f"there are {rows.shape[1]} columns where {self._means.shape[1]} are expected")
        with np.errstate(over="ignore", invalid="ignore"):
            columns = [
                (prior + (constant - 0.5 * np.sum(((rows - means) ** 2) / variances, axis=1))).tolist()
                for (prior, constant), means, variances in zip(
                    self._constants, self._means, self._variances, strict=True
                )
            ]
        return [list(row) for row in zip(*columns, strict=True)]


def _share(likelihoods: Sequence[float], label: int) -> float:
    """Return the share of one class in all likelihoods, with the same roundings as scikit-learn."""
    most = max(likelihoods)
    if not math.isfinite(most):
        return math.nan
    total = most + math.log(math.fsum(math.exp(number - most) for number in likelihoods))
    return math.exp(likelihoods[label] - total)


def second_of_two(probabilities: Sequence[Sequence[float]]) -> list[Sequence[float]]:
    """Return the second column of two, or all columns if there are more."""
    return [row[1:] if len(row) == 2 else row for row in probabilities]
