"""One call for label and score: every type that is listed answers as its own `predict` does, ties included."""

import importlib
from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

from hundredfold.model import one_call
from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card
from hundredfold.model.one_call import decisive_lead
from hundredfold.model.signature import Field, FieldType, Signature

LISTED = sorted(one_call._EXACT | one_call._MONOTONIC)
ARGUMENTS: dict[str, dict[str, Any]] = {
    "CalibratedClassifierCV": {"estimator": LogisticRegression(), "cv": 2},
    "BaggingClassifier": {"estimator": DecisionTreeClassifier(max_depth=2), "n_estimators": 5, "random_state": 0},
    "ExtraTreesClassifier": {"n_estimators": 5, "max_depth": 2, "random_state": 0},
    "RandomForestClassifier": {"n_estimators": 5, "max_depth": 2, "random_state": 0},
    "VotingClassifier": {
        "estimators": [("bayes", GaussianNB()), ("tree", DecisionTreeClassifier(max_depth=1))],
        "voting": "soft",
    },
    "LabelPropagation": {"kernel": "knn", "n_neighbors": 4},
    "LabelSpreading": {"kernel": "knn", "n_neighbors": 4},
    "DecisionTreeClassifier": {"max_depth": 2, "random_state": 0},
    "ExtraTreeClassifier": {"max_depth": 2, "random_state": 0},
    "QuadraticDiscriminantAnalysis": {"reg_param": 0.5},
    "LogisticRegressionCV": {
        "Cs": 2,
        "cv": 2,
        "l1_ratios": (0,),
        "scoring": "neg_log_loss",
        "use_legacy_attributes": False,
    },
    "GradientBoostingClassifier": {"n_estimators": 5, "random_state": 0},
    "HistGradientBoostingClassifier": {"max_iter": 5, "min_samples_leaf": 2},
    "SGDClassifier": {"loss": "log_loss", "random_state": 0},
    "MLPClassifier": {"hidden_layer_sizes": (4,), "solver": "lbfgs", "random_state": 0},
    "CategoricalNB": {"min_categories": 9},
}
# Small whole numbers, many of them equal, so that trees and neighbours tie.
GRID = np.array([[a, b] for a in range(4) for b in range(4)] * 3, dtype=float)


def fitted(name: tuple[str, str], classes: int) -> Any:
    module, kind = name
    model = getattr(importlib.import_module(module), kind)(**ARGUMENTS.get(kind, {}))
    targets = np.array([f"class {number % classes}" for number in np.random.default_rng(1).permutation(len(GRID))])
    return model.fit(GRID, targets)


def bundle_of(model: Any, fields: int = 2) -> Bundle:
    signature = Signature(tuple(Field(f"f{number}", FieldType.NUMBER) for number in range(fields)))
    return Bundle(Card("m", ("m",), signature, tuple(map(str, model.classes_)), {}, {"m": ""}), [model])


def rows_for(kind: str) -> Any:
    if kind == "CategoricalNB":
        return GRID
    rng = np.random.default_rng(2)
    between = rng.uniform(0, 4, (200, 2))
    far = rng.choice([0.0, 1e3, 1e9], (50, 2)) if kind.endswith("NB") else rng.uniform(-1e9, 1e9, (50, 2))
    return np.vstack([GRID, between, far])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("name", LISTED, ids=[kind for _, kind in LISTED])
def test_the_label_from_one_call_is_what_predict_answers(name: tuple[str, str], classes: int) -> None:
    model = fitted(name, classes)
    rows = rows_for(name[1])
    assert decisive_lead(model) is not None

    answers = bundle_of(model).predict([tuple(row) for row in rows.tolist()])

    predicted = model.predict(rows).tolist()
    assert [label for label, _ in answers] == predicted
    columns = [model.classes_.tolist().index(label) for label in predicted]
    probabilities = model.predict_proba(rows)[range(len(rows)), columns]
    assert [score for _, score in answers] == pytest.approx(probabilities.tolist(), abs=1e-12)


@pytest.mark.parametrize("name", LISTED, ids=[kind for _, kind in LISTED])
def test_predict_is_not_called_where_probabilities_are_clear(
    name: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module, kind = name
    model = getattr(importlib.import_module(module), kind)(**ARGUMENTS.get(kind, {}))
    apart = np.array([[0.0, 5.0], [1.0, 6.0], [0.0, 7.0], [5.0, 0.0], [6.0, 1.0], [7.0, 0.0]])
    model.fit(apart, ["near"] * 3 + ["far"] * 3)
    bundle = bundle_of(model)

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("predict was called")

    monkeypatch.setattr(type(model), "predict", refuse)
    answers = bundle.predict([(6.0, 0.0), (0.0, 6.0)])

    assert [label for label, _ in answers] == ["far", "near"]


@pytest.mark.parametrize("decision", [1e-20, -1e-20, 0.0, 5e-324])
def test_a_decision_that_rounding_hides_is_predicts(decision: float) -> None:
    # The probabilities of both classes are exactly a half, and predict looks at the sign of the decision.
    model = LogisticRegression().fit([[-1.0], [1.0]], ["no", "yes"])
    model.coef_, model.intercept_ = np.array([[1.0]]), np.array([0.0])
    assert model.predict_proba([[decision]]).tolist() == [[0.5, 0.5]]

    assert bundle_of(model, fields=1).predict([(decision,)]) == [("yes" if decision > 0 else "no", 0.5)]


def test_probabilities_that_underflow_to_equal_ones_leave_it_to_predict() -> None:
    model = LogisticRegression().fit([[-1.0], [0.0], [1.0]], ["a", "b", "c"])
    model.coef_, model.intercept_ = np.array([[0.0], [1e-17], [0.0]]), np.zeros(3)
    assert model.predict([[1.0]]) == ["b"]

    [(label, score)] = bundle_of(model, fields=1).predict([(1.0,)])

    assert label == "b"
    assert score == pytest.approx(1 / 3)


@pytest.mark.parametrize("classes", [2, 3])
def test_decisions_that_are_clipped_to_equal_probabilities_leave_it_to_predict(classes: int) -> None:
    targets = [f"class {number % classes}" for number in np.random.default_rng(1).permutation(len(GRID))]
    model = SGDClassifier(loss="modified_huber", random_state=0).fit(GRID, targets)
    rows = rows_for("SGDClassifier")

    answers = bundle_of(model).predict([tuple(row) for row in rows.tolist()])

    assert [label for label, _ in answers] == model.predict(rows).tolist()
    clipped = np.sort(model.predict_proba(rows), axis=1)
    assert classes == 2 or (clipped[:, -1] == clipped[:, -2]).any()


@pytest.mark.parametrize("loss", ["log_loss", "exponential"])
def test_boosting_whose_decision_is_nothing_answers_as_predict_does(loss: str) -> None:
    # Nothing can be learned, so the decision is 0, and predict takes the second class of it.
    model = GradientBoostingClassifier(loss=loss, n_estimators=1).fit([[0.0]] * 4, ["a", "b"] * 2)
    assert model.decision_function([[0.0]]).tolist() == [0.0]

    assert bundle_of(model, fields=1).predict([(0.0,)]) == [(model.predict([[0.0]])[0], 0.5)]
    assert model.predict([[0.0]])[0] == "b"


class Reversed(LogisticRegression):  # type: ignore[misc]  # scikit-learn has no types
    """Predicts the least probable class."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        return self.classes_[self.predict_proba(X).argmin(axis=1)]


@pytest.mark.parametrize("in_pipeline", [False, True], ids=["alone", "in-a-pipeline"])
def test_a_subclass_of_a_listed_type_is_asked_for_its_labels(in_pipeline: bool) -> None:
    model: Any = Reversed()
    if in_pipeline:
        model = make_pipeline(StandardScaler(), model)
    model.fit(GRID, ["near"] * 24 + ["far"] * 24)
    assert decisive_lead(model) is None

    answers = bundle_of(model).predict([tuple(row) for row in GRID.tolist()])

    assert [label for label, _ in answers] == model.predict(GRID).tolist()
    assert all(score <= 0.5 for _, score in answers if isinstance(score, float))


def test_a_pipeline_is_what_its_last_step_is_but_a_pipeline_of_another_type_is_not() -> None:
    class OtherPipeline(Pipeline):  # type: ignore[misc]
        """May predict otherwise."""

    steps = [("scale", StandardScaler()), ("model", LogisticRegression())]

    assert decisive_lead(Pipeline(steps)) == decisive_lead(LogisticRegression())
    assert decisive_lead(Pipeline([("inner", Pipeline(steps))])) == decisive_lead(LogisticRegression())
    assert decisive_lead(OtherPipeline(steps)) is None
    assert decisive_lead(Pipeline([("threshold", FixedThresholdClassifier(LogisticRegression()))])) is None


def test_a_method_on_the_object_itself_is_asked() -> None:
    model = LogisticRegression().fit(GRID, ["near"] * 24 + ["far"] * 24)
    model.predict = lambda rows: np.array(["far"] * len(rows))

    assert [label for label, _ in bundle_of(model).predict([(0.0, 0.0), (3.0, 3.0)])] == ["far", "far"]


def test_a_type_that_only_has_the_name_of_a_listed_one_is_asked() -> None:
    pretender = type("LogisticRegression", (), {"__module__": "sklearn.linear_model._logistic"})

    assert decisive_lead(pretender()) is None
    assert decisive_lead(DummyClassifier()) is None
    assert decisive_lead(object()) is None
