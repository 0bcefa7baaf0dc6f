"""One call of a classifier for both label and score, where scikit-learn's code shows that this gives what predict does.

A label is always what `predict` answers. Many classifiers predict the class of the highest probability, so that
`predict_proba` alone gives label and score. Others do not: FixedThresholdClassifier and TunedThresholdClassifierCV cut
at another threshold than a half, and SVC with `probability=True` has probabilities of another model than its labels.
The types listed here are of the first kind. Each was read in the source of scikit-learn 1.9.1, and
`tests/unit/model/test_one_call.py` holds each against its own `predict`.

Types are compared exactly, because a subclass may predict otherwise. A Pipeline is what its last step is.
"""

import sys
from typing import Any

_EXACT = frozenset(
    {
        # predict is classes_[argmax(predict_proba)], word for word: even of equal probabilities, both take the first.
        ("sklearn.calibration", "CalibratedClassifierCV"),
        ("sklearn.ensemble._bagging", "BaggingClassifier"),
        ("sklearn.ensemble._forest", "ExtraTreesClassifier"),
        ("sklearn.ensemble._forest", "RandomForestClassifier"),
        ("sklearn.ensemble._voting", "VotingClassifier"),  # with voting="hard" it has no predict_proba
        ("sklearn.semi_supervised._label_propagation", "LabelPropagation"),
        ("sklearn.semi_supervised._label_propagation", "LabelSpreading"),
        # Both read one array of the tree.
        ("sklearn.tree._classes", "DecisionTreeClassifier"),
        ("sklearn.tree._classes", "ExtraTreeClassifier"),
    }
)
_MONOTONIC = frozenset(
    {
        # predict takes the highest of the scores that predict_proba is made of, by a function that keeps their order:
        # expit or softmax of decision_function or of a network's last layer, a decision clipped and scaled, or exp of
        # the joint log likelihood less one number for each record. With two classes, the score has a sign.
        ("sklearn.discriminant_analysis", "LinearDiscriminantAnalysis"),
        ("sklearn.discriminant_analysis", "QuadraticDiscriminantAnalysis"),
        ("sklearn.ensemble._gb", "GradientBoostingClassifier"),
        ("sklearn.ensemble._hist_gradient_boosting.gradient_boosting", "HistGradientBoostingClassifier"),
        ("sklearn.linear_model._logistic", "LogisticRegression"),
        ("sklearn.linear_model._logistic", "LogisticRegressionCV"),
        ("sklearn.linear_model._stochastic_gradient", "SGDClassifier"),
        ("sklearn.naive_bayes", "BernoulliNB"),
        ("sklearn.naive_bayes", "CategoricalNB"),
        ("sklearn.naive_bayes", "ComplementNB"),
        ("sklearn.naive_bayes", "GaussianNB"),
        ("sklearn.naive_bayes", "MultinomialNB"),
        ("sklearn.neural_network._multilayer_perceptron", "MLPClassifier"),
    }
)
_ROUNDING = 1e-6
"""Rounding can make different scores equal probabilities, and then the first class wins. It never exceeds this: a
float32 has seven digits."""


def decisive_lead(model: Any) -> float | None:
    """Return by how much the most probable class must lead the second for `predict` to answer with it.

    Returns
    -------
    0.0 if it always does; None if only `predict` can say.
    """
    kind = _type_name(model)
    if kind == ("sklearn.pipeline", "Pipeline"):
        return decisive_lead(model.steps[-1][1])
    if kind not in _EXACT | _MONOTONIC:
        return None
    # A method put onto the object itself may do anything.
    if not vars(model).keys().isdisjoint({"predict", "predict_proba", "decision_function"}):
        return None
    return 0.0 if kind in _EXACT else _ROUNDING


def _type_name(model: Any) -> tuple[str, str] | None:
    """Return the module and name of a model's type, if that is what stands there under this name."""
    kind = type(model)
    found = getattr(sys.modules.get(kind.__module__), kind.__qualname__, None)
    return (kind.__module__, kind.__qualname__) if found is kind else None
