"""The test-bed of compiled models: estimators, and three of scikit-learn's own data sets for each kind of them."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from sklearn import datasets
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.feature_selection import SelectKBest, VarianceThreshold, chi2
from sklearn.impute import SimpleImputer
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Perceptron,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.naive_bayes import BernoulliNB, ComplementNB, GaussianNB, MultinomialNB
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import LinearSVC, LinearSVR
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

type Records = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Data:
    """Records to fit to, what they are, and records to predict."""

    training: Records
    targets: Sequence[Any]
    held_out: Records


def _split(records: Records, targets: Sequence[Any]) -> Data:
    half = [number for number in range(len(records)) if number % 2]
    rest = [number for number in range(len(records)) if not number % 2]
    return Data([records[n] for n in half], [targets[n] for n in half], [records[n] for n in rest])


def _numbers(load: Callable[[], Any]) -> Data:
    loaded = load()
    return _split([tuple(row) for row in loaded.data.tolist()], loaded.target.tolist())


def _digits() -> Data:
    """Every fifth pixel of a few hundred digits: enough to have ten classes."""
    loaded = datasets.load_digits()
    return _split([tuple(row) for row in loaded.data[:400, ::5].tolist()], loaded.target[:400].tolist())


def _measured_flowers() -> Data:
    """Sizes of iris flowers, to be told from one another: a regression of the last size by the rest."""
    sizes = datasets.load_iris().data.tolist()
    return _split([tuple(row[:3]) for row in sizes], [row[3] for row in sizes])


def _alcohol() -> Data:
    wines = datasets.load_wine().data.tolist()
    return _split([tuple(row[1:]) for row in wines], [row[0] for row in wines])


def _mixed(load: Callable[[], Any]) -> Data:
    """Two numbers, and two categories that are made of others."""
    loaded = load()
    records: Records = []
    middle = np.median(loaded.data, axis=0)
    for row in loaded.data.tolist():
        large = "large" if row[2] > middle[2] else "petite" if row[2] < middle[2] * 0.7 else "medium"
        records.append((row[0], large, row[1], f"kind {int(row[3] * 10) % 5}"))
    return _split(records, loaded.target.tolist())


def _texts(cut: Callable[[str], Sequence[str]]) -> Data:
    """Parts of the descriptions of data sets, and which of them each is about."""
    loaders = (
        datasets.load_iris,
        datasets.load_wine,
        datasets.load_breast_cancer,
        datasets.load_diabetes,
        datasets.load_digits,
    )
    records: Records = []
    topics = []
    for load in loaders:
        parts = [part for part in cut(load().DESCR) if part.strip()]
        records += [(part,) for part in parts]
        topics += [load.__name__] * len(parts)
    return _split(records, topics)


def _two_topics() -> Data:
    data = _texts(str.splitlines)
    return Data(data.training, [str(topic == "load_iris") for topic in data.targets], data.held_out)


CLASSES: dict[str, Callable[[], Data]] = {
    "iris": lambda: _numbers(datasets.load_iris),
    "breast cancer": lambda: _numbers(datasets.load_breast_cancer),
    "digits": _digits,
}
NUMBERS: dict[str, Callable[[], Data]] = {
    "diabetes": lambda: _numbers(datasets.load_diabetes),
    "petals": _measured_flowers,
    "alcohol": _alcohol,
}
MIXED: dict[str, Callable[[], Data]] = {
    "iris": lambda: _mixed(datasets.load_iris),
    "wine": lambda: _mixed(datasets.load_wine),
    "breast cancer": lambda: _mixed(datasets.load_breast_cancer),
}
TEXTS: dict[str, Callable[[], Data]] = {
    "lines": lambda: _texts(str.splitlines),
    "paragraphs": lambda: _texts(lambda text: text.split("\n\n")),
    "lines of two topics": _two_topics,
}


def _columns(numeric: Any, categorical: Any, **settings: Any) -> ColumnTransformer:
    return ColumnTransformer([("numbers", numeric, [0, 2]), ("categories", categorical, [1, 3])], **settings)


CLASSIFIERS: dict[str, Any] = {
    "logistic regression": make_pipeline(StandardScaler(), LogisticRegression()),
    "logistic regression of robust": make_pipeline(RobustScaler(), LogisticRegression(C=0.1)),
    "linear SVC": make_pipeline(MinMaxScaler(clip=True), LinearSVC(random_state=0)),
    "SGD hinge": make_pipeline(StandardScaler(), SGDClassifier(random_state=0)),
    "SGD log": make_pipeline(StandardScaler(), SGDClassifier(loss="log_loss", random_state=0)),
    "SGD huber": make_pipeline(StandardScaler(), SGDClassifier(loss="modified_huber", average=True, random_state=0)),
    "perceptron": make_pipeline(MaxAbsScaler(), Perceptron(random_state=0)),
    "ridge": make_pipeline(StandardScaler(with_mean=False), RidgeClassifier()),
    "Gaussian": GaussianNB(),
    "Bernoulli": make_pipeline(MinMaxScaler(), BernoulliNB(binarize=0.5)),
    "multinomial": make_pipeline(MinMaxScaler(clip=True), MultinomialNB()),
    "select": make_pipeline(SimpleImputer(), SelectKBest(k=3), LogisticRegression(max_iter=2000)),
    "components": make_pipeline(StandardScaler(), PCA(3), LogisticRegression()),
    "union": make_pipeline(
        make_union(StandardScaler(), make_pipeline(MinMaxScaler(), SelectKBest(k=2))), LogisticRegression()
    ),
    "tree": DecisionTreeClassifier(random_state=0),
    "small tree": make_pipeline(StandardScaler(), DecisionTreeClassifier(max_leaf_nodes=6, random_state=0)),
    "forest": RandomForestClassifier(30, random_state=0),
    "small forest": RandomForestClassifier(3, max_depth=4, random_state=0),
    "extra trees": ExtraTreesClassifier(20, random_state=0),
    "gradient boosting": GradientBoostingClassifier(n_estimators=8, random_state=0),
    "histogram boosting": HistGradientBoostingClassifier(max_iter=10, random_state=0),
    "calibrated SVC": make_pipeline(StandardScaler(), CalibratedClassifierCV(LinearSVC(random_state=0), cv=2)),
    "calibrated pipeline": CalibratedClassifierCV(make_pipeline(StandardScaler(), GaussianNB()), cv=2),
    "isotonic": CalibratedClassifierCV(DecisionTreeClassifier(max_depth=3, random_state=0), method="isotonic", cv=2),
}
REGRESSORS: dict[str, Any] = {
    "linear": LinearRegression(),
    "ridge": make_pipeline(StandardScaler(), Ridge()),
    "lasso": make_pipeline(RobustScaler(), Lasso(alpha=0.1)),
    "elastic net": make_pipeline(MinMaxScaler(), ElasticNet(alpha=0.01)),
    "SGD": make_pipeline(StandardScaler(), SGDRegressor(random_state=0)),
    "SVR": make_pipeline(StandardScaler(), LinearSVR(random_state=0, max_iter=100_000)),
    "tree": DecisionTreeRegressor(random_state=0),
    "forest": RandomForestRegressor(20, random_state=0),
    "extra trees": ExtraTreesRegressor(20, random_state=0),
    "gradient boosting": GradientBoostingRegressor(n_estimators=20, random_state=0),
    "histogram boosting": HistGradientBoostingRegressor(max_iter=20, random_state=0),
    "Poisson boosting": HistGradientBoostingRegressor(max_iter=10, loss="poisson", random_state=0),
}
COLUMNS: dict[str, Any] = {
    "one-hot": make_pipeline(
        _columns(StandardScaler(), OneHotEncoder(handle_unknown="ignore")), LogisticRegression(max_iter=500)
    ),
    "rare": make_pipeline(
        _columns("passthrough", OneHotEncoder(min_frequency=0.3, handle_unknown="infrequent_if_exist", drop="first")),
        DecisionTreeClassifier(random_state=0),
    ),
    "ordinal": make_pipeline(
        _columns(SimpleImputer(), OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)),
        RandomForestClassifier(10, random_state=0),
    ),
    "remainder": make_pipeline(
        ColumnTransformer(
            [("categories", OneHotEncoder(sparse_output=False, handle_unknown="ignore"), [3, 1])],
            remainder=MinMaxScaler(),
        ),
        GaussianNB(),
    ),
    "text": make_pipeline(
        ColumnTransformer([("letters", CountVectorizer(analyzer="char"), 1), ("rest", "passthrough", [0, 2])]),
        MultinomialNB(),
    ),
}
TEXT_MODELS: dict[str, Any] = {
    "TF-IDF": make_pipeline(TfidfVectorizer(), LogisticRegression()),
    "TF-IDF of pairs": make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, stop_words="english"), LinearSVC(random_state=0)
    ),
    "counts": make_pipeline(CountVectorizer(binary=True), BernoulliNB()),
    "counts and weights": make_pipeline(
        CountVectorizer(strip_accents="unicode", lowercase=False, max_features=200),
        TfidfTransformer(norm="l1"),
        MultinomialNB(),
    ),
    "characters": make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(2, 3)), SGDClassifier(random_state=0)),
    "characters of words": make_pipeline(
        TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 4), strip_accents="ascii"), ComplementNB()
    ),
    "hashes": make_pipeline(
        HashingVectorizer(n_features=512, ngram_range=(2, 3), token_pattern=r"\S+"),
        SGDClassifier(loss="log_loss", random_state=0),
    ),
    "hashes of characters": make_pipeline(
        HashingVectorizer(n_features=256, analyzer="char_wb", alternate_sign=False, norm=None, binary=True),
        MultinomialNB(),
    ),
    "best": make_pipeline(CountVectorizer(), SelectKBest(chi2, k=50), LogisticRegression()),
    "semantic": make_pipeline(TfidfVectorizer(), TruncatedSVD(10, random_state=0), LogisticRegression()),
    "trees of words": make_pipeline(TfidfVectorizer(max_features=100), RandomForestClassifier(10, random_state=0)),
    "union": make_pipeline(
        make_union(TfidfVectorizer(), TfidfVectorizer(analyzer="char", ngram_range=(3, 3))),
        VarianceThreshold(0.0001),
        LogisticRegression(),
    ),
    "calibrated": make_pipeline(TfidfVectorizer(), CalibratedClassifierCV(LinearSVC(random_state=0), cv=2)),
}

type Case = tuple[Any, Callable[[], Data], bool]

CASES: dict[str, Case] = {
    f"{model}, {data}": (estimator, load, texts)
    for models, sets, texts in (
        (CLASSIFIERS, CLASSES, False),
        (REGRESSORS, NUMBERS, False),
        (COLUMNS, MIXED, False),
        (TEXT_MODELS, TEXTS, True),
    )
    for model, estimator in models.items()
    for data, load in sets.items()
}
"""Each estimator with each of three data sets, and whether the records are texts."""

FULL = os.environ.get("HUNDREDFOLD_TESTBED") == "full"
CHOSEN = [case for number, case in enumerate(CASES) if FULL or number % 3 == number // 3 % 3]
"""Each estimator with one of its data sets, or with all."""


@cache
def load(name: str) -> Data:
    """Return the data of a case."""
    return CASES[name][1]()


def arranged(records: Records, *, texts: bool) -> Any:
    """Return records as scikit-learn takes them."""
    if texts:
        return [text for (text,) in records]
    kind = object if any(isinstance(value, str) for value in records[0]) else float
    return np.array(records, dtype=kind)
