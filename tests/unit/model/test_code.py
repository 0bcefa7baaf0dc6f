"""Code of the model's owner: it is importable where the bundle is loaded, from the bytes that were checked."""

import hashlib
import importlib
import importlib.util
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from hundredfold.errors import BundleRefusedError
from hundredfold.model.bundle import CARD, load
from hundredfold.model.code import import_code, top_level
from hundredfold_cli.models.code_files import code_files
from hundredfold_cli.models.describe import DescribeRequest, describe

DOUBLE = b"import numpy\n\ndef scaled(values):\n    return numpy.asarray(values) * 2\n"
TRIPLE = b"import numpy\n\ndef scaled(values):\n    return numpy.asarray(values) * 3\n"


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    yield
    import_code("", {})


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def bundle_of(folder: Path, source: bytes) -> Path:
    """A bundle of a model that calls a function of its own module."""
    write_files(folder, {"code/my_scaling.py": source})
    import_code(str(folder), {"code/my_scaling.py": source})
    module: Any = importlib.import_module("my_scaling")
    model = make_pipeline(FunctionTransformer(module.scaled), LinearRegression()).fit([[1.0], [2.0]], [1.0, 2.0])
    model.steps[-1][1].coef_[:], model.steps[-1][1].intercept_ = 1.0, 0.0
    joblib.dump(model, folder / "m.joblib")
    import_code("", {})
    request = DescribeRequest("m", ("m.joblib",), records=({"a": 1.0},), code=("code/my_scaling.py",))
    described = describe(folder, request)
    card = json.loads(described.to_json())
    card["files"] = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in card["files"]}
    (folder / CARD).write_text(json.dumps(card))
    import_code("", {})
    return folder


def test_a_model_calls_the_code_of_its_own_bundle_and_of_no_other(tmp_path: Path) -> None:
    double, triple = bundle_of(tmp_path / "double", DOUBLE), bundle_of(tmp_path / "triple", TRIPLE)

    assert load(double).predict([(5.0,)]) == [(10.0, None)]
    assert load(triple).predict([(5.0,)]) == [(15.0, None)]
    assert load(double).card.code == ("code/my_scaling.py",)
    assert sys.modules["my_scaling"].__file__ == str(double / "code/my_scaling.py")


def test_code_that_was_changed_is_refused_and_not_run(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "double", DOUBLE)
    (bundle / "code/my_scaling.py").write_bytes(b"raise SystemExit\n")

    with pytest.raises(BundleRefusedError, match=r"code/my_scaling\.py is not the file that the model"):
        load(bundle)
    assert "my_scaling" not in sys.modules


def test_packages_and_their_modules_are_imported(tmp_path: Path) -> None:
    contents = {
        "code/my_package/__init__.py": b"from my_package.inner import ONE\n",
        "code/my_package/inner.py": b"from .deep.most import ONE\n",
        "code/my_package/deep/__init__.py": b"",
        "code/my_package/deep/most.py": b"ONE = 1\n",
        "code/my_package/names.json": b"{}",
    }
    import_code(str(tmp_path), contents)

    assert importlib.import_module("my_package").ONE == 1
    assert top_level(list(contents)) == {"my_package"}
    import_code("", {})
    assert importlib.util.find_spec("my_package") is None
    assert "my_package.deep.most" not in sys.modules


def test_code_of_the_name_of_a_module_that_is_there_is_refused(tmp_path: Path) -> None:
    joblib.dump(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0]), tmp_path / "m.joblib")
    for module in ("json", "sklearn", "hundredfold"):
        name = f"code/{module}.py"
        write_files(tmp_path, {name: b"raise SystemExit\n"})
        with pytest.raises(BundleRefusedError, match=f"a module {module}, and inference has another one of that name"):
            describe(tmp_path, DescribeRequest("m", ("m.joblib",), code=(name,)))


def test_a_card_names_no_file_outside_of_its_bundle(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path / "double", DOUBLE)
    card = json.loads((bundle / CARD).read_text())
    card["files"]["code/../../secret.py"] = "0"
    (bundle / CARD).write_text(json.dumps(card))

    with pytest.raises(BundleRefusedError, match="names a file outside of its bundle"):
        load(bundle)


# ---------------------------------------------------------------- which files


def test_files_packages_and_folders_of_modules_are_code(tmp_path: Path) -> None:
    write_files(
        tmp_path,
        {
            "my_features.py": b"",
            "package/__init__.py": b"",
            "package/inner.py": b"",
            "package/__pycache__/inner.pyc": b"",
            "package/.hidden": b"",
            "folder/one.py": b"",
            "folder/words.txt": b"",
        },
    )

    names = code_files([tmp_path / "my_features.py", tmp_path / "package", tmp_path / "folder"])

    assert list(names) == [
        "code/my_features.py", "code/package/__init__.py", "code/package/inner.py", "code/one.py", "code/words.txt",
    ]  # fmt: skip
    assert names["code/one.py"] == tmp_path / "folder/one.py"


def test_what_is_no_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_files(tmp_path, {"notes.txt": b"", "empty/notes.txt": b"", "large.py": b"#" * 100})

    with pytest.raises(BundleRefusedError, match=r"notes\.txt is no code: --code takes a Python file"):
        code_files([tmp_path / "notes.txt"])
    with pytest.raises(BundleRefusedError, match="has no Python file"):
        code_files([tmp_path / "empty"])
    monkeypatch.setattr("hundredfold_cli.models.code_files.MAX_CODE_BYTES", 99)
    with pytest.raises(BundleRefusedError, match="the code has 100 bytes, and 99 are allowed"):
        code_files([tmp_path / "large.py"])
