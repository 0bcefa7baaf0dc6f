"""The bundle: real scikit-learn models, saved and loaded, and every check that keeps a file from being opened."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import sklearn
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.inference.decode import Record
from hundredfold.inference.predict import predict_records
from hundredfold.model.bundle import CARD, Bundle, Card, load, versions_here
from hundredfold.model.signature import Field, FieldType, Signature

TEXT = Signature((Field("text", FieldType.TEXT),))
NUMBERS = Signature((Field("height", FieldType.NUMBER), Field("width", FieldType.NUMBER)))

TEXTS = ["good fine good", "fine and good", "bad poor", "poor and bad bad", "good enough", "bad enough"]
LABELS = ["pos", "pos", "neg", "neg", "pos", "neg"]


def write_bundle(folder: Path, steps: Mapping[str, Any], signature: Signature, classes: tuple[str, ...]) -> Card:
    """Save a bundle as training does."""
    for name, step in steps.items():
        joblib.dump(step, folder / name)
    card = Card(
        name="test-model",
        steps=tuple(steps),
        signature=signature,
        classes=classes,
        versions=versions_here(),
        files={name: sha256(folder / name) for name in steps},
    )
    (folder / CARD).write_bytes(card.to_json())
    return card


def bundle_of(model: Any, signature: Signature) -> Bundle:
    """A bundle of one step that was never saved, with the classes a and b."""
    card = Card("test-model", ("model",), signature, classes=("a", "b"), versions={}, files={"model": ""})
    return Bundle(card, [model])


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def change_card(folder: Path, **changes: object) -> None:
    card = json.loads((folder / CARD).read_bytes())
    (folder / CARD).write_text(json.dumps({**card, **changes}))


@pytest.fixture
def text_bundle(tmp_path: Path) -> Path:
    """A bundle of one file, a pipeline."""
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    write_bundle(tmp_path, {"pipeline.joblib": pipeline}, TEXT, ("neg", "pos"))
    return tmp_path


# ---------------------------------------------------------------- predicting


def test_a_text_pipeline_answers_as_it_does_outside_a_bundle(text_bundle: Path) -> None:
    answers = load(text_bundle).predict([("good and fine",), ("bad",), ("enough",)])

    pipeline = joblib.load(text_bundle / "pipeline.joblib")
    expected = pipeline.predict_proba(["good and fine", "bad", "enough"]).max(axis=1)
    assert [label for label, _ in answers][:2] == ["pos", "neg"]
    assert [score for _, score in answers] == pytest.approx(expected.tolist(), abs=0)
    assert all(type(label) is str and type(score) is float for label, score in answers)


def test_steps_are_applied_in_the_order_of_the_card(tmp_path: Path) -> None:
    vectorizer = CountVectorizer().fit(TEXTS)
    transformer = TfidfTransformer().fit(vectorizer.transform(TEXTS))
    classifier = LogisticRegression().fit(transformer.transform(vectorizer.transform(TEXTS)), LABELS)
    # The alphabetical order of the names is another one.
    steps = {"z_vectorizer.joblib": vectorizer, "m_transformer.joblib": transformer, "a_classifier.joblib": classifier}
    write_bundle(tmp_path, steps, TEXT, ("neg", "pos"))
    texts = ["good good fine", "poor", "enough and enough", "unknown words"]

    answers = load(tmp_path).predict([(text,) for text in texts])

    by_hand = classifier.predict_proba(transformer.transform(vectorizer.transform(texts)))
    assert answers == [
        ("neg", negative) if negative >= positive else ("pos", positive) for negative, positive in by_hand.tolist()
    ]


def test_the_score_is_the_probability_of_the_label(tmp_path: Path) -> None:
    # Three of four are "b", so its prior is 0.75.
    model = DummyClassifier(strategy="prior").fit([[0.0, 0.0]] * 4, ["b", "a", "b", "b"])
    write_bundle(tmp_path, {"model.joblib": model}, NUMBERS, ("a", "b"))

    assert load(tmp_path).predict([(1.0, 2.0), (3.0, 4.0)]) == [("b", 0.75), ("b", 0.75)]


def test_numbers_reach_the_model_by_rows_in_the_order_of_the_fields(tmp_path: Path) -> None:
    # "tall" means higher than wide
    table = np.array([[2.0, 1.0], [3.0, 1.0], [5.0, 2.0], [1.0, 2.0], [1.0, 3.0], [2.0, 5.0]])
    model = LogisticRegression(C=100).fit(table, ["tall"] * 3 + ["wide"] * 3)
    write_bundle(tmp_path, {"model.joblib": model}, NUMBERS, ("tall", "wide"))

    answers = load(tmp_path).predict([(9.0, 1.0), (1.0, 9.0), (8.0, 2.0)])

    assert [label for label, _ in answers] == ["tall", "wide", "tall"]
    expected = model.predict_proba(np.array([[9.0, 1.0], [1.0, 9.0], [8.0, 2.0]])).max(axis=1)
    assert [score for _, score in answers] == expected.tolist()


def test_categories_and_numbers_keep_their_types(tmp_path: Path) -> None:
    rows = np.array([["red", 1.0], ["red", 2.0], ["blue", 1.0], ["blue", 2.0]], dtype=object)
    columns = ColumnTransformer([("colour", OneHotEncoder(handle_unknown="ignore"), [0])], remainder="passthrough")
    model = make_pipeline(columns, LogisticRegression(C=100)).fit(rows, ["stop", "stop", "go", "go"])
    signature = Signature((Field("colour", FieldType.CATEGORY), Field("brightness", FieldType.NUMBER)))
    write_bundle(tmp_path, {"model.joblib": model}, signature, ("go", "stop"))

    answers = load(tmp_path).predict([("blue", 1.5), ("red", 1.5)])

    assert [label for label, _ in answers] == ["go", "stop"]


def test_classes_that_are_numbers_become_labels(tmp_path: Path) -> None:
    model = DummyClassifier(strategy="prior").fit([[0.0]] * 3, [10, 10, 2])
    write_bundle(tmp_path, {"model.joblib": model}, Signature((Field("a", FieldType.NUMBER),)), ("2", "10"))

    [(label, score)] = load(tmp_path).predict([(1.0,)])

    assert label == "10"
    assert score == pytest.approx(2 / 3)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # numpy warns of the overflow that this test provokes
def test_a_probability_that_is_not_finite_rejects_only_its_record(tmp_path: Path) -> None:
    # The squares of such numbers overflow. Then all classes are equally impossible to GaussianNB.
    model = GaussianNB().fit([[1.0, 1.0], [1.5, 1.0], [9.0, 9.0], [9.5, 9.0]], ["near", "near", "far", "far"])
    write_bundle(tmp_path, {"model.joblib": model}, NUMBERS, ("far", "near"))
    bundle = load(tmp_path)
    assert np.isnan(model.predict_proba([[1e200, 1e200]])).all()
    records = [Record(f"r{x:g}", (x, 1.0), line=1, offset=0) for x in (1.0, 1e200, 9.0)]

    predictions, [rejection] = predict_records(records, bundle.predict)

    assert [prediction.record_id for prediction in predictions] == ["r1", "r9"]
    assert rejection.record_id == "r1e+200"


class Recording(DummyClassifier):  # type: ignore[misc]  # scikit-learn has no types
    """Keeps its last input."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - its name there
        self.input = X
        return super().predict_proba(X)


@pytest.mark.parametrize(
    ("signature", "values", "dtype"),
    [
        (NUMBERS, [(1.0, 2.0), (3.0, 4.0), (5.0, 6.0)], "float64"),
        (
            Signature((Field("colour", FieldType.CATEGORY), Field("height", FieldType.NUMBER))),
            [("red", 2.0), ("", 4.0), ("2", 6.0)],
            "object",
        ),
    ],
)
def test_a_model_of_several_fields_gets_an_array_of_records_x_fields(
    signature: Signature, values: list[tuple[str | float, ...]], dtype: str
) -> None:
    model = Recording(strategy="prior").fit([[0.0, 0.0]] * 4, ["a", "b", "b", "b"])

    bundle_of(model, signature).predict(values)

    assert (model.input.dtype.name, model.input.shape) == (dtype, (3, 2))
    assert [tuple(row) for row in model.input.tolist()] == values


class OneRowShort(DummyClassifier):  # type: ignore[misc]  # scikit-learn has no types
    """Answers all records but the last."""

    def predict_proba(self, X: Any) -> Any:  # noqa: N803 - its name there
        return super().predict_proba(X)[:-1]


def test_a_missing_row_is_the_models_fault() -> None:
    model = OneRowShort(strategy="prior").fit([[0.0, 0.0]] * 4, ["a", "b", "b", "b"])

    with pytest.raises(
        ModelMisbehavedError, match=r"model test-model answered with the shape \(2, 2\) where \(3, 2\) was expected"
    ):
        bundle_of(model, NUMBERS).predict([(1.0, 1.0)] * 3)


# ---------------------------------------------------------------- the card


def test_a_card_is_read_back_as_it_was_written() -> None:
    card = Card(
        name="reviews",
        steps=("vectorizer.joblib", "classifier.joblib"),
        signature=NUMBERS,
        classes=("neg", "pos"),
        versions={"python": "3.13", "numpy": "2.5.5"},
        files={"vectorizer.joblib": "ab" * 32, "classifier.joblib": "cd" * 32},
        training={"documents": 5},
        score={"value": 0.9},
    )

    assert Card.from_json(card.to_json()) == card
    assert Card.from_json(card.to_json()).to_json() == card.to_json()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"{", "cannot be read"),
        (b"[]", "cannot be read"),
        (b"null", "cannot be read"),
        (b"{}", "cannot be read: KeyError.*name"),
    ],
)
def test_a_card_that_cannot_be_read_is_refused(content: bytes, message: str) -> None:
    with pytest.raises(BundleRefusedError, match=message):
        Card.from_json(content)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"signature": None}, "signature cannot be read"),
        ({"signature": {"fields": []}}, "must name different fields"),
        ({"classes": None}, "cannot be read: TypeError"),
        ({"versions": ["python"]}, "cannot be read: AttributeError"),
        ({"files": "pipeline.joblib"}, "cannot be read: AttributeError"),
        ({"steps": []}, "must name its steps"),
        ({"steps": ["pipeline.joblib", "more.joblib"]}, "a digest for each"),
        ({"files": {}}, "a digest for each"),
    ],
)
def test_a_malformed_card_is_refused(text_bundle: Path, changes: dict[str, Any], message: str) -> None:
    change_card(text_bundle, **changes)

    with pytest.raises(BundleRefusedError, match=message):
        load(text_bundle)


def test_a_folder_without_a_card_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match=r"has no card bundle\.json"):
        load(tmp_path)


def test_a_card_with_other_classes_than_the_model_is_refused(text_bundle: Path) -> None:
    change_card(text_bundle, classes=["pos", "neg"])

    with pytest.raises(BundleRefusedError, match=r"classes are \('neg', 'pos'\), and its card says \('pos', 'neg'\)"):
        load(text_bundle)


def test_a_regressor_with_the_card_of_a_classifier_is_refused(tmp_path: Path) -> None:
    model = LinearRegression().fit([[0.0, 0.0], [1.0, 1.0]], [0, 1])
    write_bundle(tmp_path, {"model.joblib": model}, NUMBERS, ("0", "1"))

    with pytest.raises(BundleRefusedError, match=r"classes are \(\), and its card says \('0', '1'\)"):
        load(tmp_path)


def test_a_last_step_that_does_not_predict_is_refused(tmp_path: Path) -> None:
    write_bundle(tmp_path, {"model.joblib": CountVectorizer().fit(TEXTS)}, TEXT, ())

    with pytest.raises(BundleRefusedError, match="a CountVectorizer, which does not predict"):
        load(tmp_path)


def test_a_card_that_is_not_the_released_one_is_refused_and_nothing_is_opened(text_bundle: Path) -> None:
    released = sha256(text_bundle / CARD)
    assert load(text_bundle, released).digest == released
    proof = set_trap(text_bundle)
    change_card(text_bundle, files={"pipeline.joblib": sha256(text_bundle / "pipeline.joblib")})

    with pytest.raises(BundleRefusedError, match=f"not the one that was released .*released {released}"):
        load(text_bundle, released)

    assert not proof.exists()


# ---------------------------------------------------------------- files that are not opened


@dataclass
class Trap:
    """Creates a file when it is unpickled. That file proves that it was opened."""

    proof: Path
    labels: list[str] = field(default_factory=list)

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.proof,)


def set_trap(folder: Path) -> Path:
    """Put a trap in place of the bundle's file. Return the file that it would create."""
    proof = folder / "opened"
    joblib.dump(Trap(proof), folder / "pipeline.joblib")
    return proof


def test_the_trap_works(text_bundle: Path) -> None:
    proof = set_trap(text_bundle)
    change_card(text_bundle, files={"pipeline.joblib": sha256(text_bundle / "pipeline.joblib")})

    with pytest.raises(BundleRefusedError):
        load(text_bundle)

    assert proof.exists()


def test_a_replaced_file_is_refused_and_not_opened(text_bundle: Path) -> None:
    on_card = sha256(text_bundle / "pipeline.joblib")
    proof = set_trap(text_bundle)

    with pytest.raises(BundleRefusedError, match="not the file that the model's card describes") as refused:
        load(text_bundle)

    assert not proof.exists()
    assert on_card in str(refused.value)
    assert sha256(text_bundle / "pipeline.joblib") in str(refused.value)


def test_nothing_is_opened_if_a_version_differs(text_bundle: Path) -> None:
    proof = set_trap(text_bundle)
    change_card(
        text_bundle,
        files={"pipeline.joblib": sha256(text_bundle / "pipeline.joblib")},
        versions={**versions_here(), "scikit-learn": "0.24.2"},
    )

    with pytest.raises(BundleRefusedError) as refused:
        load(text_bundle)

    assert not proof.exists()
    assert f"scikit-learn 0.24.2, and here is {sklearn.__version__}" in str(refused.value)


def test_every_version_that_differs_is_named(text_bundle: Path) -> None:
    change_card(text_bundle, versions={"python": "2.7", "numpy": np.__version__, "a-library": "1.0"})

    with pytest.raises(BundleRefusedError) as refused:
        load(text_bundle)

    assert "python 2.7, and here is 3.13; a-library 1.0, and here is none:" in str(refused.value)
    assert "numpy" not in str(refused.value)


def test_nothing_is_opened_if_one_of_several_files_differs(text_bundle: Path) -> None:
    proof = set_trap(text_bundle)
    (text_bundle / "words.txt").write_text("damaged")
    change_card(
        text_bundle,
        files={"pipeline.joblib": sha256(text_bundle / "pipeline.joblib"), "words.txt": "0" * 64},
    )

    with pytest.raises(BundleRefusedError, match=r"words\.txt is not the file"):
        load(text_bundle)

    assert not proof.exists()


@pytest.mark.parametrize("kept", [0, 1, 100])
def test_a_truncated_file_is_refused(text_bundle: Path, kept: int) -> None:
    content = (text_bundle / "pipeline.joblib").read_bytes()
    (text_bundle / "pipeline.joblib").write_bytes(content[:kept])

    with pytest.raises(BundleRefusedError, match="it was damaged or replaced, so it is not opened"):
        load(text_bundle)


def test_a_file_with_one_bit_flipped_is_refused(text_bundle: Path) -> None:
    content = bytearray((text_bundle / "pipeline.joblib").read_bytes())
    content[len(content) // 2] ^= 1
    (text_bundle / "pipeline.joblib").write_bytes(content)

    with pytest.raises(BundleRefusedError, match="it was damaged or replaced"):
        load(text_bundle)


def test_a_missing_file_is_named(text_bundle: Path) -> None:
    (text_bundle / "pipeline.joblib").unlink()

    with pytest.raises(BundleRefusedError, match=r"names pipeline\.joblib, which is not in the layer"):
        load(text_bundle)


def test_versions_here_are_of_the_libraries_that_a_saved_model_depends_on() -> None:
    versions = versions_here()

    assert set(versions) == {"python", "numpy", "scipy", "scikit-learn", "joblib"}
    assert versions["python"] == "3.13"
    assert versions["scikit-learn"] == sklearn.__version__
    assert versions["joblib"] == joblib.__version__


def test_only_bytes_that_were_checked_are_opened(text_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[object] = []
    real_load = joblib.load

    def load_and_record(file: object) -> object:
        opened.append(file)
        return real_load(file)

    monkeypatch.setattr(joblib, "load", load_and_record)

    load(text_bundle)

    [file] = opened
    assert isinstance(file, io.BytesIO), "a file opened by name could be replaced after the check"
    assert hashlib.sha256(file.getvalue()).hexdigest() == sha256(text_bundle / "pipeline.joblib")
