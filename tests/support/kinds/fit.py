"""Fits the kinds of models, and saves each with its data and its own answers, as a user would in a script.

It runs on the Python of an inference environment, because some kinds need packages that the project itself lacks:
`python fit.py FOLDER KIND…`. For each kind it writes into FOLDER/KIND: the model's files, `sample.csv` without ids,
`records.jsonl`, `records.csv` and `records.parquet` with ids, and `answers.json`: the estimator's own `predict` and
the probabilities of its labels, of one call in one process.
"""

import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import sklearn
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_digits
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    IsolationForest,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, SGDClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler
from sklearn.svm import SVC

sys.path.insert(0, str(Path(__file__).parent))
import my_features  # type: ignore[import-not-found]  # the user's own module

ROWS = 240
TOWNS = ("Berne", "Chur", "Olten", "Thun")

type Steps = dict[str, Any]


def digits() -> tuple[Steps, pd.DataFrame]:
    data = load_digits()
    table = pd.DataFrame(data.data[:ROWS], columns=[f"pixel_{number}" for number in range(64)])
    return {"model.joblib": SVC().fit(data.data, data.target)}, table


def three_files() -> tuple[Steps, pd.DataFrame]:
    texts, labels = _texts()
    vectorizer = CountVectorizer().fit(texts)
    weights = TfidfTransformer().fit(vectorizer.transform(texts))
    model = LogisticRegression().fit(weights.transform(vectorizer.transform(texts)), labels)
    steps = {"words.joblib": vectorizer, "weights.joblib": weights, "model.joblib": model}
    return steps, pd.DataFrame({"review": texts})


def sgd_hinge() -> tuple[Steps, pd.DataFrame]:
    texts, labels = _texts()
    model = make_pipeline(TfidfVectorizer(), SGDClassifier(random_state=0)).fit(texts, labels)
    return {"model.joblib": model}, pd.DataFrame({"review": texts})


def houses_regressor() -> tuple[Steps, pd.DataFrame]:
    table, price = _houses()
    model = Pipeline([("columns", _columns()), ("forest", RandomForestRegressor(20, random_state=0))])
    return {"model.joblib": model.fit(table, price)}, table


def houses_with_missing() -> tuple[Steps, pd.DataFrame]:
    table, price = _houses(missing=True)
    model = Pipeline([("columns", _columns(imputes=True)), ("ridge", Ridge())])
    return {"model.joblib": model.fit(table, price)}, table


def boosted_with_nan_and_categories() -> tuple[Steps, pd.DataFrame]:
    table, price = _houses(missing=True)
    typed = table.astype({"town": "category"})
    return {"model.joblib": HistGradientBoostingClassifier(max_iter=20).fit(typed, _bands(price))}, typed


def several_labels() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    bands = np.column_stack([np.where(targets > 140, "high", "low"), np.where(table["bmi"] > 0, "heavy", "light")])
    return {"model.joblib": RandomForestClassifier(20, random_state=0).fit(table, bands)}, table


def several_numbers() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    return {
        "model.joblib": LinearRegression().fit(table, np.column_stack([targets, targets * 2 + table["bmi"]]))
    }, table


def isolation_forest() -> tuple[Steps, pd.DataFrame]:
    table, _ = _diabetes()
    return {"model.joblib": IsolationForest(random_state=0).fit(table)}, table


def k_means() -> tuple[Steps, pd.DataFrame]:
    table, _ = _diabetes()
    return {"model.joblib": make_pipeline(StandardScaler(), KMeans(4, random_state=0, n_init=1)).fit(table)}, table


def nearest_neighbours() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    return {"model.joblib": KNeighborsClassifier().fit(table, _bands(targets))}, table


def lightgbm() -> tuple[Steps, pd.DataFrame]:
    from lightgbm import LGBMClassifier  # type: ignore[import-not-found]

    table, price = _houses(missing=True)
    typed = table.astype({"town": "category"})
    return {"model.joblib": LGBMClassifier(n_estimators=20, verbose=-1).fit(typed, _bands(price))}, typed


def xgboost() -> tuple[Steps, pd.DataFrame]:
    from xgboost import XGBRegressor  # type: ignore[import-not-found]

    table, price = _houses(missing=True)
    numbers = table.drop(columns="town")
    return {"model.joblib": XGBRegressor(n_estimators=20).fit(numbers, price)}, numbers


def own_transformer() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    model = make_pipeline(my_features.Ratios(), StandardScaler(), LogisticRegression())
    return {"model.joblib": model.fit(table, _bands(targets))}, table


def named_function() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    model = make_pipeline(FunctionTransformer(my_features.logarithms), LinearRegression())
    return {"model.joblib": model.fit(table, targets)}, table


def integer_classes() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    return {"model.joblib": LogisticRegression().fit(table, (targets // 100).astype(int))}, table


def true_or_false() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    return {"model.joblib": LogisticRegression().fit(table, targets > 140)}, table


def another_version() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    model = Ridge().fit(table, targets)
    return {"model.joblib": model}, table


class Fussy(LogisticRegression):  # type: ignore[misc]
    """Of the script itself: nobody else can import it."""


def of_the_script() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    return {"model.joblib": Fussy().fit(table, _bands(targets))}, table


def code_inside() -> tuple[Steps, pd.DataFrame]:
    table, targets = _diabetes()
    return {"model.joblib": Fussy().fit(table, _bands(targets))}, table


def raises_on_one_in_a_hundred() -> tuple[Steps, pd.DataFrame]:
    table, price = _houses()
    known = table.copy()
    columns = ColumnTransformer([("town", OneHotEncoder(), ["town"])], remainder="passthrough")
    model = Pipeline([("columns", columns), ("ridge", Ridge())]).fit(known, price)
    table.loc[np.arange(50, ROWS, 100), "town"] = "Uster"  # of no record that it was fitted on
    return {"model.joblib": model}, table


def _texts() -> tuple[list[str], list[str]]:
    random = np.random.default_rng(0)
    good, bad = ("loved", "wonderful", "brilliant", "fine"), ("hated", "dull", "awful", "boring")
    labels = random.choice(["good", "bad"], ROWS).tolist()
    texts = [
        " ".join(random.choice(good if label == "good" else bad, 3)) + f' film, "part {number}"'
        for number, label in enumerate(labels)
    ]
    return texts, labels


def _houses(*, missing: bool = False) -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    random = np.random.default_rng(1)
    table = pd.DataFrame(
        {
            "area": random.uniform(30, 200, ROWS).round(1),
            "rooms": random.integers(1, 8, ROWS),
            "town": random.choice(TOWNS, ROWS),
        }
    )
    price = (table["area"] * 8 + table["rooms"] * 50 + table["town"].map(len) * 30).to_numpy()
    if missing:
        table["rooms"] = table["rooms"].astype(float)
        table.loc[np.arange(3, ROWS, 7), "area"] = np.nan
        table.loc[np.arange(4, ROWS, 9), "town"] = np.nan
    return table, price


def _columns(*, imputes: bool = False) -> ColumnTransformer:
    towns: Any = OneHotEncoder(handle_unknown="ignore")
    numbers: Any = StandardScaler()
    if imputes:
        towns = make_pipeline(SimpleImputer(strategy="most_frequent"), towns)
        numbers = make_pipeline(SimpleImputer(), numbers)
    return ColumnTransformer([("towns", towns, ["town"]), ("numbers", numbers, ["area", "rooms"])])


def _diabetes() -> tuple[pd.DataFrame, np.ndarray[Any, Any]]:
    data = load_diabetes(as_frame=True)
    return data.data[:ROWS], data.target.to_numpy()[:ROWS]


def _bands(numbers: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(numbers > np.median(numbers), "dear", "cheap")


KINDS: dict[str, Callable[[], tuple[Steps, pd.DataFrame]]] = {
    kind.__name__: kind
    for kind in (
        digits, three_files, sgd_hinge, houses_regressor, houses_with_missing, boosted_with_nan_and_categories,
        several_labels, several_numbers, isolation_forest, k_means, nearest_neighbours, lightgbm, xgboost,
        own_transformer, named_function, integer_classes, true_or_false, another_version, of_the_script, code_inside,
        raises_on_one_in_a_hundred,
    )
}  # fmt: skip


def answers(steps: Steps, table: pd.DataFrame, *, texts: bool) -> list[Any]:
    """Return label and score of each record, as the estimator itself gives them; None for one that it refuses."""
    data: Any = table.iloc[:, 0].tolist() if texts else table
    *transformers, model = steps.values()
    try:
        for transformer in transformers:
            data = transformer.transform(data)
        predicted = np.asarray(model.predict(data))
    except Exception:
        if len(table) == 1:
            return [None]
        half = len(table) // 2
        return answers(steps, table[:half], texts=texts) + answers(steps, table[half:], texts=texts)
    scores: list[Any] = [None] * len(table)
    if hasattr(model, "predict_proba"):
        found = model.predict_proba(data)
        if isinstance(found, list):
            scores = [[float(found[output][row].max()) for output in range(len(found))] for row in range(len(table))]
        else:
            scores = np.max(found, axis=1).tolist()
    return [[label, score] for label, score in zip(predicted.tolist(), scores, strict=True)]


def save(folder: Path, name: str) -> None:
    """Fit a kind, and write its files, its data and its answers."""
    steps, table = KINDS[name]()
    folder.mkdir(parents=True, exist_ok=True)
    for file, step in steps.items():
        if name == "code_inside":
            import cloudpickle  # type: ignore[import-untyped]

            (folder / file).write_bytes(cloudpickle.dumps(step))
        else:
            joblib.dump(step, folder / file)
    if name == "another_version":
        saved = folder / "model.joblib"
        saved.write_bytes(saved.read_bytes().replace(sklearn.__version__.encode(), b"1.8.0"))
    with_ids = table.copy()
    with_ids.insert(0, "id", [f"r{number}" for number in range(len(table))])
    table.to_csv(folder / "sample.csv", index=False)
    with_ids.to_csv(folder / "records.csv", index=False)
    with_ids.to_json(folder / "records.jsonl", orient="records", lines=True, double_precision=15)
    _write_exact_lines(with_ids, folder / "records.jsonl")
    joblib.dump(with_ids, folder / "frame.pkl")
    texts = list(table.columns) == ["review"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        (folder / "answers.json").write_text(json.dumps(answers(steps, table, texts=texts)))


def _write_exact_lines(table: pd.DataFrame, file: Path) -> None:
    """Write each number as Python writes it: pandas' own JSON rounds."""
    rows = table.astype(object).where(table.notna(), None).to_dict(orient="records")
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))


if __name__ == "__main__":
    for kind in sys.argv[2:]:
        save(Path(sys.argv[1]) / kind, kind)
