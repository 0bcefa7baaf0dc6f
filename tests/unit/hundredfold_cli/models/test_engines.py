"""A bundle by its other engine, without packaging it again."""

import hashlib
from pathlib import Path

import joblib
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from hundredfold.errors import BundleRefusedError
from hundredfold.model.bundle import CompiledBundle, load
from hundredfold.model.card import CARD, Card, versions_here
from hundredfold.model.compiled.form import Form
from hundredfold.model.engine import COMPILED_FILE, Engine, EngineChoice
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.models.compiling.compiler import compile_model
from hundredfold_cli.models.engines import with_engine
from hundredfold_cli.models.packaging import read_bundle

TEXTS = ["a good film", "a dull film", "a good cast", "a dull plot"]
FILES = {"m.joblib", COMPILED_FILE}


@pytest.fixture
def compiled(tmp_path: Path) -> Path:
    """A bundle that its compiled form answers for."""
    folder = tmp_path / "compiled"
    folder.mkdir()
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, ["good", "bad"] * 2)
    joblib.dump(model, folder / "m.joblib")
    form: Form = compile_model([model], texts=True)
    (folder / COMPILED_FILE).write_bytes(form.to_bytes())
    card = Card(
        name="m",
        steps=("m.joblib",),
        signature=Signature((Field("text", FieldType.TEXT),)),
        classes=("bad", "good"),
        versions=versions_here(),
        files={name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in FILES},
        engine=EngineChoice(Engine.COMPILED, compared=10_000, largest_difference=3e-16, tolerance=1e-9),
    )
    (folder / CARD).write_bytes(card.to_json())
    return folder


def test_a_compiled_bundle_by_scikit_learn_answers_the_same_and_keeps_its_files(compiled: Path, tmp_path: Path) -> None:
    by_scikit_learn = with_engine(compiled, Engine.SCIKIT_LEARN, tmp_path / "changed")

    card, digest = read_bundle(by_scikit_learn)
    assert card.engine == EngineChoice(reason="it was asked for")
    assert set(card.files) == FILES
    first, second = load(compiled), load(by_scikit_learn, digest)
    assert isinstance(first, CompiledBundle)
    assert not isinstance(second, CompiledBundle)
    texts = [(text,) for text in TEXTS]
    assert [label for label, _ in first.predict(texts)] == [label for label, _ in second.predict(texts)]


def test_a_bundle_that_has_the_engine_already_is_taken_as_it_is(compiled: Path, tmp_path: Path) -> None:
    assert with_engine(compiled, Engine.COMPILED, tmp_path / "changed") == compiled
    assert not (tmp_path / "changed").exists()


def test_only_packaging_compiles(compiled: Path, tmp_path: Path) -> None:
    by_scikit_learn = with_engine(compiled, Engine.SCIKIT_LEARN, tmp_path / "changed")

    with pytest.raises(BundleRefusedError, match=r"model m is not compiled \(it was asked for\); package"):
        with_engine(by_scikit_learn, Engine.COMPILED, tmp_path / "again")
