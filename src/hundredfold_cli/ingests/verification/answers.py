"""Checks of stored predictions: what an answer must look like, by the model's card."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from hundredfold.model.card import Card, Task
from hundredfold.records import ClassLabel
from hundredfold_cli.stack.predictions_reader import StoredPrediction

_CLOCKS_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class AnswerShape:
    """The answers that a model can give.

    Attributes
    ----------
    number : whether it answers a number
    classes : its labels; empty if any may be one
    scored : whether each label has a score; None if the card does not say so
    """

    number: bool
    classes: tuple[ClassLabel, ...] = ()
    scored: bool | None = None

    def faults(self, answer: Mapping[str, Any]) -> list[str]:
        """Return what is wrong with an answer."""
        expected = {"value"} if self.number else {"label", "score"} if self.scored else {"label"}
        optional = {"score"} if self.scored is None and not self.number else set()
        names = answer.keys() & {"label", "score", "value", "outputs"}
        if not expected <= names <= expected | optional:
            return [f"it has {_listed(names)}, and should have {_listed(expected)}"]
        if self.number:
            return [] if _is_number(answer["value"]) else ["its value is no number"]
        faults = []
        label, score = answer["label"], answer.get("score")
        if not isinstance(label, str | int) or (
            self.classes and not any(type(name) is type(label) and name == label for name in self.classes)
        ):
            faults.append("its label is none of the model's classes")
        if score is not None and not (_is_number(score) and 0 <= score <= 1):
            faults.append("its score is no probability")
        return faults


@dataclass(frozen=True, slots=True)
class PredictionShape:
    """What a stored prediction must look like.

    Attributes
    ----------
    answer : of a model with one output; None if no card is known
    outputs : of a model with several, by name
    versions : the model versions that may have made it; any if empty
    earliest, latest : when it may have been made
    """

    answer: AnswerShape | None
    outputs: Mapping[str, AnswerShape]
    versions: frozenset[str]
    earliest: datetime
    latest: datetime

    def faults(self, prediction: StoredPrediction) -> list[str]:
        """Return what is wrong with a prediction, whatever record it is for."""
        faults = []
        batch, version = prediction.get("batch"), prediction.get("model_version")
        if not isinstance(batch, int) or batch < 0:
            faults.append("its batch is no number of a batch")
        if not isinstance(version, str) or (self.versions and version not in self.versions):
            faults.append(f"its model version is {version!r}")
        if not self._in_time(prediction.get("predicted_at")):
            faults.append("its predicted_at is no time within the ingest")
        return faults + self._answer_faults(prediction)

    def _answer_faults(self, prediction: StoredPrediction) -> list[str]:
        if self.answer:
            return self.answer.faults(prediction)
        if not self.outputs:
            return []
        outputs = prediction.get("outputs")
        if not isinstance(outputs, dict) or outputs.keys() != self.outputs.keys():
            return ["its outputs are not the model's"]
        return [
            f"output {name}: {fault}"
            for name, shape in self.outputs.items()
            for fault in (shape.faults(outputs[name]) if isinstance(outputs[name], dict) else ["it is no answer"])
        ]

    def _in_time(self, text: object) -> bool:
        time = parse_time(text)
        return time is not None and self.earliest - _CLOCKS_DIFFER <= time <= self.latest + _CLOCKS_DIFFER


def parse_time(text: object) -> datetime | None:
    """Return a time in ISO 8601 with its zone. Return None for anything else."""
    try:
        time = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return time if time and time.tzinfo else None


def answer_shape(card: Card) -> tuple[AnswerShape | None, dict[str, AnswerShape]]:
    """Return the shape of a model's answers: of its only output, or of each of several."""
    number = card.task is Task.REGRESSION
    answers = card.sample.get("answers") or []
    if not card.outputs:
        scored = answers[0][1] is not None if answers and not number else None
        return AnswerShape(number, card.classes, scored), {}
    scores: Mapping[str, Any] | None = (answers[0][1] or {}) if answers else None
    return None, {
        output.name: AnswerShape(
            number, output.classes, None if scores is None or number else scores.get(output.name) is not None
        )
        for output in card.outputs
    }


def _is_number(value: object) -> bool:
    return isinstance(value, float | int) and not isinstance(value, bool) and math.isfinite(value)


def _listed(names: set[str]) -> str:
    return " and ".join(sorted(names)) or "no answer"
