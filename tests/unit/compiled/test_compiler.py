"""What is not understood is refused, and the form is data that anyone can check."""

import json
import struct
import subprocess
import sys
from array import array
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.ensemble import GradientBoostingClassifier, VotingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.murmurhash import murmurhash3_32

from hundredfold.errors import BundleRefusedError
from hundredfold.model.compiled.engine import CompiledModel
from hundredfold.model.compiled.form import Array, Form
from hundredfold.model.compiled.steps.text import hash_term
from hundredfold_cli.models.compiling.compiler import compile_model, needs_numpy
from hundredfold_cli.models.compiling.errors import NotCompiledError
from hundredfold_cli.models.compiling.gate import compare
from tests.unit.compiled.models import bundle_of, fitted
from tests.unit.compiled.testbed import CASES, CHOSEN, Records

TEXTS = ["a good film", "a bad film", "good and good", "bad and worse"]
LABELS = ["good", "bad", "good", "bad"]
ROWS = [[0.0, 1.0], [1.0, 0.0], [0.5, 2.0], [3.0, 0.1]]


class _Own(LogisticRegression):  # type: ignore[misc]
    """A subclass may do anything."""


def _stripped(text: str) -> str:
    return text.strip()


REFUSED: dict[str, tuple[Any, Any, str]] = {
    "a subclass": (_Own(), ROWS, "_Own has no compiled form"),
    "neighbours": (KNeighborsClassifier(2), ROWS, "KNeighborsClassifier has no compiled form"),
    "votes": (VotingClassifier([("only", LogisticRegression())]), ROWS, "VotingClassifier has no compiled form"),
    "a tokenizer": (
        make_pipeline(CountVectorizer(tokenizer=str.split, token_pattern=None), LogisticRegression()),
        TEXTS,
        "CountVectorizer has a tokenizer of its own",
    ),
    "a preprocessor": (
        make_pipeline(TfidfVectorizer(preprocessor=_stripped), LogisticRegression()),
        TEXTS,
        "TfidfVectorizer has a preprocessor of its own",
    ),
    "an analyzer": (
        make_pipeline(TfidfVectorizer(analyzer=str.split), LogisticRegression()),
        TEXTS,
        "TfidfVectorizer has an analyzer of its own",
    ),
    "a function": (
        make_pipeline(FunctionTransformer(np.abs), LogisticRegression()),
        ROWS,
        "FunctionTransformer has a function of its own",
    ),
    "a start": (
        GradientBoostingClassifier(n_estimators=2, init=LogisticRegression()),
        ROWS,
        "GradientBoostingClassifier starts from another model",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_understood_is_refused_with_the_reason(case: str) -> None:
    estimator, records, reason = REFUSED[case]

    with pytest.raises(NotCompiledError, match=reason):
        compile_model([estimator.fit(records, LABELS)], texts=records is TEXTS)


def test_a_compiled_text_model_predicts_without_numpy_scikit_learn_scipy_or_joblib(tmp_path: Any) -> None:
    form = compile_model([fitted("TF-IDF, lines")], texts=True)
    file = tmp_path / "model.safetensors"
    file.write_bytes(form.to_bytes())
    program = (
        "import sys, pathlib\n"
        "from hundredfold.model.compiled.engine import CompiledModel\n"
        "from hundredfold.model.compiled.form import Form\n"
        f"model = CompiledModel(Form.from_bytes(pathlib.Path({str(file)!r}).read_bytes()))\n"
        "print(model.predict([('sepal length of iris',)])[0][0])\n"
        "print(sorted({'numpy', 'scipy', 'sklearn', 'joblib'} & set(sys.modules)))\n"
    )

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert output.splitlines() == ["load_iris", "[]"]
    assert not needs_numpy(form)


def test_ensembles_need_numpy_and_a_tree_does_not() -> None:
    assert needs_numpy(compile_model([fitted("forest, iris")], texts=False))
    assert not needs_numpy(compile_model([fitted("tree, iris")], texts=False))


@pytest.mark.parametrize("case", CHOSEN)
def test_the_same_model_gives_the_same_bytes_and_they_are_read_as_they_were(case: str) -> None:
    form = compile_model([fitted(case)], texts=CASES[case][2])

    content = form.to_bytes()

    assert Form.from_bytes(content) == form
    assert Form.from_bytes(content).to_bytes() == content


def test_the_file_is_a_safetensors_file_whose_numbers_can_be_read_by_hand() -> None:
    form = Form({"input": "rows", "classes": [], "steps": [], "numbers": Array((2,), array("d", [1.5, -2.0]))})

    content = form.to_bytes()

    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert header["0"] == {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}
    assert struct.unpack("<2d", content[8 + length : 8 + length + 16]) == (1.5, -2.0)
    assert header["__metadata__"] == {"format": "hundredfold-compiled", "version": "1"}


@given(st.data())
def test_a_damaged_file_is_refused_and_nothing_else_happens(data: st.DataObject) -> None:
    content = bytearray(compile_model([fitted("small tree, iris")], texts=False).to_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))

    for damaged in (bytes(content), bytes(content[:cut])):
        try:
            CompiledModel(Form.from_bytes(damaged)).predict([(1.0, 2.0, 3.0, 4.0)])
        except (BundleRefusedError, ValueError, ArithmeticError):
            continue


@pytest.mark.parametrize(
    ("step", "fault"),
    [
        ({"kind": "eval"}, "no kind of step named eval"),
        ({}, "kind"),
        ({"kind": "linear_regressor", "coefficients": "x"}, "coefficients must be a Array"),
        ({"kind": "chain", "steps": []}, "transformers and one predictor"),
    ],
)
def test_a_malformed_step_is_refused(step: dict[str, Any], fault: str) -> None:
    with pytest.raises(BundleRefusedError, match=fault):
        CompiledModel(Form({"input": "rows", "classes": [], "steps": [step]}))


@given(st.text(st.characters(codec="utf-8")))
def test_the_hash_of_a_term_is_that_of_scikit_learn(term: str) -> None:
    assert hash_term(term) == murmurhash3_32(term.encode(), seed=0)


def test_a_gaussian_model_of_one_point_is_compiled_and_refuses_what_it_refuses() -> None:
    rows: Records = [(1.0,)] * 4
    model = GaussianNB().fit(rows, LABELS)

    compiled = CompiledModel(compile_model([model], texts=False))

    comparison = compare(bundle_of(model, rows, texts=False).predict, compiled.predict, [(1.0,), (2.0,)])
    assert comparison.refused == comparison.records == 2
