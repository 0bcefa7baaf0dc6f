"""Compiles linear models, naive Bayes and calibrated classifiers."""

from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC, LinearSVR

from hundredfold_cli.models.compiling.arrays import numbers
from hundredfold_cli.models.compiling.errors import NotCompiledError
from hundredfold_cli.models.compiling.kinds import Compile, Compiled

_SGD_SCORES = {"log_loss": "one_against_rest", "modified_huber": "modified_huber"}


def _weights(model: Any, functions: int) -> Compiled:
    coefficients = model.coef_.toarray() if hasattr(model.coef_, "toarray") else np.asarray(model.coef_)
    coefficients = np.atleast_2d(coefficients)
    if len(coefficients) != functions:
        raise NotCompiledError(f"{type(model).__name__} has {len(coefficients)} functions where {functions} do")
    intercepts = np.broadcast_to(np.asarray(model.intercept_, dtype=float).reshape(-1), (functions,))
    return {"coefficients": numbers(coefficients), "intercepts": numbers(intercepts)}


def _classifier(model: Any, score: str) -> Compiled:
    classes = len(model.classes_)
    return {"kind": "linear_classifier", **_weights(model, 1 if classes == 2 else classes), "score": score}


def _logistic(model: Any, _: Compile) -> Compiled:
    return _classifier(model, "logistic")


def _sgd(model: Any, _: Compile) -> Compiled:
    return _classifier(model, _SGD_SCORES.get(model.loss, "none"))


def _unscored(model: Any, _: Compile) -> Compiled:
    return _classifier(model, "none")


def _regressor(model: Any, _: Compile) -> Compiled:
    return {"kind": "linear_regressor", **_weights(model, 1)}


def _bayes(coefficients: Any, intercepts: Any, threshold: float | None) -> Compiled:
    return {
        "kind": "discrete_bayes",
        "coefficients": numbers(coefficients),
        "intercepts": numbers(intercepts),
        "threshold": numbers(np.array([] if threshold is None else [threshold], dtype=float)),
    }


def _multinomial(model: Any, _: Compile) -> Compiled:
    return _bayes(model.feature_log_prob_, model.class_log_prior_, None)


def _complement(model: Any, _: Compile) -> Compiled:
    return _bayes(model.feature_log_prob_, np.zeros(len(model.classes_)), None)


def _bernoulli(model: Any, _: Compile) -> Compiled:
    if model.binarize is None:
        raise NotCompiledError("BernoulliNB does not say above which number it counts")
    absent = np.log(1 - np.exp(model.feature_log_prob_))
    return _bayes(
        model.feature_log_prob_ - absent,
        model.class_log_prior_ + absent.sum(axis=1),
        float(model.binarize),
    )


def _gaussian(model: Any, _: Compile) -> Compiled:
    # All variances are 0 if the model was fitted to one point. Then it answers NaN, and so does the compiled form.
    with np.errstate(divide="ignore"):
        constants = np.array(
            [
                (np.log(prior), -0.5 * np.sum(np.log(2.0 * np.pi * variances)))
                for prior, variances in zip(model.class_prior_, model.var_, strict=True)
            ]
        )
    return {
        "kind": "gaussian_bayes",
        "constants": numbers(constants),
        "means": numbers(model.theta_),
        "variances": numbers(model.var_),
    }


def _calibrated(model: Any, compile_step: Compile) -> Compiled:
    folds = []
    for fold in model.calibrated_classifiers_:
        if fold.method not in ("sigmoid", "isotonic"):
            raise NotCompiledError(f"CalibratedClassifierCV calibrates by {fold.method}")
        estimator, steps = fold.estimator, []
        if type(estimator) is Pipeline:
            *before, (_, estimator) = estimator.steps
            steps = [compile_step(step) for _, step in before if step is not None and step != "passthrough"]
        if len(estimator.classes_) != len(model.classes_):
            raise NotCompiledError("a fold of CalibratedClassifierCV has not seen every class")
        folds.append(
            {
                "steps": steps,
                "classifier": compile_step(estimator),
                "calibrators": [_calibrator(calibrator) for calibrator in fold.calibrators],
            }
        )
    return {"kind": "calibrated", "folds": folds}


def _calibrator(calibrator: Any) -> Compiled:
    if type(calibrator).__name__ == "_SigmoidCalibration":
        return {"slope": float(calibrator.a_), "offset": float(calibrator.b_)}
    if calibrator.out_of_bounds != "clip":
        raise NotCompiledError("an isotonic calibrator does not clip")
    return {
        "responses": numbers(calibrator.X_thresholds_),
        "probabilities": numbers(calibrator.y_thresholds_),
    }


COMPILERS = {
    LogisticRegression: _logistic,
    LogisticRegressionCV: _logistic,
    LinearSVC: _unscored,
    RidgeClassifier: _unscored,
    Perceptron: _unscored,
    SGDClassifier: _sgd,
    LinearRegression: _regressor,
    Ridge: _regressor,
    Lasso: _regressor,
    ElasticNet: _regressor,
    SGDRegressor: _regressor,
    LinearSVR: _regressor,
    MultinomialNB: _multinomial,
    ComplementNB: _complement,
    BernoulliNB: _bernoulli,
    GaussianNB: _gaussian,
    CalibratedClassifierCV: _calibrated,
}
