"""The engine of compiled models: it applies the steps of a form to records."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold.model.compiled.data import Data, Dense, texts
from hundredfold.model.compiled.form import Form
from hundredfold.model.compiled.fused import fuse
from hundredfold.model.compiled.registry import read_step
from hundredfold.model.compiled.step import Classifier, Regressor, Transformer
from hundredfold.model.compiled.steps.linear import LinearClassifier
from hundredfold.records import ClassLabel

type CompiledAnswer = tuple[ClassLabel | float, float | None]
"""A label and its score, or a number and None."""


class CompiledModel:
    """A compiled model, ready to predict.

    Attributes
    ----------
    classes : the labels that it can predict; empty for numbers
    """

    def __init__(self, form: Form) -> None:
        """Read the steps. Raise BundleRefusedError, which names the fault, if they are malformed."""
        try:
            self.classes: tuple[ClassLabel, ...] = tuple(form.model["classes"])
            self._text = form.model["input"] == "texts"
            *transformers, last = [read_step(step) for step in form.model["steps"]]
        except (KeyError, TypeError, ValueError, RecursionError) as error:
            raise BundleRefusedError(f"the compiled model cannot be read: {error!r}; package it again") from error
        if not all(isinstance(step, Transformer) for step in transformers) or not isinstance(
            last, Classifier | Regressor
        ):
            raise BundleRefusedError("the compiled model must be transformers and one predictor; package it again")
        self._transformers = [step for step in transformers if isinstance(step, Transformer)]
        self._last = last
        self._sums = fuse(transformers, last) if self._text else None

    def predict(self, values: Sequence[tuple[Any, ...]]) -> list[CompiledAnswer]:
        """Return the model's answer for each record.

        Parameters
        ----------
        values : one tuple for each record, in the order of the signature's fields

        Raises
        ------
        ArithmeticError
            If an answer is not a finite number.
        ValueError
            If a step does not take a value.
        """
        if not values:
            return []
        answers = self._answers(values)
        if isinstance(self._last, Regressor):
            if not all(math.isfinite(number) for number, _ in answers):
                raise ArithmeticError("an answer is not a number")
            return list(answers)
        if not all(score is None or math.isfinite(score) for _, score in answers):
            raise ArithmeticError("a probability is not a number")
        classes = self.classes
        return [(classes[int(label)], score) for label, score in answers]

    def _answers(self, values: Sequence[tuple[Any, ...]]) -> Sequence[tuple[float, float | None]]:
        """Return a number and None for each record, or the position of a class and its probability or None."""
        last = self._last
        data: Data = [value[0] for value in values] if self._text else Dense(values)
        if self._sums:
            numbers = self._sums.apply(texts(data))
            return list(map(last.of_two, numbers)) if isinstance(last, LinearClassifier) else _unscored(numbers)
        for step in self._transformers:
            data = step.transform(data)
        return _unscored(last.predict(data)) if isinstance(last, Regressor) else last.predict(data)


def _unscored(numbers: Sequence[float]) -> list[tuple[float, None]]:
    return [(number, None) for number in numbers]


def kinds(tree: Any) -> set[str]:
    """Return the kinds of all steps in a form's tree."""
    if isinstance(tree, Mapping):
        named = {str(tree["kind"])} if "kind" in tree else set()
        return named.union(*map(kinds, tree.values()))
    if isinstance(tree, list | tuple):
        return set().union(*map(kinds, tree))
    return set()
