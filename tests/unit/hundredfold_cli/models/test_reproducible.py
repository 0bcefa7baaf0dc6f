"""The same training gives the same bytes, whatever process it ran in."""

import io
import os
import pickle
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline, make_union
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from hundredfold_cli.models.describe import DescribeRequest, describe
from hundredfold_cli.models.reproducible import reproducible

TEXTS = ["good fine film", "a good one", "bad film", "bad and poor"] * 3
LABELS = ["pos", "pos", "neg", "neg"] * 3
TEXT = {"fields": [{"name": "text", "type": "text"}]}
COMPRESSIONS: Mapping[str, Any] = {
    "plain": 0,
    "zlib": 3,
    "gzip": ("gzip", 3),
    "bz2": ("bz2", 3),
    "xz": ("xz", 3),
    "lzma": ("lzma", 3),
}
ADDRESS = "_stop_words_id"


def several_vectorizers() -> Any:
    """Vectorizers side by side and within each other, whose lists of stop words are different objects."""
    words = TfidfVectorizer()
    listed = CountVectorizer(stop_words=["a", "and"])
    english = CountVectorizer(stop_words="english", ngram_range=(1, 2))
    return make_pipeline(make_union(words, make_union(listed, english)), LogisticRegression()).fit(TEXTS, LABELS)


def saved(model: Any, compress: Any = 0) -> bytes:
    file = io.BytesIO()
    joblib.dump(model, file, compress=compress)
    return file.getvalue()


def vectorizers(model: Any) -> list[Any]:
    union = model.steps[0][1]
    inner = union.transformer_list[1][1]
    assert isinstance(inner, FeatureUnion)
    return [union.transformer_list[0][1], *(vectorizer for _, vectorizer in inner.transformer_list)]


TRAIN = """
import sys
sys.path[:0] = sys.argv[3:]
from pathlib import Path
from tests.unit.hundredfold_cli.models import test_reproducible as here
from hundredfold_cli.models.describe import DescribeRequest, describe
folder, keep = Path(sys.argv[1]), [bytearray(int(sys.argv[2]))]
names = []
for name, compress in here.COMPRESSIONS.items():
    content = here.saved(here.several_vectorizers(), compress)
    (folder / name).write_bytes(content)
    (folder / f"{name}.saved").write_bytes(content)
    describe(folder, DescribeRequest("m", (name,), here.TEXT, records=({"text": "good"},)))
"""


@pytest.fixture(scope="module")
def trainings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two folders of what two processes trained and described."""
    root = Path(__file__).parents[4]
    folders = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    for number, folder in enumerate(folders, start=1):
        subprocess.run(
            [sys.executable, "-c", TRAIN, str(folder), str(number * 1_000_000), str(root), str(root / "src")],
            env={**os.environ, "PYTHONHASHSEED": str(number)},
            check=True,
        )
    return folders


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_two_processes_that_train_the_same_describe_the_same_bytes(trainings: tuple[Path, Path], name: str) -> None:
    first, second = (folder / name for folder in trainings)

    assert (trainings[0] / f"{name}.saved").read_bytes() != (trainings[1] / f"{name}.saved").read_bytes()
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("name", COMPRESSIONS)
def test_what_is_described_is_loaded_as_the_same_model(trainings: tuple[Path, Path], name: str) -> None:
    before, after = joblib.load(trainings[0] / f"{name}.saved"), joblib.load(trainings[0] / name)

    assert [getattr(vectorizer, ADDRESS) for vectorizer in vectorizers(after)] == [0, 0, 0]
    assert after.predict_proba(TEXTS).tolist() == before.predict_proba(TEXTS).tolist()
    # Predicting has set the addresses of this process: that is what they are for.
    assert all(getattr(vectorizer, ADDRESS) == id(vectorizer.stop_words) for vectorizer in vectorizers(after))


def test_nothing_but_the_addresses_is_changed() -> None:
    model = several_vectorizers()
    content = saved(model)

    cleared = reproducible(content, joblib.load(io.BytesIO(content)))

    assert len(cleared) == len(content)
    changed = [position for position, (old, new) in enumerate(zip(content, cleared, strict=True)) if old != new]
    # Three addresses of at most 8 bytes each; the first stands behind the name, and the others behind references to it.
    assert 0 < len(changed) <= 24
    assert all(cleared[position] == 0 for position in changed)
    addresses = {getattr(vectorizer, ADDRESS) for vectorizer in vectorizers(joblib.load(io.BytesIO(content)))}
    assert len(addresses) == 3
    assert not any(pickle.dumps(address, 2)[2:-1] in cleared for address in addresses)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_of_any_binary_protocol_is_cleared(protocol: int) -> None:
    content = pickle.dumps(several_vectorizers(), protocol)

    model = joblib.load(io.BytesIO(reproducible(content, pickle.loads(content))))

    assert [getattr(vectorizer, ADDRESS) for vectorizer in vectorizers(model)] == [0, 0, 0]


def test_a_vectorizer_in_an_array_of_objects_is_found() -> None:
    array = np.array([CountVectorizer().fit(TEXTS), None], dtype=object)
    model = FunctionTransformer(kw_args={"vectorizers": array})
    content = pickle.dumps(model)

    cleared = pickle.loads(reproducible(content, pickle.loads(content)))

    assert getattr(cleared.kw_args["vectorizers"][0], ADDRESS) == 0


def test_a_model_without_vectorizers_keeps_its_bytes() -> None:
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit([[0.0], [1.0]], ["a", "b"])

    for compress in COMPRESSIONS.values():
        content = saved(model, compress)
        assert reproducible(content, model) == content


def test_a_number_that_is_equal_to_the_address_elsewhere_is_kept() -> None:
    vectorizer = CountVectorizer().fit(TEXTS)
    address = getattr(vectorizer, ADDRESS)
    model = make_pipeline(vectorizer, FunctionTransformer(kw_args={"seed": address}))
    content = pickle.dumps(model)

    cleared = pickle.loads(reproducible(content, pickle.loads(content)))

    assert getattr(cleared.steps[0][1], ADDRESS) == 0
    assert cleared.steps[1][1].kw_args == {"seed": address}


def test_a_skops_file_is_kept_as_it_is() -> None:
    content = skops.io.dumps(CountVectorizer().fit(TEXTS))

    assert reproducible(content, skops.io.loads(content)) == content


def test_the_file_that_a_person_packages_is_the_one_that_was_described(tmp_path: Path) -> None:
    (tmp_path / "m.joblib").write_bytes(saved(several_vectorizers()))

    card = describe(tmp_path, DescribeRequest("m", ("m.joblib",), TEXT, records=({"text": "good film"},)))

    [[label, score]] = card.sample["answers"]
    model = joblib.load(tmp_path / "m.joblib")
    assert (label, score) == (model.predict(["good film"])[0], model.predict_proba(["good film"]).max())
