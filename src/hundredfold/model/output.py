"""Output: turn what a model returns into one answer for each record. It may be classes, numbers, or several of both."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.model.card import Card, Task
from hundredfold.model.labels import are_classes, check_labels, classes_of, read_free_label, read_label
from hundredfold.model.one_call import decisive_lead
from hundredfold.model.signature import Values
from hundredfold.records import ClassLabel, Label, Score

type Answer = tuple[Label, Score]
"""A label and its score."""


type Predict = Callable[[Sequence[Values]], Sequence[Answer]]
"""A model: takes the values of many records, and returns one answer for each, in the same order."""

_MATRIX_DIMENSIONS = 2
"""The dimensions of the predictions of a model with several outputs: records x outputs."""


def check_model(card: Card, model: Any) -> None:
    """Check that a model predicts what its card describes, and that this can be stored.

    Raises
    ------
    BundleRefusedError
        If it does not predict, has other classes than the card, or as for `check_labels`.
    """
    if not hasattr(model, "predict"):
        raise BundleRefusedError(
            f"the last step of model {card.name} is a {type(model).__name__}, which does not predict: "
            "it must be a fitted estimator that has predict"
        )
    classes = classes_of(model)
    if card.outputs:
        expected = [output.classes for output in card.outputs]
        if isinstance(classes, list) and not (
            len(classes) == len(expected) and all(map(are_classes, expected, classes))
        ):
            raise BundleRefusedError(f"the model's outputs have the classes {classes}, and its card says {expected}")
    elif card.task is Task.REGRESSION:
        if classes is not None:
            raise BundleRefusedError(
                f"the model is a classifier of {classes}, and its card says that it is a regressor"
            )
    elif isinstance(classes, list) or not are_classes(card.classes, classes or ()):
        raise BundleRefusedError(f"the model's classes are {classes or ()}, and its card says {card.classes}")
    check_labels(card, model)


class ModelOutput:
    """The last step of a bundle. It predicts, and its output becomes one answer for each record.

    A label is what `predict` answers. The score is the probability of that label. It is None for numbers, and for a
    classifier without `predict_proba`: its decision values have no common scale.

    Raises
    ------
    BundleRefusedError
        As for `check_model`.
    """

    def __init__(self, card: Card, model: Any) -> None:
        check_model(card, model)
        self._card = card
        self._model = model
        self._has_probabilities = hasattr(model, "predict_proba")
        self._lead = decisive_lead(model)
        # Cards of before have the numbers of clusters as texts, and their releases keep answering so.
        self._free_texts = any(isinstance(answer[0], str) for answer in card.sample.get("answers", ()))
        self._columns = _columns(card.classes)
        self._columns_of_outputs = [_columns(output.classes) for output in card.outputs]

    def answers(self, prepare: Callable[[], Any], records: int) -> list[Answer]:
        """Return one answer for each of `records` records.

        Parameters
        ----------
        prepare : makes the model's input. It is made anew for each call of the model, because a model may change it.

        Raises
        ------
        ModelMisbehavedError, ArithmeticError, UnfitLabelError
            As for `Bundle.predict`.
        """
        if self._card.outputs:
            return self._several(prepare, records)
        if self._card.task is Task.REGRESSION:
            return [(value, None) for value in _finite(self._predicted(prepare, records))]
        if not (self._has_probabilities and self._columns):
            return [(label, None) for label in self._labels(prepare, records)]
        if self._lead is None:
            labels = self._labels(prepare, records)
            probabilities = self._probabilities(prepare, records)
        else:
            probabilities = self._probabilities(prepare, records)
            best = probabilities.argmax(axis=1)
            scores = probabilities[range(records), best]
            # The best class itself counts once for each record, so more than that are ties.
            if ((scores[:, None] - probabilities) < self._lead).sum() <= records:
                classes = self._card.classes
                return list(zip([classes[column] for column in best.tolist()], _finite(scores.tolist()), strict=True))
            labels = self._labels(prepare, records)
        columns = [self._columns[label] for label in labels]
        return list(zip(labels, _finite(probabilities[range(records), columns].tolist()), strict=True))

    def _predicted(self, prepare: Callable[[], Any], records: int) -> Any:
        """Return what the model predicts. Some models give one column in place of one value for each record."""
        predicted = self._model.predict(prepare())
        if getattr(predicted, "ndim", 1) == _MATRIX_DIMENSIONS:
            return self._shaped(predicted, (records, 1))[:, 0]
        return self._shaped(predicted, (records,))

    def _labels(self, prepare: Callable[[], Any], records: int) -> list[ClassLabel]:
        predicted = self._predicted(prepare, records)
        if not self._columns:
            return [read_free_label(value, as_text=self._free_texts) for value in predicted]
        return [read_label(value, self._columns) for value in predicted]

    def _probabilities(self, prepare: Callable[[], Any], records: int) -> Any:
        return self._shaped(self._model.predict_proba(prepare()), (records, len(self._card.classes)))

    def _several(self, prepare: Callable[[], Any], records: int) -> list[Answer]:
        names = [output.name for output in self._card.outputs]
        predicted = self._shaped(self._model.predict(prepare()), (records, len(names)))
        if self._card.task is Task.REGRESSION:
            rows = [_finite(row) for row in predicted]
            return [(dict(zip(names, row, strict=True)), dict.fromkeys(names)) for row in rows]
        labels = [
            [read_label(value, columns) for value, columns in zip(row, self._columns_of_outputs, strict=True)]
            for row in predicted
        ]
        scores: Sequence[Sequence[float | None]] = [[None] * len(names) for _ in range(records)]
        if self._has_probabilities:
            scores = self._scores_of_several(self._model.predict_proba(prepare()), labels)
        return [
            (dict(zip(names, row, strict=True)), dict(zip(names, row_scores, strict=True)))
            for row, row_scores in zip(labels, scores, strict=True)
        ]

    def _scores_of_several(self, probabilities: Any, labels: list[list[ClassLabel]]) -> list[list[float]]:
        """Return the probability of each output's label.

        Some models give an array of records x classes for each output. Others give one array of records x outputs,
        with the probability of the second of each output's two classes.
        """
        if isinstance(probabilities, list):
            tables = [
                self._shaped(table, (len(labels), len(columns)))
                for table, columns in zip(probabilities, self._columns_of_outputs, strict=True)
            ]
            scores = [
                [
                    table[number, columns[label]]
                    for table, columns, label in zip(tables, self._columns_of_outputs, row, strict=True)
                ]
                for number, row in enumerate(labels)
            ]
        else:
            second = [output.classes[-1] for output in self._card.outputs]
            table = self._shaped(probabilities, (len(labels), len(second)))
            scores = [
                [
                    value if label == second_class else 1 - value
                    for value, label, second_class in zip(values, row, second, strict=True)
                ]
                for values, row in zip(table.tolist(), labels, strict=True)
            ]
        return [_finite(row) for row in scores]

    def _shaped(self, output: Any, expected: tuple[int, ...]) -> Any:
        import numpy as np

        array = np.asarray(output)
        if array.shape != expected:
            raise ModelMisbehavedError(
                f"model {self._card.name} answered with the shape {array.shape} where {expected} was expected: "
                "one answer for each record, and as many outputs and classes as its card names"
            )
        return array


def _columns(classes: Sequence[ClassLabel]) -> Mapping[ClassLabel, int]:
    return {label: column for column, label in enumerate(classes)}


def _finite(values: Any) -> list[float]:
    numbers = [float(value) for value in values]
    if not all(math.isfinite(number) for number in numbers):
        raise ArithmeticError("an answer is not a number")
    return numbers
