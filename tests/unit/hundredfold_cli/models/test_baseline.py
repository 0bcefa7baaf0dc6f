"""A baseline of any model: it is taken from records, kept on the card, and an ingest's drift is measured from it."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import is_clusterer
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingRegressor, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.svm import LinearSVC

from hundredfold.errors import BundleRefusedError
from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card, Output, Task, versions_here
from hundredfold.model.drift import Baseline
from hundredfold.model.labels import classes_of
from hundredfold.model.signature import Field, FieldType, Signature, Values
from hundredfold.records import Prediction
from hundredfold_cli.ingests.answer_counts import AnswerCounts, count_answers
from hundredfold_cli.models.baseline import take_baseline

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(400, 2))
ROWS: list[Values] = [tuple(row) for row in X.tolist()]
FAR: list[Values] = [(a + 9.0, b + 9.0) for a, b in X.tolist()]
ABOVE = np.where(X[:, 0] > 0, 1, 0)


def bundle_of(model: Any, outputs: tuple[Output, ...] = (), nullable: bool = False) -> Bundle:
    classes = classes_of(model)
    task = Task.CLASSIFICATION if classes is not None or is_clusterer(model) else Task.REGRESSION
    signature = Signature(tuple(Field(name, FieldType.NUMBER, nullable=nullable) for name in "ab"))
    single = classes if isinstance(classes, tuple) and not outputs else ()
    card = Card("m", ("m",), signature, single, versions_here(), {"m": ""}, task=task, outputs=outputs)
    return Bundle(card, [model])


def several_classes() -> Bundle:
    targets = np.column_stack([np.where(X[:, 0] > 0, "red", "blue"), ABOVE])
    model = RandomForestClassifier(5, random_state=0).fit(X, targets)
    return bundle_of(model, (Output("colour", ("blue", "red")), Output("above", ("0", "1"))))


BUNDLES: dict[str, Callable[[], Bundle]] = {
    "scored classes": lambda: bundle_of(LogisticRegression().fit(X, ABOVE)),
    "classes alone": lambda: bundle_of(LinearSVC().fit(X, ABOVE)),
    "numbers": lambda: bundle_of(LinearRegression().fit(X, X[:, 0] * 3)),
    "clusters": lambda: bundle_of(KMeans(3, random_state=0, n_init=1).fit(X)),
    "several classes": several_classes,
    "several numbers": lambda: bundle_of(LinearRegression().fit(X, X * 3), (Output("x"), Output("y"))),
}


@pytest.mark.parametrize("kind", BUNDLES)
def test_the_same_records_do_not_drift_from_the_baseline_and_others_do(kind: str) -> None:
    bundle = BUNDLES[kind]()
    baseline = Baseline.from_dict(take_baseline(bundle, ROWS, "train.csv").as_dict())

    def drift_of(rows: list[Values]) -> Any:
        predictions = [Prediction("", label, score) for label, score in bundle.predict(rows)]
        return baseline.drift(baseline.sketch(bundle.card.signature, rows, predictions))

    same, far = drift_of(ROWS), drift_of(FAR)

    assert baseline.on == "400 records of train.csv"
    assert same.largest < 1e-4
    assert far.inputs.index > 1
    assert far.unseen_share > 0.9
    assert max(far.labels.index, far.scores.index) > 0.2
    assert (far.labels.index > 0) == bool(baseline.labels)
    assert (far.scores.index > 0) == bool(baseline.scores)


def test_shares_are_those_of_the_answers() -> None:
    bundle = BUNDLES["several numbers"]()
    baseline = take_baseline(bundle, ROWS, "train.csv")

    assert list(baseline.labels) == [f"{output}: {tenth}" for output in "xy" for tenth in range(10)]
    assert all(share == pytest.approx(0.05, abs=0.003) for share in baseline.labels.values())
    classes = take_baseline(several_classes(), ROWS, "train.csv")
    assert classes.labels["above: 1"] + classes.labels["above: 0"] == pytest.approx(0.5)


def test_missing_values_are_counted_in_a_bin_of_their_own() -> None:
    model = HistGradientBoostingRegressor(max_iter=2).fit(X, X[:, 0])
    bundle = bundle_of(model, nullable=True)
    rows: list[Values] = [(math.nan if number % 4 == 0 else row[0], row[1]) for number, row in enumerate(ROWS)]

    baseline = Baseline.from_dict(take_baseline(bundle, rows, "train.csv").as_dict())

    assert baseline.inputs[0].shares[-1] == pytest.approx(0.25)
    assert sum(baseline.inputs[0].shares) == pytest.approx(1.0)
    assert baseline.inputs[1].shares[-1] == 0
    assert baseline.unseen == 0


def test_records_that_the_model_refuses_are_left_out_and_too_few_are_refused() -> None:
    bundle = BUNDLES["numbers"]()
    refused: list[Values] = [(math.nan, 0.0)]

    assert take_baseline(bundle, [*refused, *ROWS], "train.csv").records == 400
    with pytest.raises(BundleRefusedError, match=r"at least 200 records .* train\.csv has 199"):
        take_baseline(bundle, [*refused, *ROWS[:199]], "train.csv")


def test_without_a_baseline_stored_answers_are_counted() -> None:
    predictions: list[dict[str, Any]] = [
        {"outputs": {"colour": {"label": 2, "score": 0.5}, "size": {"value": 1.5}}},
        {"outputs": {"colour": {"label": 3, "score": 0.7}, "size": {"value": 2.5}}},
    ]

    colour, size = count_answers(predictions)

    assert (colour.output, dict(colour.labels), colour.scores) == ("colour", {"2": 1, "3": 1}, [0.5, 0.7])
    assert size == AnswerCounts("size", values=[1.5, 2.5])
    [alone] = count_answers([{"label": True}])
    assert dict(alone.labels) == {"true": 1}
