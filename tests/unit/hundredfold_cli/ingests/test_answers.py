"""Answers of a model: one label, one number or several outputs, as they are stored, exported and shown."""

from typing import Any

import pytest

from hundredfold_cli.ingests.answers import answer_text, flat_answer, stored_answer


@pytest.mark.parametrize(
    ("label", "score", "stored", "text"),
    [
        ("good", 0.9312, {"label": "good", "score": 0.9312}, "good  0.931"),
        ("good", None, {"label": "good"}, "good"),
        (21.5, None, {"value": 21.5}, "21.5"),
        (3, None, {"label": 3}, "3"),
        (3.0, None, {"value": 3.0}, "3"),
        (True, 0.5, {"label": True, "score": 0.5}, "True  0.500"),
        (
            {"size": 2.125, "colour": "red"},
            {"colour": 0.8, "size": None},
            {"outputs": {"size": {"value": 2.125}, "colour": {"label": "red", "score": 0.8}}},
            "colour: red  0.800, size: 2.125",
        ),
        ({"colour": "red"}, None, {"outputs": {"colour": {"label": "red"}}}, "colour: red"),
    ],
)
def test_an_answer_is_stored_and_shown(label: Any, score: Any, stored: dict[str, Any], text: str) -> None:
    assert stored_answer(label, score) == stored
    assert answer_text(stored) == text


def test_an_answer_in_columns_has_nothing_else_of_its_prediction() -> None:
    assert flat_answer({"record_id": "a", "label": "good", "score": 0.9, "batch": 1}) == {"label": "good", "score": 0.9}
    assert flat_answer({"record_id": "a", "outputs": {"size": {"value": 2.0}, "colour": {"label": "red"}}}) == {
        "colour_label": "red",
        "size_value": 2.0,
    }
