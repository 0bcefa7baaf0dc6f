"""Calibrated classifiers. Pure Python: one exponential or one bisection for each record and class."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from hundredfold.model.compiled.data import Data
from hundredfold.model.compiled.scores import MOST_OVER_ONE, logistic
from hundredfold.model.compiled.step import Classifier, Transformer, largest
from hundredfold.model.compiled.steps.columns import read_transformers
from hundredfold.model.compiled.values import Values


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """Makes a probability of a response r: 1 / (1 + exp(slope r + offset))."""

    slope: float
    offset: float

    def __call__(self, response: float) -> float:
        """Return the probability."""
        return logistic(-(self.slope * response + self.offset))


@dataclass(frozen=True, slots=True)
class Isotonic:
    """Makes a probability of a response by lines between known points, and the nearest point outside them."""

    responses: list[float]
    probabilities: list[float]

    def __call__(self, response: float) -> float:
        """Return the probability."""
        responses, probabilities = self.responses, self.probabilities
        if response <= responses[0]:
            return probabilities[0]
        if response >= responses[-1]:
            return probabilities[-1]
        above = bisect_left(responses, response)
        slope = (probabilities[above] - probabilities[above - 1]) / (responses[above] - responses[above - 1])
        return slope * (response - responses[above - 1]) + probabilities[above - 1]


@dataclass(frozen=True, slots=True)
class Fold:
    """A classifier and what makes probabilities of its responses, one for each class or one for the second of two."""

    steps: list[Transformer]
    classifier: Classifier
    calibrators: list[Sigmoid | Isotonic]

    def probabilities(self, data: Data) -> list[list[float]]:
        """Return the probability of each class for each record."""
        for step in self.steps:
            data = step.transform(data)
        return [self._row(row) for row in self.classifier.response(data)]

    def _row(self, responses: Sequence[float]) -> list[float]:
        calibrated = [f(response) for f, response in zip(self.calibrators, responses, strict=True)]
        if len(calibrated) == 1:
            row = [1.0 - calibrated[0], calibrated[0]]
        else:
            total = sum(calibrated)
            count = len(calibrated)
            row = [number / total for number in calibrated] if total else [1.0 / count] * count
        return [1.0 if 1.0 < number <= 1.0 + MOST_OVER_ONE else number for number in row]


@dataclass(frozen=True, slots=True)
class Calibrated(Classifier):
    """CalibratedClassifierCV: the mean of its folds' probabilities."""

    kind: ClassVar[str] = "calibrated"
    folds: list[Fold]

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `folds`: each has `steps`, a `classifier` and `calibrators`."""
        folds = []
        for mapping in values.items("folds"):
            fold = Values(mapping, values.read_step)
            classifier = values.read_step(mapping["classifier"])
            if not isinstance(classifier, Classifier):
                raise TypeError("a fold must have a classifier")
            calibrators = [_calibrator(Values(item, values.read_step)) for item in fold.items("calibrators")]
            folds.append(Fold(read_transformers(fold, "steps"), classifier, calibrators))
        if not folds:
            raise ValueError("there must be a fold")
        return cls(folds)

    def response(self, data: Data) -> list[Sequence[float]]:
        """Return the probabilities; of two classes, those of the second."""
        return [row[1:] if len(row) == 2 else row for row in self._probabilities(data)]

    def predict(self, data: Data) -> list[tuple[int, float | None]]:
        """Return the most probable class."""
        return [(label, row[label]) for row in self._probabilities(data) for label in (largest(row),)]

    def _probabilities(self, data: Data) -> list[list[float]]:
        first, *others = [fold.probabilities(data) for fold in self.folds]
        totals = first
        for rows in others:
            totals = [[a + b for a, b in zip(total, row, strict=True)] for total, row in zip(totals, rows, strict=True)]
        return [[total / len(self.folds) for total in row] for row in totals]


def _calibrator(values: Values) -> Sigmoid | Isotonic:
    if values.has("responses"):
        responses, probabilities = values.floats("responses"), values.floats("probabilities")
        if not responses or len(responses) != len(probabilities):
            raise ValueError("there must be a probability for each response")
        return Isotonic(responses, probabilities)
    return Sigmoid(values.number("slope"), values.number("offset"))
