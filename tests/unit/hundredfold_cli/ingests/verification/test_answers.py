"""What an answer must look like, by the model's card."""

from dataclasses import replace
from typing import Any

import pytest

from hundredfold.model.card import Card, Output, Task
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.ingests.verification.answers import AnswerShape, answer_shape

CARD = Card("m", ("a",), Signature((Field("text", FieldType.TEXT),)), ("no", "yes"), {}, {"a": ""})


def with_sample(card: Card, label: Any, score: Any) -> Card:
    return replace(card, sample={"answers": [[label, score]]})


def test_a_classifier_answers_one_of_its_classes_with_a_score_if_its_sample_has_one() -> None:
    assert answer_shape(with_sample(CARD, "no", 0.5)) == (AnswerShape(False, ("no", "yes"), scored=True), {})
    assert answer_shape(with_sample(CARD, "no", None)) == (AnswerShape(False, ("no", "yes"), scored=False), {})
    assert answer_shape(CARD) == (AnswerShape(False, ("no", "yes"), scored=None), {})


def test_a_regressor_answers_a_number() -> None:
    card = replace(CARD, task=Task.REGRESSION, classes=())

    assert answer_shape(with_sample(card, 1.5, None)) == (AnswerShape(True), {})


def test_each_of_several_outputs_has_its_own_shape() -> None:
    card = replace(CARD, classes=(), outputs=(Output("a", ("x", "y")), Output("b", ("z",))))

    answer, outputs = answer_shape(with_sample(card, {"a": "x", "b": "z"}, {"a": 0.5, "b": None}))

    assert answer is None
    assert outputs == {
        "a": AnswerShape(False, ("x", "y"), scored=True), "b": AnswerShape(False, ("z",), scored=False),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "answer"),
    [
        (AnswerShape(False, ("no",), scored=True), {"label": "no", "score": 0.0}),
        (AnswerShape(False, ("no",), scored=False), {"label": "no"}),
        (AnswerShape(False, (), scored=None), {"label": "3", "score": 1.0}),
        (AnswerShape(False, (), scored=None), {"label": "3"}),
        (AnswerShape(True), {"value": -1e39}),
    ],
)
def test_an_answer_of_its_shape_has_no_fault(shape: AnswerShape, answer: dict[str, Any]) -> None:
    assert shape.faults(answer) == []


@pytest.mark.parametrize(
    ("shape", "answer", "fault"),
    [
        (AnswerShape(False, ("no",), scored=False), {"label": "no", "score": 0.5}, "it has label and score"),
        (AnswerShape(False, ("no",), scored=True), {}, "it has no answer, and should have label and score"),
        (AnswerShape(True), {"label": "no"}, "it has label, and should have value"),
        (AnswerShape(True), {"value": "1"}, "its value is no number"),
    ],
)
def test_an_answer_of_another_shape_has(shape: AnswerShape, answer: dict[str, Any], fault: str) -> None:
    [found] = shape.faults(answer)

    assert found.startswith(fault)
