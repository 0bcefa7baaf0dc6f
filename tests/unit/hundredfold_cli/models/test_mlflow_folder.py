"""Folders of MLflow, as `mlflow.sklearn.save_model` writes them, are packaged as they are."""

import json
import pickle
from pathlib import Path

import pytest
from sklearn.linear_model import LinearRegression

from hundredfold.errors import BundleRefusedError
from hundredfold_cli.models.recipe import read_recipe

MLMODEL = """\
artifact_path: model
flavors:
  python_function:
    code: code
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    predict_fn: predict
    python_version: 3.13.1
  sklearn:
    code: code
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.9.1
mlflow_version: 3.4.0
model_uuid: 0badaf06aa254da9811188d6c060a176
saved_input_example_info:
  artifact_path: input_example.json
  pandas_orient: split
  type: dataframe
signature:
  inputs: '[{"type": "double", "name": "area", "required": true}, {"type": "string",
    "name": "town", "required": false}]'
  outputs: '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1]}}]'
utc_time_created: '2026-11-24 10:00:00.000000'
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "houses"
    (folder / "code").mkdir(parents=True)
    (folder / "code/my_features.py").write_text("")
    (folder / "MLmodel").write_text(MLMODEL)
    (folder / "model.pkl").write_bytes(pickle.dumps(LinearRegression().fit([[1.0], [2.0]], [1.0, 2.0])))
    example = {"columns": ["area", "town"], "data": [[50.0, "Chur"], [60.0, None]]}
    (folder / "input_example.json").write_text(json.dumps(example))
    return folder


def test_the_file_the_code_and_the_example_are_those_that_it_names(folder: Path) -> None:
    recipe = read_recipe([folder], {})

    assert (recipe.name, recipe.files) == ("houses", (folder / "model.pkl",))
    assert recipe.sample.records == ({"area": 50.0, "town": "Chur"}, {"area": 60.0, "town": None})
    assert (recipe.fields, recipe.optional) == ((), ("town",))
    assert list(recipe.code) == ["code/my_features.py"]
    assert read_recipe([folder], {"name": "other"}).name == "other"


def test_without_an_example_the_signature_names_the_fields(folder: Path) -> None:
    text = MLMODEL.replace("saved_input_example_info:", "other:")
    (folder / "MLmodel").write_text(text)

    assert read_recipe([folder], {}).fields == (
        {"name": "area", "type": "number"},
        {"name": "town", "type": "category"},
    )

    (folder / "MLmodel").write_text(text.replace('"double"', '"boolean"'))
    with pytest.raises(BundleRefusedError, match="area of the MLflow signature is of the type boolean"):
        read_recipe([folder], {})


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("flavors: [", "MLmodel cannot be read"),
        ("flavors:\n  lightgbm:\n    data: model.lgb\n", r"flavours lightgbm: save the estimator with mlflow\.sklearn"),
    ],
)
def test_what_is_no_pickled_model_is_refused(folder: Path, content: str, why: str) -> None:
    (folder / "MLmodel").write_text(content)

    with pytest.raises(BundleRefusedError, match=why):
        read_recipe([folder], {})
