"""Prediction: one call of the model, and the search for records at fault."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.errors import HundredfoldError, ModelMisbehavedError
from hundredfold.inference.decode import DecodedBatch, Record
from hundredfold.inference.predict import predict_batch, predict_records
from hundredfold.model.output import Answer
from hundredfold.records import Prediction, Reason, Rejection, stored_number

type Values = Sequence[tuple[str | float | None, ...]]


@dataclass
class PoisonedModel:
    """Raises for a poisonous value. Otherwise, answers each value with a label that names it."""

    poison: set[float] = field(default_factory=set)
    calls: list[int] = field(default_factory=list)

    def predict(self, values: Values) -> list[Answer]:
        self.calls.append(len(values))
        poisonous = [value for (value,) in values if value in self.poison]
        if poisonous:
            raise ValueError(f"secret of the record: {poisonous}")
        return [(f"label of {value:g}", 0.5) for (value,) in values if isinstance(value, float)]


def records(count: int) -> list[Record]:
    return [Record(f"r{number}", (float(number),), line=10 + number, offset=1000 + number) for number in range(count)]


def test_all_records_are_predicted_with_one_call() -> None:
    model = PoisonedModel()

    predictions, rejections = predict_records(records(3), model.predict)

    assert predictions == [
        Prediction("r0", "label of 0", 0.5),
        Prediction("r1", "label of 1", 0.5),
        Prediction("r2", "label of 2", 0.5),
    ]
    assert rejections == []
    assert model.calls == [3]


def test_the_model_is_not_called_without_records() -> None:
    model = PoisonedModel()

    assert predict_records([], model.predict) == ([], [])
    assert model.calls == []


def test_the_record_at_fault_is_rejected_and_the_others_are_predicted() -> None:
    model = PoisonedModel({5.0})

    predictions, rejections = predict_records(records(8), model.predict)

    assert [prediction.record_id for prediction in predictions] == ["r0", "r1", "r2", "r3", "r4", "r6", "r7"]
    # The detail has only the type of the error: its message quotes the record.
    assert rejections == [
        Rejection(15, 1005, Reason.NOT_PREDICTABLE, "the model raised ValueError for it", record_id="r5")
    ]
    assert model.calls == [8, 4, 4, 2, 1, 1, 2]


def test_a_batch_with_every_record_at_fault_costs_two_calls_a_record() -> None:
    model = PoisonedModel(set(map(float, range(8))))

    predictions, rejections = predict_records(records(8), model.predict)

    assert predictions == []
    assert len(rejections) == 8
    assert len(model.calls) == 15


@given(st.integers(1, 130).flatmap(lambda count: st.tuples(st.just(count), st.sets(st.integers(0, count - 1)))))
def test_exactly_the_records_at_fault_are_rejected(case: tuple[int, set[int]]) -> None:
    count, poison = case
    model = PoisonedModel(set(map(float, poison)))

    predictions, rejections = predict_records(records(count), model.predict)

    assert [rejection.record_id for rejection in rejections] == [f"r{number}" for number in sorted(poison)]
    assert [(prediction.record_id, prediction.label) for prediction in predictions] == [
        (f"r{number}", f"label of {number:g}") for number in range(count) if number not in poison
    ]
    assert len(model.calls) <= min(2 * count - 1, 1 + 2 * len(poison) * math.ceil(math.log2(count)))


@pytest.mark.parametrize("error", [ModelMisbehavedError("it has no rows"), HundredfoldError("no"), MemoryError()])
def test_an_error_that_is_no_records_fault_passes_through_at_once(error: Exception) -> None:
    calls = 0

    def predict(_: Values) -> list[Answer]:
        nonlocal calls
        calls += 1
        raise error

    with pytest.raises(type(error)) as raised:
        predict_records(records(4), predict)

    assert raised.value is error
    assert calls == 1


def test_an_interruption_passes_through() -> None:
    def predict(_: Values) -> list[Answer]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict_records(records(4), predict)


@pytest.mark.parametrize("answers", [0, 3, 5])
def test_a_wrong_number_of_answers_is_an_error(answers: int) -> None:
    with pytest.raises(ValueError, match="zip"):
        predict_records(records(4), lambda _: [("a", 1.0)] * answers)


def decoded(*ids_and_texts: tuple[str, str]) -> DecodedBatch:
    """A batch of records with these ids and texts, one a line."""
    every = [Record(record_id, (text,), line, 10 * line) for line, (record_id, text) in enumerate(ids_and_texts, 1)]
    ids: set[str] = set()
    first: list[Record] = []
    duplicates: list[Record] = []
    for record in every:
        (duplicates if record.record_id in ids else first).append(record)
        ids.add(record.record_id)
    return DecodedBatch(first, duplicates, [])


def unless_poison(values: Sequence[tuple[str | float | None, ...]]) -> list[Answer]:
    if ("poison",) in values:
        raise ValueError("poison")
    return [(str(text), 0.5) for (text,) in values]


@pytest.mark.parametrize(
    ("texts", "predicted_line"),
    [
        (["good", "other"], 1),
        (["poison", "good", "other"], 2),
        (["poison", "poison", "good"], 3),
        (["poison", "poison"], None),
    ],
)
def test_the_first_record_of_an_id_that_can_be_predicted_has_it(texts: list[str], predicted_line: int | None) -> None:
    batch = decoded(*[("D", text) for text in texts], ("E", "good"))

    predicted = predict_batch(batch, unless_poison)

    lines = {rejection.line: rejection.reason for rejection in predicted.rejections}
    assert sorted([*lines, *([predicted_line] if predicted_line else [])]) == list(range(1, len(texts) + 1))
    assert [p.label for p in predicted.predictions if p.record_id == "D"] == (
        [texts[predicted_line - 1]] if predicted_line else []
    )
    assert {lines[line] for line in lines if not predicted_line or line < predicted_line} <= {Reason.NOT_PREDICTABLE}
    assert {lines[line] for line in lines if predicted_line and line > predicted_line} <= {Reason.DUPLICATE_ID}
    assert [p.record_id for p in predicted.predictions if p.record_id == "E"] == ["E"]


@pytest.mark.parametrize("value", [1e126, -1e126, 1.7e308])
def test_a_number_that_dynamodb_does_not_store_rejects_its_record_alone(value: float) -> None:
    batch = decoded(("a", "1"), ("b", "2"), ("c", "3"))

    predicted = predict_batch(batch, lambda values: [(value if text == "2" else 0.5, None) for (text,) in values])

    assert [p.record_id for p in predicted.predictions] == ["a", "c"]
    assert [(r.record_id, r.reason) for r in predicted.rejections] == [("b", Reason.NOT_STORABLE)]


def test_one_output_that_cannot_be_stored_rejects_the_record() -> None:
    predicted = predict_batch(decoded(("a", "1")), lambda _: [({"x": 1.0, "y": 1e200}, {"x": None, "y": None})])

    assert [r.reason for r in predicted.rejections] == [Reason.NOT_STORABLE]


@pytest.mark.parametrize(
    ("value", "stored"), [(1e-131, 0.0), (-5e-324, 0.0), (1e-130, 1e-130), (9.99e125, 9.99e125), (0.0, 0.0)]
)
def test_a_number_too_small_for_dynamodb_is_stored_as_zero(value: float, stored: float) -> None:
    assert stored_number(value) == stored
