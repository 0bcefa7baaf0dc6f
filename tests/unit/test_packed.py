"""Packed predictions: their encoding, how they are cut into parts, and what damaged ones are told by."""

import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.packed import PackedPredictions, ids_of, unpack
from hundredfold.records import Prediction

AT = "2026-11-24T10:00:00.000+00:00"


def test_a_part_is_gzip_of_json_with_a_column_for_each_attribute() -> None:
    predictions = [
        Prediction("a", "pos", 0.9),
        Prediction("é", "neg", 0.30000000000000004),
        Prediction("c", "pos", 1.0),
    ]

    [part] = PackedPredictions("7", predictions).parts(AT)

    assert json.loads(gzip.decompress(part)) == {
        "model_version": "7",
        "predicted_at": AT,
        "ids": ["a", "é", "c"],
        "labels": ["pos", "neg"],
        "label": [0, 1, 0],
        "score": [0.9, 0.30000000000000004, 1.0],
    }


@pytest.mark.parametrize(
    ("prediction", "columns", "answer"),
    [
        (Prediction("a", "pos", None), {"labels": ["pos"], "label": [0]}, {"label": "pos"}),
        (Prediction("a", 2, 0.5), {"labels": [2], "label": [0], "score": [0.5]}, {"label": 2, "score": 0.5}),
        (Prediction("a", True, None), {"labels": [True], "label": [0]}, {"label": True}),
        (Prediction("a", -1.5e-7, None), {"value": [-1.5e-7]}, {"value": -1.5e-7}),
        (Prediction("a", 1e-300, None), {"value": [0.0]}, {"value": 0.0}),
        (
            Prediction("a", {"colour": "red", "size": 2.0}, {"colour": 0.75, "size": None}),
            {"outputs": {"colour": {"labels": ["red"], "label": [0], "score": [0.75]}, "size": {"value": [2.0]}}},
            {"outputs": {"colour": {"label": "red", "score": 0.75}, "size": {"value": 2.0}}},
        ),
    ],
    ids=[
        "class without score",
        "integer class",
        "boolean class",
        "number",
        "number too small to be stored",
        "several outputs",
    ],
)
def test_an_answer_is_read_back_as_the_layout_item_stores_it(
    prediction: Prediction, columns: object, answer: dict[str, object]
) -> None:
    [part] = PackedPredictions("7", [prediction]).parts(AT)

    written = json.loads(gzip.decompress(part))
    assert {name: written[name] for name in written.keys() - {"ids", "model_version", "predicted_at"}} == columns
    assert list(unpack(part)) == [{"record_id": "a", **answer, "model_version": "7", "predicted_at": AT}]


def test_some_predictions_of_a_batch_may_have_no_score() -> None:
    [part] = PackedPredictions("7", [Prediction("a", "pos", 0.5), Prediction("b", "pos", None)]).parts(AT)

    assert [prediction.get("score") for prediction in unpack(part)] == [0.5, None]
    assert ["score" in prediction for prediction in unpack(part)] == [True, False]


def test_the_same_predictions_give_the_same_bytes() -> None:
    packed = PackedPredictions("7", [Prediction("a", "pos", 0.9)])

    assert packed.parts(AT) == packed.parts(AT)


def test_a_batch_without_predictions_has_no_part() -> None:
    assert PackedPredictions("7", []).parts(AT) == []


def test_a_batch_of_a_hundred_with_short_ids_takes_one_and_a_half_kilobytes() -> None:
    predictions = [
        Prediction(f"imdb-{number:05d}", ("pos", "neg")[number % 3 % 2], 1 / (number + 1.1)) for number in range(100)
    ]

    [part] = PackedPredictions("7", predictions).parts(AT)

    assert 1_100 < len(part) < 1_500


@given(
    st.lists(
        st.tuples(st.text(min_size=1), st.sampled_from(["pos", "neg"]), st.floats(0, 1)), unique_by=lambda row: row[0]
    ),
    st.integers(100, 400),
)
def test_parts_together_have_every_prediction_once_and_in_order(
    rows: list[tuple[str, str, float]], part_bytes: int
) -> None:
    predictions = [Prediction(*row) for row in rows if row[0].isprintable()]

    parts = PackedPredictions("7", predictions).parts(AT, part_bytes=part_bytes)

    assert [
        (prediction["record_id"], prediction["label"], prediction["score"])
        for part in parts
        for prediction in unpack(part)
    ] == [(prediction.record_id, prediction.label, prediction.score) for prediction in predictions]
    assert [record_id for part in parts for record_id in ids_of(part)] == [p.record_id for p in predictions]
    assert all(len(part) <= part_bytes or len(ids_of(part)) == 1 for part in parts)


@pytest.mark.parametrize(
    ("part", "why"),
    [
        (b"", "damaged"),
        (b"no gzip", "damaged"),
        (gzip.compress(b"no json", mtime=0), "damaged"),
        (gzip.compress(b'{"ids": ["a"], "labels": [], "label": [0]}', mtime=0), "do not fit together"),
        (
            gzip.compress(b'{"ids": ["a", "b"], "model_version": "7", "predicted_at": "t", "value": [1]}', mtime=0),
            "shorter",
        ),
        (
            gzip.compress(
                b'{"ids": ["a"], "model_version": "7", "predicted_at": "t", "labels": [], "label": [0]}', mtime=0
            ),
            "do not fit together",
        ),
    ],
)
def test_a_damaged_part_is_refused(part: bytes, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        list(unpack(part))
