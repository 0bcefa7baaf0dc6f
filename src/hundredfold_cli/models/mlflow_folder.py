"""Model folders of MLflow, taken as they are: the `MLmodel` file names the model's file, its signature and an example.

The format: https://mlflow.org/docs/latest/ml/model (2026-11). MLflow itself is not needed.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from hundredfold.errors import BundleRefusedError
from hundredfold.model.signature import FieldType
from hundredfold_cli.models.sample import without_id

MLMODEL = "MLmodel"

_FLAVOUR = "sklearn"
_NUMBERS = {"integer", "long", "float", "double"}


def read_mlflow_folder(folder: Path) -> dict[str, Any]:
    """Return what a folder of MLflow says, under the keys of `model.toml`. Files are named from the folder on.

    Raises
    ------
    BundleRefusedError
        If it cannot be read, or holds no pickled model of the flavour sklearn. The message says what to do.
    """
    try:
        description = yaml.safe_load((folder / MLMODEL).read_text(encoding="utf-8"))
        flavours = description["flavors"]
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError) as error:
        raise BundleRefusedError(f"{folder / MLMODEL} cannot be read: {error!r}") from error
    flavour = flavours.get(_FLAVOUR)
    if not flavour or "pickled_model" not in flavour:
        raise BundleRefusedError(
            f"{folder} holds a model of the flavours {', '.join(flavours)}: save the estimator with mlflow.sklearn, or "
            "with joblib.dump, and package that file"
        )
    values: dict[str, Any] = {"name": folder.resolve().name, "steps": [str(flavour["pickled_model"])]}
    if code := flavour.get("code") or flavours.get("python_function", {}).get("code"):
        values["code"] = [str(code)]
    columns = _columns(description.get("signature"))
    if example := _example(folder, description.get("saved_input_example_info")):
        values["sample"] = example
    elif columns:
        values["fields"] = [_field(column, len(columns)) for column in columns]
    if optional := [str(column["name"]) for column in columns if column.get("required") is False]:
        values["optional"] = optional
    return values


def _columns(signature: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """Return the columns of a signature; none if it is of a tensor, whose columns have no names."""
    try:
        inputs = json.loads((signature or {}).get("inputs") or "[]")
    except ValueError:
        return []
    return [column for column in inputs if isinstance(column, dict) and "name" in column]


def _field(column: Mapping[str, Any], count: int) -> dict[str, Any]:
    if column.get("type") in _NUMBERS:
        kind = FieldType.NUMBER
    elif column.get("type") == "string":
        kind = FieldType.TEXT if count == 1 else FieldType.CATEGORY
    else:
        raise BundleRefusedError(
            f"the column {column['name']} of the MLflow signature is of the type {column.get('type')}, which no field "
            "is: name the fields with --field NAME:TYPE"
        )
    return {"name": str(column["name"]), "type": kind.value}


def _example(folder: Path, info: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return the records of an input example; none if there is none, or its columns have no names."""
    if not info or info.get("type") != "dataframe":
        return []
    try:
        example = json.loads((folder / str(info["artifact_path"])).read_text(encoding="utf-8"))
        example = example.get("dataframe_split", example) if isinstance(example, dict) else example
        if isinstance(example, dict):
            records = [dict(zip(example["columns"], row, strict=True)) for row in example["data"]]
        else:
            records = list(example)
        return [without_id(record) for record in records]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BundleRefusedError(f"the input example in {folder} cannot be read: {error!r}") from error
