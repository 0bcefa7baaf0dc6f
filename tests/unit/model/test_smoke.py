"""The smoke test of a release: the answers of a version are compared with its card."""

from typing import Any

import pytest
from sklearn.dummy import DummyClassifier

from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold.model.smoke import differences, same_answer, smoke

SAMPLE: dict[str, Any] = {
    "records": [{"a": 1.0}, {"a": 2.0}, {"a": 3.0}],
    "answers": [["near", 0.75], [{"x": 2.5, "y": "red"}, {"x": None, "y": 0.5}], [3.5, None]],
}


def card(sample: dict[str, Any]) -> Card:
    signature = Signature((Field("a", FieldType.NUMBER),))
    return Card("m", ("m",), signature, ("far", "near"), versions={}, files={"m": ""}, sample=sample)


def result(**changes: Any) -> dict[str, Any]:
    return {"name": "m", "card": "abc", "answers": SAMPLE["answers"], **changes}


def test_the_sample_is_predicted_as_records_are() -> None:
    model = DummyClassifier(strategy="prior").fit([[0.0]] * 4, ["far", "near", "near", "near"])
    sample = {"records": [{"a": 1}], "answers": [["near", 0.75]]}

    predicted = smoke(Bundle(card(sample), [model], "abc"))

    assert predicted == {"name": "m", "card": "abc", "answers": [["near", 0.75]]}
    assert differences(card(sample), "abc", predicted) == []


def test_without_a_sample_nothing_is_predicted() -> None:
    model = DummyClassifier(strategy="prior").fit([[0.0]] * 2, ["far", "near"])

    assert smoke(Bundle(card({}), [model], "abc")) == {"name": "m", "card": "abc", "answers": []}


def test_numbers_may_differ_in_their_last_digits() -> None:
    close = [["near", 0.7500001], [{"x": 2.5000001, "y": "red"}, {"x": None, "y": 0.5}], [3.5, None]]

    assert differences(card(SAMPLE), "abc", result(answers=close)) == []


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"card": "other"}, "it has loaded the card other, and abc was published"),
        ({"answers": SAMPLE["answers"][:2]}, "it gave 2 answers to a sample of 3"),
        ({"answers": [["far", 0.75], *SAMPLE["answers"][1:]]}, "record 1 of the sample is ['far', 0.75] there"),
        ({"answers": [["near", 0.76], *SAMPLE["answers"][1:]]}, "record 1 of the sample is ['near', 0.76] there"),
        ({"answers": [*SAMPLE["answers"][:2], [3.6, None]]}, "record 3 of the sample is [3.6, None] there"),
        (
            {"answers": [SAMPLE["answers"][0], [{"x": 2.5}, {"x": None}], SAMPLE["answers"][2]]},
            "record 2 of the sample is",
        ),
    ],
)
def test_any_other_difference_is_reported(changes: dict[str, Any], message: str) -> None:
    [difference] = differences(card(SAMPLE), "abc", result(**changes))

    assert message in difference


@pytest.mark.parametrize(
    ("deployed", "packaged", "same"),
    [
        (10_000_000, 10_000_001, False),
        (10_000_000.0, 10_000_001.0, True),
        (2, 2, True),
        (1, True, False),
        (True, True, True),
        (2, "2", False),
    ],
)
def test_classes_are_compared_as_they_are_and_numbers_within_the_tolerance(
    deployed: Any, packaged: Any, same: bool
) -> None:
    assert same_answer([deployed, None], [packaged, None]) is same
