"""What every step is: a transformer, a classifier or a regressor."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar, Self

from hundredfold.model.compiled.data import Data
from hundredfold.model.compiled.values import Values


class Step(ABC):
    """One step of a compiled model.

    Attributes
    ----------
    kind : its name in the form
    """

    kind: ClassVar[str]

    @classmethod
    @abstractmethod
    def read(cls, values: Values) -> Self:
        """Make the step of what the form says. Raise KeyError, TypeError or ValueError if that is malformed."""


class Transformer(Step):
    """A step that makes data of data."""

    @abstractmethod
    def transform(self, data: Data) -> Data:
        """Transform the records' data, in their order."""


class Regressor(Step):
    """A last step that predicts a number."""

    @abstractmethod
    def predict(self, data: Data) -> list[float]:
        """Return a number for each record. It need not be finite."""


class Classifier(Step):
    """A last step that predicts one of the classes."""

    @abstractmethod
    def response(self, data: Data) -> list[Sequence[float]]:
        """Return what a calibrator reads: a number for each record and class, or one number if there are two classes.

        It is the decision function if the estimator has one, else the probabilities.
        """

    @abstractmethod
    def predict(self, data: Data) -> list[tuple[int, float | None]]:
        """Return for each record the position of its class, and its probability or None."""


def largest(numbers: Sequence[float]) -> int:
    """Return the position of the largest number, the first of equal ones. NaN counts as the largest, as in NumPy."""
    best = max(numbers)
    for position, number in enumerate(numbers):
        if number != number:
            return position
    return numbers.index(best)
