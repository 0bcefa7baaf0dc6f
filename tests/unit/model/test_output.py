"""Model output: whatever kind of model it is, each record gets one answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.inference.decode import Record
from hundredfold.inference.predict import predict_records
from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card, Input, Output, Task
from hundredfold.model.signature import Field, FieldType, Signature

X = [[0.0, 0.0], [0.0, 1.0], [4.0, 4.0], [4.0, 5.0]]
NUMBERS = Signature((Field("a", FieldType.NUMBER), Field("b", FieldType.NUMBER)))
COLOUR_AND_SIZE = (Output("colour", ("blue", "red")), Output("size", ("l", "s")))


def bundle(*steps: Any, signature: Signature = NUMBERS, classes: Sequence[str] = (), **card: Any) -> Bundle:
    names = tuple(f"{number}.joblib" for number in range(len(steps)))
    files = dict.fromkeys(names, "")
    return Bundle(Card("m", names, signature, tuple(classes), versions={}, files=files, **card), steps)


def test_a_regressor_answers_with_numbers() -> None:
    model = LinearRegression().fit(X, [1.0, 3.0, 17.0, 19.0])  # 1 + 2a + 2b

    answers = bundle(model, task=Task.REGRESSION).predict([(1.0, 1.0), (2.0, 0.5)])

    assert [score for _, score in answers] == [None, None]
    assert [value for value, _ in answers] == pytest.approx([5.0, 6.0])
    assert all(type(value) is float for value, _ in answers)


def test_a_regressor_that_returns_one_column_answers_with_numbers() -> None:
    model = LinearRegression().fit(X, [[1.0], [3.0], [17.0], [19.0]])
    assert model.predict(X).shape == (4, 1)

    [(value, _)] = bundle(model, task=Task.REGRESSION).predict([(1.0, 1.0)])

    assert value == pytest.approx(5.0)


def test_an_answer_that_is_not_finite_rejects_only_its_record() -> None:
    model = LinearRegression().fit(X, [1.0, 3.0, 17.0, 19.0])
    records = [Record("good", (1.0, 1.0), 1, 0), Record("bad", (1e308, 1e308), 2, 9)]

    with np.errstate(over="ignore"):
        predictions, [rejection] = predict_records(records, bundle(model, task=Task.REGRESSION).predict)

    assert [prediction.record_id for prediction in predictions] == ["good"]
    assert rejection.record_id == "bad"


def test_a_classifier_without_probabilities_answers_labels_without_scores() -> None:
    model = LinearSVC().fit(X, ["near", "near", "far", "far"])
    assert not hasattr(model, "predict_proba")

    assert bundle(model, classes=["far", "near"]).predict([(0.0, 0.5), (5.0, 5.0)]) == [("near", None), ("far", None)]


def test_a_clusterer_answers_with_its_clusters() -> None:
    model = KMeans(2, random_state=0, n_init=1).fit(X)

    answers = bundle(model).predict([(0.0, 0.5), (0.1, 0.4), (4.0, 4.5)])

    labels = [label for label, _ in answers]
    assert labels[0] == labels[1] != labels[2]
    assert set(labels) == {"0", "1"}


def test_each_of_several_class_outputs_has_a_score() -> None:
    targets = [["red", "s"], ["red", "l"], ["blue", "s"], ["blue", "s"]]
    model = DecisionTreeClassifier(max_depth=1, random_state=0).fit(X, targets)
    assert isinstance(model.predict_proba(X), list)

    [(labels, scores)] = bundle(model, outputs=COLOUR_AND_SIZE).predict([(0.0, 0.0)])

    # The only split separates near from far. Near, 2 of 2 are red and 1 of 2 is small; of equals, the first class wins.
    assert labels == {"colour": "red", "size": "l"}
    assert scores == {"colour": 1.0, "size": 0.5}


def test_each_of_several_number_outputs_has_its_name() -> None:
    model = DummyRegressor(strategy="mean").fit(X, [[1.0, 10.0]] * 2 + [[3.0, 30.0]] * 2)

    answers = bundle(model, task=Task.REGRESSION, outputs=(Output("low"), Output("high"))).predict([(0.0, 0.0)])

    assert answers == [({"low": 2.0, "high": 20.0}, {"low": None, "high": None})]


@pytest.mark.parametrize(
    "model", [OneVsRestClassifier(LogisticRegression(C=100)), ClassifierChain(LogisticRegression(C=100))]
)
def test_a_multilabel_model_scores_each_output_by_the_probability_of_its_answer(model: Any) -> None:
    model.fit(X, np.array([[1, 0], [1, 0], [0, 1], [0, 1]]))
    outputs = (Output("near", ("0", "1")), Output("far", ("0", "1")))

    [(labels, scores)] = bundle(model, outputs=outputs).predict([(0.0, 0.5)])

    assert labels == {"near": "1", "far": "0"}
    probability_near, probability_far = model.predict_proba([[0.0, 0.5]])[0]
    assert scores == pytest.approx({"near": probability_near, "far": 1 - probability_far})
    assert probability_near > 0.9


def test_a_model_fitted_on_a_data_frame_gets_columns_by_name() -> None:
    frame = pd.DataFrame({"colour": ["red", "red", "blue", "blue"], "width": [1.0, 2.0, 1.0, 2.0]})
    columns = ColumnTransformer(
        [("c", OneHotEncoder(handle_unknown="ignore"), ["colour"]), ("w", StandardScaler(), ["width"])]
    )
    model = make_pipeline(columns, LogisticRegression(C=100)).fit(frame, ["stop", "stop", "go", "go"])
    signature = Signature((Field("colour", FieldType.CATEGORY), Field("width", FieldType.NUMBER)))

    by_name = bundle(model, signature=signature, classes=["go", "stop"], input=Input.DATAFRAME)
    by_position = bundle(model, signature=signature, classes=["go", "stop"])

    assert [label for label, _ in by_name.predict([("blue", 1.5), ("red", 1.5), ("green", 1.5)])][:2] == ["go", "stop"]
    with pytest.raises(ValueError, match="only supported for dataframes"):
        by_position.predict([("blue", 1.5)])


def test_a_text_model_fitted_on_a_data_frame_gets_its_column_by_name() -> None:
    frame = pd.DataFrame({"review": ["good", "good fine", "bad", "bad poor"]})
    model = make_pipeline(ColumnTransformer([("t", CountVectorizer(), "review")]), LogisticRegression(C=100))
    model.fit(frame, ["pos", "pos", "neg", "neg"])
    signature = Signature((Field("review", FieldType.TEXT),))

    answers = bundle(model, signature=signature, classes=["neg", "pos"], input=Input.DATAFRAME).predict(
        [("fine good",)]
    )

    assert [label for label, _ in answers] == ["pos"]


class OneRowShort(DummyRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Answers all records but the last."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        return super().predict(X)[:-1]


def test_a_missing_answer_is_the_models_fault() -> None:
    model = OneRowShort().fit(X, [1.0, 1.0, 2.0, 2.0])

    with pytest.raises(ModelMisbehavedError, match=r"the shape \(2,\) where \(3,\) was expected"):
        bundle(model, task=Task.REGRESSION).predict([(1.0, 1.0)] * 3)


def test_more_outputs_than_on_the_card_are_the_models_fault() -> None:
    model = DummyRegressor().fit(X, [[1.0, 10.0]] * 4)

    with pytest.raises(ModelMisbehavedError, match=r"\(2, 2\) where \(2, 1\) was expected"):
        bundle(model, task=Task.REGRESSION).predict([(1.0, 1.0)] * 2)


def test_a_classifier_with_the_card_of_a_regressor_is_refused() -> None:
    model = DummyClassifier().fit(X, ["a", "a", "b", "b"])

    with pytest.raises(BundleRefusedError, match="its card says that it is a regressor"):
        bundle(model, task=Task.REGRESSION)


def test_outputs_with_other_classes_than_on_the_card_are_refused() -> None:
    model = DummyClassifier().fit(X, [["red", "s"], ["red", "l"], ["green", "s"], ["green", "s"]])

    with pytest.raises(BundleRefusedError, match="green"):
        bundle(model, outputs=COLOUR_AND_SIZE)
