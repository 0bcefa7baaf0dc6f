"""Output: turn what a model returns into one answer for each record. It may be classes, numbers, or several of both."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.model.card import Card, Task
from hundredfold.records import Label, Score

type Answer = tuple[Label, Score]
"""A label and its score."""


type Predict = Callable[[Sequence[tuple[str | float, ...]]], Sequence[Answer]]
"""A model: takes the values of many records, and returns one answer for each, in the same order."""

_MATRIX_DIMENSIONS = 2
"""The dimensions of the predictions of a model with several outputs: records x outputs."""


def classes_of(model: Any) -> tuple[str, ...] | list[tuple[str, ...]] | None:
    """Return a model's classes as labels, in the order of its probabilities; for several outputs, a list of them.

    Return None for a model without classes: a regressor, a clusterer, an outlier detector.
    """
    classes = getattr(model, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list | tuple):
        return [tuple(str(label) for label in output_classes) for output_classes in classes]
    return tuple(str(label) for label in classes)


def check_classes(card: Card, model: Any) -> None:
    """Check that a model can predict what its card describes. Raise BundleRefusedError if it cannot."""
    if not (hasattr(model, "predict") or hasattr(model, "predict_proba")):
        raise BundleRefusedError(
            f"the last step of model {card.name} is a {type(model).__name__}, which does not predict: "
            "it must be a fitted estimator that has predict"
        )
    classes = classes_of(model)
    if card.outputs:
        expected = [output.classes for output in card.outputs]
        if isinstance(classes, list) and classes != expected:
            raise BundleRefusedError(f"the model's outputs have the classes {classes}, and its card says {expected}")
        return
    if card.task is Task.REGRESSION:
        if classes is not None:
            raise BundleRefusedError(
                f"the model is a classifier of {classes}, and its card says that it is a regressor"
            )
    elif (classes or ()) != card.classes:
        raise BundleRefusedError(f"the model's classes are {classes or ()}, and its card says {card.classes}")


def answer(card: Card, model: Any, data: Any, records: int) -> list[Answer]:
    """Let `model` predict `data`, and return one answer for each of `records` records.

    The score is the probability of the label. It is None for numbers, and for a classifier without `predict_proba`:
    its decision values have no common scale.

    Raises
    ------
    ModelMisbehavedError, ArithmeticError
        As for `Bundle.predict`.
    """
    if card.outputs:
        return _several(card, model, data, records)
    if card.task is Task.REGRESSION:
        predicted = model.predict(data)
        if predicted.ndim == _MATRIX_DIMENSIONS:
            predicted = _shaped(card, predicted, (records, 1))[:, 0]
        return [(value, None) for value in _finite(_shaped(card, predicted, (records,)))]
    if hasattr(model, "predict_proba"):
        return _most_probable(card, model.predict_proba(data), records)
    return [(str(label), None) for label in _shaped(card, model.predict(data), (records,))]


def _most_probable(card: Card, probabilities: Any, records: int) -> list[Answer]:
    expected = (records, len(card.classes))
    if probabilities.shape != expected:
        raise ModelMisbehavedError(f"model {card.name} answered {probabilities.shape} for {expected} records x classes")
    best = probabilities.argmax(axis=1)
    scores = probabilities[range(len(best)), best].tolist()
    if not all(math.isfinite(score) for score in scores):
        raise ArithmeticError("a probability is not a number")
    classes = card.classes
    return [(classes[label], score) for label, score in zip(best.tolist(), scores, strict=True)]


def _several(card: Card, model: Any, data: Any, records: int) -> list[Answer]:
    names = [output.name for output in card.outputs]
    predicted = _shaped(card, model.predict(data), (records, len(names)))
    if card.task is Task.REGRESSION:
        rows = [_finite(row) for row in predicted]
        return [(dict(zip(names, row, strict=True)), dict.fromkeys(names)) for row in rows]
    labels = [
        [_label(value, output.classes) for value, output in zip(row, card.outputs, strict=True)] for row in predicted
    ]
    scores: Sequence[Sequence[float | None]] = [[None] * len(names) for _ in range(records)]
    if hasattr(model, "predict_proba"):
        scores = _scores_of_several(card, model.predict_proba(data), labels)
    return [
        (dict(zip(names, row, strict=True)), dict(zip(names, row_scores, strict=True)))
        for row, row_scores in zip(labels, scores, strict=True)
    ]


def _label(value: Any, classes: tuple[str, ...]) -> str:
    """Return a predicted value as one of the classes. Some models predict 1.0 for their class 1."""
    label = str(value)
    if label not in classes and isinstance(value, float) and value.is_integer():
        return str(int(value))
    return label


def _scores_of_several(card: Card, probabilities: Any, labels: list[list[str]]) -> list[list[float]]:
    """Return the probability of each output's label.

    Some models give an array of records x classes for each output. Others give one array of records x outputs, with
    the probability of the second of each output's two classes.
    """
    if isinstance(probabilities, list):
        columns = [{label: column for column, label in enumerate(output.classes)} for output in card.outputs]
        tables = [
            _shaped(card, table, (len(labels), len(output.classes)))
            for table, output in zip(probabilities, card.outputs, strict=True)
        ]
        scores = [
            [table[number, column[label]] for table, column, label in zip(tables, columns, row, strict=True)]
            for number, row in enumerate(labels)
        ]
    else:
        second = [output.classes[-1] for output in card.outputs]
        table = _shaped(card, probabilities, (len(labels), len(second)))
        scores = [
            [
                value if label == second_class else 1 - value
                for value, label, second_class in zip(values, row, second, strict=True)
            ]
            for values, row in zip(table.tolist(), labels, strict=True)
        ]
    return [_finite(row) for row in scores]


def _shaped(card: Card, answers: Any, expected: tuple[int, ...]) -> Any:
    import numpy as np

    array = np.asarray(answers)
    if array.shape != expected:
        raise ModelMisbehavedError(
            f"model {card.name} answered with the shape {array.shape} where {expected} was expected: "
            "one answer for each record, and as many outputs as its card names"
        )
    return array


def _finite(values: Any) -> list[float]:
    numbers = [float(value) for value in values]
    if not all(math.isfinite(number) for number in numbers):
        raise ArithmeticError("an answer is not a number")
    return numbers
