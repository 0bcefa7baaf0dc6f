"""Steps that become one answer as the steps do: whatever the text, the vectorizer and the linear model."""

import re
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline

from hundredfold.model.compiled import engine
from hundredfold.model.compiled.analyzer import DEFAULT_PATTERN, lower_words, words_of_two
from hundredfold.model.compiled.engine import CompiledModel
from hundredfold.model.compiled.form import Form
from hundredfold_cli.models.compiling.compiler import compile_model

TEXTS = ["good fine good", "fine and good a", "bad poor", "poor and bad bad bad", "good enough", "x bad Ünder_1"]
LABELS = ["pos", "pos", "neg", "neg", "pos", "neg"]

FUSED = [
    make_pipeline(TfidfVectorizer(), LogisticRegression()),
    make_pipeline(TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)), LogisticRegression()),
    make_pipeline(TfidfVectorizer(token_pattern=r"\w+", use_idf=False), SGDClassifier(random_state=1)),
    make_pipeline(TfidfVectorizer(norm=None, binary=True, stop_words=["and"]), LogisticRegression()),
    make_pipeline(TfidfVectorizer(analyzer="char", ngram_range=(1, 3)), LogisticRegression()),
    make_pipeline(CountVectorizer(lowercase=False), LogisticRegression()),
]
WORDS = [
    "good",
    "Good",
    "bad",
    "fine",
    "and",
    "x",
    "ünder_1",
    "Ünder_1",
    "é",
    "a_b",
    "42",
    "poor",
    "\x00",
    "\u2028",
    ".",
]


def compiled(model: Any, labels: list[Any] = LABELS) -> CompiledModel:
    return CompiledModel(Form.from_bytes(compile_model([model.fit(TEXTS, labels)], texts=True).to_bytes()))


@pytest.mark.parametrize("model", FUSED, ids=range(len(FUSED)))
def test_they_answer_as_the_steps_do(model: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    fused = compiled(model)
    monkeypatch.setattr(engine, "fuse", lambda *_: None)
    steps = compiled(model)
    assert fused._sums
    assert steps._sums is None

    @settings(max_examples=25, deadline=None, derandomize=True)
    @given(st.lists(st.lists(st.sampled_from(WORDS), max_size=12), min_size=1, max_size=8))
    def compare(texts: list[list[str]]) -> None:
        values = [(" ".join(words),) for words in texts]
        for (label, score), (expected_label, expected_score) in zip(
            fused.predict(values), steps.predict(values), strict=True
        ):
            assert label == expected_label
            assert score == (None if expected_score is None else pytest.approx(expected_score, abs=1e-14))

    compare()


def test_numbers_are_predicted_too() -> None:
    model = make_pipeline(TfidfVectorizer(), LinearRegression())
    fused = compiled(model, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])

    assert fused._sums
    assert [number for number, _ in fused.predict([("good bad bad",), ("",)])] == pytest.approx(
        model.predict(["good bad bad", ""]).tolist(), abs=1e-12
    )


@pytest.mark.parametrize(
    ("model", "labels"),
    [
        (make_pipeline(TfidfVectorizer(norm="l1"), LogisticRegression()), LABELS),
        (make_pipeline(TfidfVectorizer(), LogisticRegression()), ["a", "b", "c"] * 2),
    ],
    ids=["another norm", "three classes"],
)
def test_other_steps_stay_steps(model: Any, labels: list[str]) -> None:
    assert compiled(model, labels)._sums is None


def test_a_number_is_no_text_for_them() -> None:
    fused = compiled(FUSED[0])

    with pytest.raises(ValueError, match="texts are expected"):
        fused.predict([("good",), (1.0,)])


@given(st.text(alphabet=st.characters(max_codepoint=0x250)) | st.text(alphabet="aB9_ -.\n\x1c\x00"))
def test_words_of_ascii_are_those_that_the_pattern_finds(text: str) -> None:
    find = re.compile(DEFAULT_PATTERN).findall

    assert words_of_two(text) == find(text)
    assert [word for word in lower_words(text) if len(word) > 1] == find(text.lower())


_SUM = """
from hundredfold.model.compiled.fused import TermSums
terms = [f"term{number}" for number in range(200)]
parts = {term: complex(0.1 * (number % 7) - 0.3 / (1 + number), 1.0) for number, term in enumerate(terms)}
sums = TermSums(str.split, parts, 0.1, scaled=True, binary=False, logarithmic=False)
print([value.hex() for value in sums.apply([" ".join(terms), " ".join(reversed(terms))])])
"""


def test_every_process_adds_terms_in_the_same_order() -> None:
    # A set of texts has another order for each seed of their hashes. Sums of floats depend on their order.
    printed = {
        subprocess.run(
            [sys.executable, "-c", _SUM], env={"PYTHONHASHSEED": seed}, stdout=subprocess.PIPE, check=True
        ).stdout
        for seed in ("1", "2", "3")
    }

    assert len(printed) == 1
