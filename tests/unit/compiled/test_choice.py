"""A packaged model is answered by its compiled form if that passes the gate, and by scikit-learn if not."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from hundredfold.errors import BundleRefusedError
from hundredfold.inference.decode import Record
from hundredfold.inference.predict import predict_records
from hundredfold.model.bundle import Bundle, CompiledBundle, load
from hundredfold.model.card import CARD, Card
from hundredfold.model.engine import COMPILED_FILE, Engine, EngineChoice
from hundredfold.model.smoke import differences, smoke
from hundredfold_cli.models.compiling import compiler, gate
from hundredfold_cli.models.compiling.choice import choose_engine
from hundredfold_cli.models.describe import DescribeRequest, describe

STEP = "model.joblib"
TEXT = {"fields": [{"name": "text", "type": "text"}]}
NUMBERS = {"fields": [{"name": "height", "type": "number"}, {"name": "width", "type": "number"}]}
MIXED = {"fields": [{"name": "colour", "type": "category"}, {"name": "height", "type": "number"}]}
TEXTS = ["good fine good", "fine and good", "bad poor", "poor and bad bad", "good enough", "bad enough"]
LABELS = ["pos", "pos", "neg", "neg", "pos", "neg"]
ROWS = [[1.0, 2.0], [2.0, 1.0], [3.0, 5.0], [4.0, 1.5], [0.5, 0.1], [6.0, 2.0]]


@pytest.fixture(autouse=True)
def _fewer_records(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "DERIVED_RECORDS", 500)


def text_model() -> Any:
    return make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)


def packaged(folder: Path, model: Any, signature: Any = TEXT, engine: Engine | None = None, **request: Any) -> Card:
    """Package a model as the command does, and write its card."""
    joblib.dump(model, folder / STEP)
    card = describe(folder, DescribeRequest("m", (STEP,), signature, **request))
    card = choose_engine(folder, card, engine)
    card = replace(card, files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in card.files})
    (folder / CARD).write_bytes(card.to_json())
    return card


def test_a_text_model_is_compiled_and_its_card_says_what_speaks_for_it(tmp_path: Path) -> None:
    card = packaged(tmp_path, text_model(), records=({"text": "good"}, {"text": "poor bad"}))

    assert card.engine.engine is Engine.COMPILED
    assert card.engine.compared > 500
    assert card.engine.largest_difference <= card.engine.tolerance == 1e-9
    assert not card.engine.numpy
    assert Card.from_json((tmp_path / CARD).read_bytes()) == card
    bundle = load(tmp_path)
    assert isinstance(bundle, CompiledBundle)
    assert differences(card, bundle.digest, smoke(bundle)) == []


def test_a_compiled_bundle_is_loaded_and_predicts_without_scikit_learn(tmp_path: Path) -> None:
    packaged(tmp_path, text_model())
    program = (
        "import sys, pathlib\n"
        "for name in ('numpy', 'scipy', 'sklearn', 'joblib'):\n"
        "    sys.modules[name] = None\n"  # an import of it raises
        "from hundredfold.model.bundle import load\n"
        f"print(load(pathlib.Path({str(tmp_path)!r})).predict([('a good one',), ('poor',)]))\n"
    )

    output = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert output.startswith("[('pos', 0.")
    assert "('neg', 0." in output


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_both_engines_answer_and_refuse_the_same_records_of_a_batch(tmp_path: Path) -> None:
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(ROWS, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    card = packaged(tmp_path, model, NUMBERS)
    values = [(1.0, 2.0), (1e308, -1e308), (3.0, 4.0), (-1.7e308, 1.7e308), (5.0, 6.0)]
    records = [Record(str(number), value, number, 0) for number, value in enumerate(values)]

    predictions, rejections = predict_records(records, load(tmp_path).predict)

    by_scikit_learn, rejected_by_it = predict_records(records, Bundle(card, [model]).predict)
    assert card.engine.engine is Engine.COMPILED
    assert [prediction.record_id for prediction in predictions] == [p.record_id for p in by_scikit_learn]
    assert [prediction.label for prediction in predictions] == pytest.approx([p.label for p in by_scikit_learn])
    assert rejections == rejected_by_it


def test_a_table_with_named_columns_needs_no_pandas_once_it_is_compiled(tmp_path: Path) -> None:
    table = pd.DataFrame({"colour": ["red", "blue", "red", "green", "blue", "red"], "height": [1.0, 2, 3, 4, 5, 6]})
    columns = ColumnTransformer(
        [("colours", OneHotEncoder(handle_unknown="ignore"), ["colour"]), ("numbers", StandardScaler(), ["height"])]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(table, LABELS)

    card = packaged(tmp_path, model, MIXED, input="dataframe", requires=("pandas",))

    assert card.engine.engine is Engine.COMPILED
    values = [("red", 2.0), ("violet", 3.0)]
    expected = Bundle(card, [model]).predict(values)
    answers = load(tmp_path).predict(values)
    assert [label for label, _ in answers] == [label for label, _ in expected]
    assert [score for _, score in answers] == pytest.approx([score for _, score in expected], abs=1e-9)


def test_a_model_that_is_not_understood_stays_with_scikit_learn_and_the_card_says_why(tmp_path: Path) -> None:
    card = packaged(tmp_path, KNeighborsClassifier(2).fit(ROWS, LABELS), NUMBERS)

    assert card.engine == EngineChoice(
        reason="sklearn.neighbors._classification.KNeighborsClassifier has no compiled form"
    )
    assert not (tmp_path / COMPILED_FILE).exists()
    assert type(load(tmp_path)) is Bundle


def test_a_compiled_form_that_answers_otherwise_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = compiler.COMPILERS[LogisticRegression]
    wrong = {LogisticRegression: lambda model, inner: {**step(model, inner), "score": "none"}}
    monkeypatch.setattr(compiler, "COMPILERS", {**compiler.COMPILERS, **wrong})

    card = packaged(tmp_path, text_model())

    assert card.engine.engine is Engine.SCIKIT_LEARN
    assert card.engine.reason.startswith("it answers record 1 of the ")
    assert type(load(tmp_path)) is Bundle


def test_scikit_learn_can_be_asked_for(tmp_path: Path) -> None:
    card = packaged(tmp_path, text_model(), engine=Engine.SCIKIT_LEARN)

    assert card.engine == EngineChoice(reason="it was asked for")
    assert tuple(card.files) == (STEP,)


def test_a_compiled_form_that_is_asked_for_and_cannot_be_made_refuses_the_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match=r"cannot be compiled: .*KNeighborsClassifier has no compiled form"):
        packaged(tmp_path, KNeighborsClassifier(2).fit(ROWS, LABELS), NUMBERS, Engine.COMPILED)


def test_a_compiled_form_that_was_replaced_is_not_opened(tmp_path: Path) -> None:
    packaged(tmp_path, text_model())
    (tmp_path / COMPILED_FILE).write_bytes(b"other")

    with pytest.raises(BundleRefusedError, match=f"{COMPILED_FILE} is not the file that the model's card describes"):
        load(tmp_path)


@pytest.mark.parametrize(("library", "matters"), [("python", True), ("scikit-learn", False), ("numpy", False)])
def test_of_the_versions_only_those_matter_that_the_engine_uses(tmp_path: Path, library: str, matters: bool) -> None:
    card = packaged(tmp_path, text_model())
    (tmp_path / CARD).write_bytes(replace(card, versions={**card.versions, library: "0.1"}).to_json())

    if matters:
        with pytest.raises(BundleRefusedError, match=f"was saved with {library} 0.1"):
            load(tmp_path)
    else:
        assert isinstance(load(tmp_path), CompiledBundle)


def test_a_compiled_form_of_other_classes_than_the_card_is_refused(tmp_path: Path) -> None:
    card = packaged(tmp_path, text_model())
    (tmp_path / CARD).write_bytes(replace(card, classes=("a", "b")).to_json())

    with pytest.raises(BundleRefusedError, match="the compiled model's classes are"):
        load(tmp_path)


def test_a_card_that_names_no_compiled_file_is_refused(tmp_path: Path) -> None:
    card = packaged(tmp_path, text_model())
    (tmp_path / CARD).write_bytes(replace(card, files={STEP: card.files[STEP]}).to_json())

    with pytest.raises(BundleRefusedError, match=f"must have a digest of {COMPILED_FILE}"):
        load(tmp_path)
