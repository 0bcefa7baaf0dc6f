"""Describing a model: what its card needs to say is found out, and what cannot be released is refused."""

import re
import sys
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.model import one_call
from hundredfold.model.bundle import versions_here
from hundredfold.model.card import Card, Output, Task
from hundredfold_cli.models.describe import DescribeRequest, describe
from hundredfold_cli.models.pickled import read_model_file

X = [[0.0, 0.0], [0.0, 1.0], [4.0, 4.0], [4.0, 5.0]]
NUMBERS = {"fields": [{"name": "a", "type": "number"}, {"name": "b", "type": "number"}]}
TEXT = {"fields": [{"name": "text", "type": "text"}]}
SAMPLE = ({"a": 0.0, "b": 0.5}, {"a": 4.0, "b": 4.5})


def described(
    folder: Path, steps: Mapping[str, Any], signature: Mapping[str, Any] = NUMBERS, **attributes: Any
) -> Card:
    for name, step in steps.items():
        joblib.dump(step, folder / name)
    return describe(folder, DescribeRequest("m", tuple(steps), signature, **attributes))


def saved_by(version: str, file: Path) -> None:
    """Change a file to what another version of scikit-learn would have written."""
    here = versions_here()["scikit-learn"]
    assert len(here) == len(version)
    file.write_bytes(file.read_bytes().replace(here.encode(), version.encode()))


# ---------------------------------------------------------------- what is found out


def test_a_classifier_is_found_out_with_its_answers_to_the_sample(tmp_path: Path) -> None:
    model = DummyClassifier(strategy="prior").fit(X, ["far", "near", "near", "near"])

    card = described(tmp_path, {"m.joblib": model}, records=SAMPLE)

    assert (card.task, card.classes, card.outputs) == (Task.CLASSIFICATION, ("far", "near"), ())
    assert card.versions == versions_here()
    assert card.saved_with == {"scikit-learn": versions_here()["scikit-learn"]}
    assert card.sample == {"records": list(SAMPLE), "answers": [["near", 0.75], ["near", 0.75]]}


def test_steps_are_described_in_their_order(tmp_path: Path) -> None:
    texts, labels = ["good fine", "good", "bad", "bad poor"], ["pos", "pos", "neg", "neg"]
    vectorizer = CountVectorizer().fit(texts)
    counts = TfidfTransformer().fit(vectorizer.transform(texts))
    model = LogisticRegression().fit(counts.transform(vectorizer.transform(texts)), labels)
    steps = {"PreProc1.joblib": vectorizer, "PreProc2.joblib": counts, "MyModel.joblib": model}

    card = described(tmp_path, steps, TEXT, records=({"text": "good"},))

    assert card.steps == ("PreProc1.joblib", "PreProc2.joblib", "MyModel.joblib")
    [[label, score]] = card.sample["answers"]
    assert label == "pos"
    assert score == model.predict_proba(counts.transform(vectorizer.transform(["good"]))).max()
    with pytest.raises(BundleRefusedError, match=r"MyModel\.joblib is a LogisticRegression, which does not transform"):
        described(tmp_path, dict(reversed(steps.items())), TEXT)


@pytest.mark.parametrize(
    ("model", "targets", "task", "outputs"),
    [
        (LinearRegression(), [1.0, 2.0, 3.0, 4.0], Task.REGRESSION, ()),
        (LinearRegression(), [[1.0, 2.0]] * 4, Task.REGRESSION, (Output("output_0"), Output("output_1"))),
        (
            DummyClassifier(),
            [["r", "s"], ["r", "l"], ["b", "s"], ["b", "s"]],
            Task.CLASSIFICATION,
            (Output("output_0", ("b", "r")), Output("output_1", ("l", "s"))),
        ),
        (
            OneVsRestClassifier(LogisticRegression()),
            np.array([[1, 0], [1, 0], [0, 1], [0, 1]]),
            Task.CLASSIFICATION,
            (Output("output_0", (0, 1)), Output("output_1", (0, 1))),
        ),
        (
            MLPClassifier((2,), max_iter=1, random_state=0),
            np.array([[1, 0], [1, 0], [0, 1], [0, 1]]),
            Task.CLASSIFICATION,
            (Output("output_0", (0, 1)), Output("output_1", (0, 1))),
        ),
    ],
)
@pytest.mark.parametrize("records", [SAMPLE, ()], ids=["sample", "made-up"])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_task_and_outputs_are_found_out(
    tmp_path: Path, model: Any, targets: Any, task: Task, outputs: tuple[Output, ...], records: Sequence[Any]
) -> None:
    card = described(tmp_path, {"m.joblib": model.fit(X, targets)}, records=tuple(records))

    assert (card.task, card.classes, card.outputs) == (task, (), outputs)


def test_outputs_get_the_names_that_are_asked_for(tmp_path: Path) -> None:
    model = LinearRegression().fit(X, [[1.0, 2.0]] * 4)

    assert described(tmp_path, {"m.joblib": model}, outputs=("x", "y")).outputs == (Output("x"), Output("y"))
    with pytest.raises(BundleRefusedError, match=r"3 outputs are named \(x, y, z\), and the model has 2"):
        described(tmp_path, {"m.joblib": model}, outputs=("x", "y", "z"))


# ---------------------------------------------------------------- what is refused


def test_another_scikit_learn_is_refused_by_both_versions_and_not_opened(tmp_path: Path) -> None:
    joblib.dump(LinearRegression().fit(X, [1.0, 2.0, 3.0, 4.0]), tmp_path / "m.joblib")
    saved_by("0.9.9", tmp_path / "m.joblib")
    here = versions_here()["scikit-learn"]
    request = DescribeRequest("m", ("m.joblib",), NUMBERS)

    with pytest.raises(BundleRefusedError) as refused:
        describe(tmp_path, request)

    assert f"m.joblib was saved with scikit-learn 0.9.9, and inference runs {here}" in str(refused.value)
    assert "--allow-version-mismatch" in str(refused.value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
def test_a_mismatch_that_is_allowed_is_noted_on_the_card(tmp_path: Path) -> None:
    joblib.dump(LinearRegression().fit(X, [1.0, 2.0, 3.0, 4.0]), tmp_path / "m.joblib")
    saved_by("0.9.9", tmp_path / "m.joblib")

    card = describe(tmp_path, DescribeRequest("m", ("m.joblib",), NUMBERS, allow_version_mismatch=True))

    here = versions_here()["scikit-learn"]
    assert card.saved_with == {"scikit-learn": "0.9.9"}
    assert card.mismatches == (f"m.joblib was saved with scikit-learn 0.9.9, and inference runs {here}",)
    assert card.versions["scikit-learn"] == here


def test_versions_that_its_maker_states_are_compared_too(tmp_path: Path) -> None:
    model = LinearRegression().fit(X, [1.0, 2.0, 3.0, 4.0])

    with pytest.raises(BundleRefusedError, match=r"numpy 1\.26\.4, and inference runs " + re.escape(np.__version__)):
        described(tmp_path, {"m.joblib": model}, saved_with={"numpy": "1.26.4"})


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("xz", 3), ("lzma", 3)])
def test_the_version_is_read_from_the_bytes_however_they_are_compressed(tmp_path: Path, compress: Any) -> None:
    model = make_pipeline(StandardScaler(), LinearRegression()).fit(X, [1.0, 2.0, 3.0, 4.0])
    joblib.dump(model, tmp_path / "m", compress=compress)

    assert read_model_file((tmp_path / "m").read_bytes()).scikit_learn == versions_here()["scikit-learn"]
    assert read_model_file(skops.io.dumps(model)).scikit_learn == versions_here()["scikit-learn"]
    for content in (b"", b"\x1f\x8bcut off", b"anything else"):
        assert read_model_file(content).scikit_learn is None


def test_a_truncated_file_is_refused(tmp_path: Path) -> None:
    joblib.dump(LinearRegression().fit(X, [1.0, 2.0, 3.0, 4.0]), tmp_path / "m.joblib")
    content = (tmp_path / "m.joblib").read_bytes()
    (tmp_path / "m.joblib").write_bytes(content[: len(content) // 2])

    with pytest.raises(BundleRefusedError, match=r"m\.joblib cannot be opened .*damaged, cut off, or no joblib file"):
        describe(tmp_path, DescribeRequest("m", ("m.joblib",), NUMBERS))


def test_a_package_that_inference_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = types.ModuleType("lightgbm_like")
    module.Model = type("Model", (DummyRegressor,), {"__module__": "lightgbm_like"})  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lightgbm_like", module)
    joblib.dump(module.Model().fit(X, [1.0] * 4), tmp_path / "m.joblib")
    monkeypatch.delitem(sys.modules, "lightgbm_like")

    with pytest.raises(
        BundleRefusedError,
        match=r"needs the module lightgbm_like.*--code lightgbm_like\.py; if a package that you know",
    ):
        describe(tmp_path, DescribeRequest("m", ("m.joblib",), NUMBERS))


def test_a_package_that_is_asked_for_and_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match="asks for no-such-package, which inference would not have"):
        described(tmp_path, {"m.joblib": LinearRegression()}, requires=("no-such-package",))


def test_a_function_of_the_script_that_saved_it_is_explained(tmp_path: Path) -> None:
    def double(values: Any) -> Any:
        return values * 2

    main = sys.modules["__main__"]
    double.__module__, double.__qualname__ = "__main__", "double"
    main.double = double  # type: ignore[attr-defined]
    try:
        joblib.dump(make_pipeline(FunctionTransformer(double), LinearRegression()), tmp_path / "m.joblib")
    finally:
        del main.double

    with pytest.raises(
        BundleRefusedError,
        match=r"needs double of the script .*two ways out.*--code my_features\.py.*cloudpickle\.dump",
    ):
        describe(tmp_path, DescribeRequest("m", ("m.joblib",), NUMBERS))


class OneRowShort(DummyRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Answers all records but the last."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        return super().predict(X)[:-1]


@pytest.mark.parametrize("records", [SAMPLE, ()], ids=["sample", "made-up"])
def test_another_number_of_rows_is_refused_with_and_without_a_sample(tmp_path: Path, records: Any) -> None:
    with pytest.raises(ModelMisbehavedError, match="one answer for each record"):
        described(tmp_path, {"m.joblib": OneRowShort().fit(X, [1.0] * 4)}, records=records)


def test_a_sample_that_does_not_fit_the_signature_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleRefusedError, match=r"record 1 of the sample .*'b' is a string, not a number"):
        described(tmp_path, {"m.joblib": DummyRegressor().fit(X, [1.0] * 4)}, records=({"a": 1.0, "b": "2"},))


def test_a_sample_that_the_model_does_not_take_is_refused(tmp_path: Path) -> None:
    model = Picky().fit(X, [1.0] * 4)

    with pytest.raises(BundleRefusedError, match=r"cannot predict the sample .*fields' types and order"):
        described(tmp_path, {"m.joblib": model}, records=SAMPLE)
    with pytest.raises(BundleRefusedError, match=r"does not answer records that were made up .*--sample FILE"):
        described(tmp_path, {"m.joblib": model})


class Picky(DummyRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """Raises for any record."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        raise ValueError(f"{len(X)} records too many")


def test_columns_of_another_order_than_the_models_are_refused(tmp_path: Path) -> None:
    import pandas as pd

    model = LinearRegression().fit(pd.DataFrame(X, columns=["b", "a"]), [1.0] * 4)

    with pytest.raises(BundleRefusedError, match="fitted on the columns b, a, and the signature names a, b"):
        described(tmp_path, {"m.joblib": model})


@pytest.mark.parametrize("records", [SAMPLE, ()], ids=["sample", "made-up"])
@pytest.mark.parametrize(
    ("classes", "why"),
    [
        ([1, "1"], r"1 \(int\) and '1' \(str\) would both be stored as the label '1'"),
        (["spam" * 75_000, "ham"], "has 300,000 bytes, and a label may have 1,024"),
        (["", "ham"], "the class '' is blank"),
    ],
    ids=["merging", "long", "blank"],
)
def test_classes_that_cannot_be_stored_are_refused(tmp_path: Path, classes: Any, why: str, records: Any) -> None:
    model = DummyClassifier(strategy="prior").fit(X, ["a", "a", "b", "b"])
    model.classes_ = np.array(classes, dtype=object)

    with pytest.raises(BundleRefusedError, match=why):
        described(tmp_path, {"m.joblib": model}, records=records)


class NamesOfItsOwn(DummyClassifier):  # type: ignore[misc]
    """Predicts names, and has numbers for classes."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        return np.array(["ham", "spam"])[super().predict(X)]


class NoClasses(DummyRegressor):  # type: ignore[misc]
    """Predicts long texts, and has no classes."""

    def predict(self, X: Any) -> Any:  # noqa: N803 - its name there
        return np.array(["x" * 2000] * len(X))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.estimator_type = "clusterer"
        return tags


@pytest.mark.parametrize("records", [SAMPLE, ()], ids=["sample", "made-up"])
def test_a_model_that_predicts_other_labels_than_its_classes_is_refused(tmp_path: Path, records: Any) -> None:
    model = NamesOfItsOwn(strategy="prior").fit(X, [0, 0, 1, 1])
    with pytest.raises(BundleRefusedError, match="its predict must answer with one of its classes_"):
        described(tmp_path, {"m.joblib": model}, records=records)

    with pytest.raises(BundleRefusedError, match=r"has 2,000 bytes.*let it predict short names or numbers"):
        described(tmp_path, {"m.joblib": NoClasses().fit(X, [1.0] * 4)}, records=records)


@pytest.mark.parametrize("records", [({"a": 2.0, "b": 2.0},), SAMPLE, ()], ids=["sample", "probes", "made-up"])
def test_a_model_whose_probabilities_belie_its_labels_is_not_packaged_for_one_call(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, records: Any
) -> None:
    model = FixedThresholdClassifier(LogisticRegression(), threshold=0.1, pos_label="far")
    model.fit(X, ["near", "near", "far", "far"])
    assert described(tmp_path, {"m.joblib": model}, records=records).classes == ("far", "near")

    # As if it were wrongly listed as a type that predicts its highest probability.
    name = (FixedThresholdClassifier.__module__, "FixedThresholdClassifier")
    monkeypatch.setattr(one_call, "_EXACT", one_call._EXACT | {name})

    with pytest.raises(BundleRefusedError, match="predicts 'far' where its highest probability is that of 'near'"):
        described(tmp_path, {"m.joblib": model}, records=records)


# ---------------------------------------------------------------- skops


def test_a_skops_file_of_known_types_is_described(tmp_path: Path) -> None:
    skops.io.dump(LinearRegression().fit(X, [1.0, 3.0, 17.0, 19.0]), tmp_path / "m.skops")

    card = describe(
        tmp_path, DescribeRequest("m", ("m.skops",), NUMBERS, requires=("skops",), records=({"a": 1.0, "b": 1.0},))
    )

    assert card.requires == ("skops",)
    assert card.sample["answers"][0][0] == pytest.approx(5.0)


def test_a_skops_file_of_unknown_types_is_refused_until_they_are_trusted(tmp_path: Path) -> None:
    skops.io.dump(OneRowMore().fit(X, [1.0] * 4), tmp_path / "m.skops")
    kind = f"{OneRowMore.__module__}.OneRowMore"

    with pytest.raises(BundleRefusedError, match=f"types that are not trusted.*{re.escape(kind)}"):
        describe(tmp_path, DescribeRequest("m", ("m.skops",), NUMBERS))


class OneRowMore(DummyRegressor):  # type: ignore[misc]  # scikit-learn has no types
    """A type that skops does not know."""
