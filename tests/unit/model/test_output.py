"""Model output: whatever kind of model it is, each record gets one answer."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_digits
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler
from sklearn.svm import SVC, LinearSVC
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
    assert set(labels) == {0, 1}
    assert {type(label) for label in labels} == {int}


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


# ---------------------------------------------------------------- labels are predict's


def test_a_classifier_with_a_threshold_of_its_own_answers_by_it() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(400, 2))
    targets = np.where(rows[:, 0] + rng.normal(size=400) > 0, "yes", "no")
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.9, pos_label="yes").fit(rows, targets)
    probabilities = model.predict_proba(rows)
    assert (model.classes_[probabilities.argmax(axis=1)] != model.predict(rows)).sum() > 50

    answers = bundle(model, classes=["no", "yes"]).predict([tuple(row) for row in rows.tolist()])

    assert [label for label, _ in answers] == model.predict(rows).tolist()
    expected = [row[0] if label == "no" else row[1] for row, (label, _) in zip(probabilities, answers, strict=True)]
    assert [score for _, score in answers] == expected
    assert min(score for _, score in answers if isinstance(score, float)) < 0.5


def test_a_tuned_threshold_answers_by_it() -> None:
    rng = np.random.default_rng(3)
    rows = rng.normal(size=(400, 2))
    targets = (rows[:, 0] + 2 * rng.normal(size=400) > 1.5).astype(int)
    model = TunedThresholdClassifierCV(LogisticRegression(), cv=3, random_state=0).fit(rows, targets)
    assert (model.predict_proba(rows).argmax(axis=1) != model.predict(rows)).any()

    answers = bundle(model, classes=["0", "1"]).predict([tuple(row) for row in rows.tolist()])

    assert [label for label, _ in answers] == [str(label) for label in model.predict(rows)]


@pytest.mark.filterwarnings("ignore:The `probability` parameter:FutureWarning")
def test_a_support_vector_machine_answers_by_its_decision_and_scores_by_its_probability() -> None:
    digits = load_digits()
    model = SVC(probability=True, random_state=0).fit(digits.data[:600], digits.target[:600])
    rows = digits.data[600:]
    probabilities = model.predict_proba(rows)
    # Of some, another class than the label is the most probable.
    assert (probabilities.argmax(axis=1) != model.predict(rows)).any()
    signature = Signature(tuple(Field(f"p{number}", FieldType.NUMBER) for number in range(64)))

    answers = bundle(model, signature=signature, classes=[str(digit) for digit in range(10)]).predict(
        [tuple(row) for row in rows.tolist()]
    )

    assert [label for label, _ in answers] == [str(label) for label in model.predict(rows)]
    assert [score for _, score in answers] == [
        row[int(label)] for row, label in zip(probabilities, model.predict(rows), strict=True)
    ]


class SureOrUnknown(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts a label that is not one of its classes where it is not sure."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        sure = self.predict_proba(X).max(axis=1) > 0.6
        return np.where(sure, super().predict(X), "unknown")


def test_a_label_that_is_no_class_rejects_only_its_record() -> None:
    model = SureOrUnknown().fit(X, ["near", "near", "far", "far"])
    records = [Record("near", (0.0, 0.0), 1, 0), Record("between", (2.0, 2.5), 2, 9), Record("far", (4.0, 5.0), 3, 18)]

    predictions, [rejection] = predict_records(records, bundle(model, classes=["far", "near"]).predict)

    assert [prediction.label for prediction in predictions] == ["near", "far"]
    assert rejection.record_id == "between"
    assert "UnfitLabelError" in rejection.detail


class Careless(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Changes its input."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        labels = super().predict(X)
        X[:] = 0.0
        return labels


def test_a_model_that_changes_its_input_is_scored_on_the_records_all_the_same() -> None:
    model = Careless().fit(X, ["near", "near", "far", "far"])

    [(label, score)] = bundle(model, classes=["far", "near"]).predict([(4.0, 5.0)])

    assert (label, score) == ("far", model.predict_proba(np.array([[4.0, 5.0]]))[0][0])


class OneColumn(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts one column in place of one value for each record, as CatBoost does."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        return super().predict(X).reshape(-1, 1)


def test_a_classifier_that_returns_one_column_answers_with_its_labels() -> None:
    model = OneColumn().fit(X, ["near", "near", "far", "far"])

    answers = bundle(model, classes=["far", "near"]).predict([(4.0, 5.0), (0.0, 0.0)])

    assert [label for label, _ in answers] == ["far", "near"]


def test_probabilities_without_classes_give_no_score() -> None:
    class Mixture(DummyRegressor):  # type: ignore[misc]
        """Has probabilities of components that have no names."""

        def predict_proba(self, X: Any) -> Any:  # noqa: N803 - its name there
            return np.full((len(X), 2), 0.5)

    assert bundle(Mixture().fit(X, [1, 1, 1, 1])).predict([(0.0, 0.0)]) == [(1, None)]


def test_a_model_that_does_not_predict_is_refused() -> None:
    with pytest.raises(BundleRefusedError, match="StandardScaler, which does not predict"):
        bundle(StandardScaler().fit(X))


@pytest.mark.parametrize("threshold", [0.2, 0.8])
def test_outputs_with_thresholds_of_their_own_answer_by_them(threshold: float) -> None:
    base = FixedThresholdClassifier(LogisticRegression(), threshold=threshold, pos_label=None)
    model = MultiOutputClassifier(base).fit(X, np.array([[1, 0], [1, 1], [0, 1], [0, 1]]))
    outputs = (Output("near", ("0", "1")), Output("small", ("0", "1")))
    rows = [(0.0, 0.5), (2.0, 2.5), (4.0, 4.5)]

    answers = bundle(model, outputs=outputs).predict(rows)

    predicted = model.predict(np.array(rows))
    assert [tuple(label.values()) for label, _ in answers if isinstance(label, dict)] == [
        tuple(map(str, row)) for row in predicted.tolist()
    ]
    for number, (_, scores) in enumerate(answers):
        for position, name in enumerate(("near", "small")):
            table = model.predict_proba(np.array(rows))[position]
            assert isinstance(scores, dict)
            assert scores[name] == table[number, predicted[number, position]]


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
