"""The engine of compiled models: it applies the steps of a form to records."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold.model.compiled.data import Data, Dense
from hundredfold.model.compiled.form import Form
from hundredfold.model.compiled.registry import read_step
from hundredfold.model.compiled.step import Classifier, Regressor, Transformer
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
        data: Data = [value[0] for value in values] if self._text else Dense(values)
        for step in self._transformers:
            data = step.transform(data)
        if isinstance(self._last, Regressor):
            numbers = self._last.predict(data)
            if not all(map(math.isfinite, numbers)):
                raise ArithmeticError("an answer is not a number")
            return [(number, None) for number in numbers]
        answers = self._last.predict(data)
        if not all(score is None or math.isfinite(score) for _, score in answers):
            raise ArithmeticError("a probability is not a number")
        classes = self.classes
        return [(classes[label], score) for label, score in answers]


def kinds(tree: Any) -> set[str]:
    """Return the kinds of all steps in a form's tree."""
    if isinstance(tree, Mapping):
        named = {str(tree["kind"])} if "kind" in tree else set()
        return named.union(*map(kinds, tree.values()))
    if isinstance(tree, list | tuple):
        return set().union(*map(kinds, tree))
    return set()
