"""A model file is read without opening it: its names and its version are those that unpickling would import."""

import io
import pickle
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from hundredfold.model.card import versions_here
from hundredfold_cli.models.pickled import read_model_file

X = np.random.default_rng(0).random((40, 3))
Y = np.where(X[:, 0] > 0.5, "a", "b")
MODELS = [
    HistGradientBoostingClassifier(max_iter=2).fit(X, Y),
    RandomForestClassifier(2).fit(X, Y),
    make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["a b", "ccc dd"], [0, 1]),
]


class Imports(pickle.Unpickler):
    """Notes what it imports."""

    def __init__(self, content: bytes) -> None:
        super().__init__(io.BytesIO(content))
        self.names: set[tuple[str, str]] = set()

    def find_class(self, module_name: str, global_name: str) -> Any:
        self.names.add((module_name, global_name))
        return super().find_class(module_name, global_name)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_the_names_of_a_pickle_are_those_that_unpickling_imports(model: Any, protocol: int) -> None:
    content = pickle.dumps(model, protocol)
    imports = Imports(content)
    imports.load()

    file = read_model_file(content)

    assert file.names == imports.names
    assert file.scikit_learn == versions_here()["scikit-learn"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: type(model).__name__)
def test_the_arrays_of_a_joblib_file_are_skipped(model: Any) -> None:
    file = io.BytesIO()
    joblib.dump(model, file)

    read = read_model_file(file.getvalue())

    assert read.scikit_learn == versions_here()["scikit-learn"]
    assert read_model_file(pickle.dumps(model)).modules <= read.modules | {"builtins"}
    last = type(model.steps[-1][1] if hasattr(model, "steps") else model)
    assert (last.__module__, last.__name__) in read.names


def test_arrays_of_objects_hold_a_pickle_of_their_own() -> None:
    file = io.BytesIO()
    joblib.dump([np.array([pickle.PickleError], dtype=object), np.array([1.0]), io.StringIO], file)

    assert {("_pickle", "PickleError"), ("_io", "StringIO")} <= read_model_file(file.getvalue()).names
