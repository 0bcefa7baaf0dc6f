"""From what a model returns to one answer for each record: classes, numbers, or several of either."""

import math
from collections.abc import Callable, Sequence
from typing import Any

from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.model.card import Card, Task
from hundredfold.records import Label, Score

type Answer = tuple[Label, Score]
"""A label and its score."""


type Predict = Callable[[Sequence[tuple[str | float, ...]]], Sequence[Answer]]
"""A model: the values of many records in, one answer for each out, in the same order."""

_MULTIPLE = 2
"""The dimensions of what a model of several outputs predicts: records x outputs."""


def classes_of(model: Any) -> tuple[str, ...] | list[tuple[str, ...]] | None:
    """Return a model's classes as labels, in the order of its probabilities; a list of them for several outputs.

    None for a model that names no classes: a regressor, a clusterer, an outlier detector.
    """
    classes = getattr(model, "classes_", None)
    if classes is None:
        return None
    if isinstance(classes, list | tuple):
        return [tuple(str(label) for label in one) for one in classes]
    return tuple(str(label) for label in classes)


def check_classes(card: Card, model: Any) -> None:
    """Make sure that a model answers what its card says; raises BundleRefusedError if it cannot."""
    if not (hasattr(model, "predict") or hasattr(model, "predict_proba")):
        raise BundleRefusedError(
            f"the last step of model {card.name} is a {type(model).__name__}, which does not predict: "
            "it must be a fitted estimator that has predict"
        )
    found = classes_of(model)
    if card.outputs:
        if isinstance(found, list) and found != [output.classes for output in card.outputs]:
            raise BundleRefusedError(f"the model's outputs have the classes {found}, and its card says others")
        return
    if card.task is Task.REGRESSION:
        if found is not None:
            raise BundleRefusedError(f"the model is a classifier of {found}, and its card says that it is a regressor")
    elif (found or ()) != card.classes:
        raise BundleRefusedError(f"the model's classes are {found or ()}, and its card says {card.classes}")


def answer(card: Card, model: Any, data: Any, records: int) -> list[Answer]:
    """Let `model` predict `data`, and return its answer for each of `records` records.

    A score is the probability of the label; it is None for numbers, and for classifiers without `predict_proba`,
    whose decision values have no scale that could be compared.

    Raises
    ------
    ModelMisbehavedError, ArithmeticError
        As of `Bundle.predict`.
    """
    if card.outputs:
        return _several(card, model, data, records)
    if card.task is Task.REGRESSION:
        predicted = model.predict(data)
        if predicted.ndim == _MULTIPLE:
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
        (dict(zip(names, row, strict=True)), dict(zip(names, sure, strict=True)))
        for row, sure in zip(labels, scores, strict=True)
    ]


def _label(value: Any, classes: tuple[str, ...]) -> str:
    """Return a predicted value as one of the classes: some models answer 1.0 where their class is 1."""
    label = str(value)
    if label not in classes and isinstance(value, float) and value.is_integer():
        return str(int(value))
    return label


def _scores_of_several(card: Card, probabilities: Any, labels: list[list[str]]) -> list[list[float]]:
    """Return the probability of each output's label.

    Some models give an array of records x classes for each output, others one of records x outputs that says how
    probable the last of each output's two classes is.
    """
    if isinstance(probabilities, list):
        index = [{label: place for place, label in enumerate(output.classes)} for output in card.outputs]
        tables = [
            _shaped(card, table, (len(labels), len(output.classes)))
            for table, output in zip(probabilities, card.outputs, strict=True)
        ]
        scores = [
            [table[number, places[label]] for table, places, label in zip(tables, index, row, strict=True)]
            for number, row in enumerate(labels)
        ]
    else:
        last = [output.classes[-1] for output in card.outputs]
        table = _shaped(card, probabilities, (len(labels), len(last)))
        scores = [
            [value if label == of else 1 - value for value, label, of in zip(values, row, last, strict=True)]
            for values, row in zip(table.tolist(), labels, strict=True)
        ]
    return [_finite(row) for row in scores]


def _shaped(card: Card, answers: Any, expected: tuple[int, ...]) -> Any:
    import numpy as np

    found = np.asarray(answers)
    if found.shape != expected:
        raise ModelMisbehavedError(
            f"model {card.name} answered with the shape {found.shape} where {expected} was expected: "
            "one answer for each record, and as many outputs as its card names"
        )
    return found


def _finite(values: Any) -> list[float]:
    numbers = [float(value) for value in values]
    if not all(math.isfinite(number) for number in numbers):
        raise ArithmeticError("an answer is not a number")
    return numbers
