"""Pipelines and data drawn at random: both engines answer alike.

HUNDREDFOLD_TESTBED=full draws many more, and others each time.
"""

import warnings
from typing import Any

import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, RobustScaler, StandardScaler
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeClassifier

from hundredfold.model.compiled.engine import CompiledModel
from hundredfold_cli.models.compiling.compiler import compile_model
from hundredfold_cli.models.compiling.gate import compare
from tests.unit.compiled.models import bundle_of
from tests.unit.compiled.testbed import FULL, Records, arranged

EXAMPLES = settings(
    max_examples=400 if FULL else 15,
    deadline=None,
    derandomize=not FULL,
    suppress_health_check=[HealthCheck.too_slow],
)

WORDS = st.sampled_from(["a", "good", "film", "Bad", "über", "naïve", "don't", "42", "İ", "ﬁn", "x_y", "ß", "你好"])
TEXT = st.one_of(st.lists(WORDS, min_size=1, max_size=12).map(" ".join), st.text(max_size=30))
NUMBER = st.one_of(st.floats(-1e6, 1e6, width=32), st.integers(-3, 3).map(float))


@st.composite
def vectorizers(draw: st.DrawFn) -> Any:
    """Draw a vectorizer of texts and its settings."""
    least = draw(st.integers(1, 3))
    common = {
        "analyzer": draw(st.sampled_from(["word", "char", "char_wb"])),
        "ngram_range": (least, draw(st.integers(least, 4))),
        "lowercase": draw(st.booleans()),
        "strip_accents": draw(st.sampled_from([None, "ascii", "unicode"])),
        "binary": draw(st.booleans()),
    }
    if common["analyzer"] == "word":
        common["stop_words"] = draw(st.sampled_from([None, ["good", "a"]]))
        common["token_pattern"] = draw(st.sampled_from([r"(?u)\b\w\w+\b", r"\w+", r"\S+"]))
    norm = draw(st.sampled_from(["l1", "l2", None]))
    match draw(st.integers(0, 2)):
        case 0:
            return CountVectorizer(**common)
        case 1:
            weighs, sublinear = draw(st.booleans()), draw(st.booleans())
            return TfidfVectorizer(**common, norm=norm, use_idf=weighs, sublinear_tf=sublinear)
        case _:
            signed = draw(st.booleans())
            return HashingVectorizer(
                n_features=draw(st.sampled_from([7, 64])), alternate_sign=signed, norm=norm, **common
            )


TEXT_CLASSIFIERS = st.sampled_from(
    [
        LogisticRegression(),
        LinearSVC(random_state=0),
        SGDClassifier(random_state=0),
        DecisionTreeClassifier(random_state=0),
    ]
)
COUNT_CLASSIFIERS = st.sampled_from([MultinomialNB(), ComplementNB(), LogisticRegression(C=100)])
SCALERS = st.sampled_from([StandardScaler(), MinMaxScaler(), MinMaxScaler(clip=True), RobustScaler(), MaxAbsScaler()])
NUMBER_CLASSIFIERS = st.sampled_from(
    [
        LogisticRegression(),
        LinearSVC(random_state=0),
        SGDClassifier(loss="modified_huber", random_state=0),
        GaussianNB(),
        DecisionTreeClassifier(random_state=0),
        RandomForestClassifier(6, random_state=0),
    ]
)


def _hold(estimator: Any, training: Records, labels: list[str], records: Records, *, texts: bool) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        estimator.fit(arranged(training, texts=texts), labels)
    model = CompiledModel(compile_model([estimator], texts=texts))
    compare(bundle_of(estimator, training, texts=texts).predict, model.predict, records)


@EXAMPLES
@given(
    vectorizers(),
    TEXT_CLASSIFIERS,
    st.integers(2, 3),
    st.lists(TEXT, min_size=4, max_size=10),
    st.lists(TEXT, min_size=1),
)
def test_text_pipelines(
    vectorizer: Any, classifier: Any, classes: int, training: list[str], records: list[str]
) -> None:
    fitted_to = [*training, "a good film to see", "one bad über film", "good x_y"]  # no vocabulary is empty
    labels = [("good", "bad", "other")[number % classes] for number in range(len(fitted_to))]

    _hold(
        make_pipeline(vectorizer, classifier),
        [(text,) for text in fitted_to],
        labels,
        [(text,) for text in records],
        texts=True,
    )


@EXAMPLES
@given(COUNT_CLASSIFIERS, st.lists(TEXT, min_size=4, max_size=10), st.lists(TEXT, min_size=1))
def test_count_pipelines(classifier: Any, training: list[str], records: list[str]) -> None:
    fitted_to = [*training, "a good film to see", "one bad über film"]
    labels = [("good", "bad")[number % 2] for number in range(len(fitted_to))]

    _hold(
        make_pipeline(CountVectorizer(), classifier),
        [(text,) for text in fitted_to],
        labels,
        [(text,) for text in records],
        texts=True,
    )


@EXAMPLES
@given(SCALERS, NUMBER_CLASSIFIERS, st.data())
def test_pipelines_of_numbers(scaler: Any, classifier: Any, data: st.DataObject) -> None:
    width = data.draw(st.integers(1, 5))
    row = st.tuples(*[NUMBER] * width)
    training = data.draw(st.lists(row, min_size=9, max_size=15))
    labels = [("a", "b", "c")[number % 3] for number in range(len(training))]
    thresholds = [tuple(float(np.float32(number)) for number in record) for record in training]

    _hold(
        make_pipeline(scaler, classifier),
        training,
        labels,
        [*training, *thresholds, *data.draw(st.lists(row, min_size=1))],
        texts=False,
    )
