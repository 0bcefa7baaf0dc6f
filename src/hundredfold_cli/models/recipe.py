"""How to package a model, as its owner says it: in `model.toml` beside its files, in options, or in both."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold.model.bundle import SKOPS_SUFFIX
from hundredfold.model.card import CARD, Input
from hundredfold.model.engine import COMPILED_FILE
from hundredfold.model.signature import FieldType
from hundredfold_cli.models.baseline import BASELINE_RECORDS
from hundredfold_cli.models.code_files import code_files
from hundredfold_cli.models.mlflow_folder import MLMODEL, read_mlflow_folder
from hundredfold_cli.models.sample import Sample, read_sample, without_id

RECIPE = "model.toml"
_KEYS = {
    "name", "steps", "fields", "input", "nullable", "optional", "outputs", "requires", "trusted",
    "saved_with", "sample", "score", "training", "notes", "code", "baseline",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to package a model.

    Attributes
    ----------
    files : its joblib or skops files, in the order in which they are applied
    fields : the fields that it reads, in its order, each as a card has it; empty to infer them
    input : how the model gets the fields of a record, see `hundredfold.model.card.Input`; empty to infer it
    nullable, optional : names of fields that may be missing, or left out
    outputs : names of its outputs, if it has several
    requires : packages that it needs beside scikit-learn's own
    trusted : types that a skops file may hold beside those that skops trusts
    saved_with : versions that it was saved with, if its files do not have them
    code : files of the owner's code, by their names in the bundle
    sample : records to predict
    baseline : records to measure the drift of ingests from
    score, training, notes : put on the card as they are
    """

    name: str
    files: tuple[Path, ...]
    fields: tuple[Mapping[str, Any], ...] = ()
    input: str = ""
    nullable: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    saved_with: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, Path] = field(default_factory=dict)
    sample: Sample = field(default_factory=Sample)
    baseline: Sample = field(default_factory=Sample)
    score: Mapping[str, Any] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""

    @property
    def packages(self) -> tuple[str, ...]:
        """All packages that it needs beside scikit-learn's own."""
        needed = list(self.requires)
        if self.input in {Input.DATAFRAME, Input.CATEGORICAL}:
            needed.append("pandas")
        if any(file.name.endswith(SKOPS_SUFFIX) for file in self.files):
            needed.append("skops")
        return tuple(dict.fromkeys(needed))


def read_recipe(paths: Sequence[Path], options: Mapping[str, Any]) -> Recipe:
    """Read a recipe from `model.toml` and from options. An option wins over `model.toml`.

    Parameters
    ----------
    paths : the model's files in order; or the folder that holds them and a `model.toml`; or that file itself; or a
        folder of MLflow
    options : values for `Recipe`'s attributes from the command line; empty ones are ignored

    Raises
    ------
    BundleRefusedError
        If something is missing, unknown, or cannot be read. The message says what to write.
    """
    path = paths[0] / RECIPE if paths[0].is_dir() else paths[0]
    if (paths[0] / MLMODEL).is_file():
        values = read_mlflow_folder(paths[0])
        files = tuple(paths[0] / step for step in values["steps"])
    elif path.name.endswith(".toml"):
        if len(paths) > 1:
            raise BundleRefusedError(f"name either the model's files or {path}, which names them as `steps`")
        values = _read_toml(path)
        files = tuple(path.parent / str(step) for step in values.get("steps", []))
        if not files:
            raise BundleRefusedError(f'{path} must name the model\'s files in order: steps = ["model.joblib"]')
    else:
        files = tuple(paths)
        toml = path.parent / RECIPE
        values = _read_toml(toml) if toml.exists() else {}
    values |= {name: value for name, value in options.items() if value}
    _check_files(files)
    sample = values.get("sample", [])
    if isinstance(sample, str):
        sample = path.parent / sample
    recipe = Recipe(
        name=str(values.get("name", files[-1].stem)),
        files=files,
        input=_known(values["input"], [kind.value for kind in Input], "input") if "input" in values else "",
        nullable=tuple(map(str, values.get("nullable", ()))),
        optional=tuple(map(str, values.get("optional", ()))),
        outputs=tuple(map(str, values.get("outputs", ()))),
        requires=tuple(map(str, values.get("requires", ()))),
        trusted=tuple(map(str, values.get("trusted", ()))),
        saved_with={str(name): str(version) for name, version in values.get("saved_with", {}).items()},
        baseline=read_sample(path.parent / values["baseline"], BASELINE_RECORDS, "baseline")
        if "baseline" in values
        else Sample(),
        code=code_files([path.parent / str(name) for name in values.get("code", ())]),
        sample=read_sample(sample) if isinstance(sample, Path) else Sample(tuple(map(without_id, sample)), name=RECIPE),
        score=dict(values.get("score", {})),
        training=dict(values.get("training", {})),
        notes=str(values.get("notes", "")),
    )
    return replace(recipe, fields=_fields(values["fields"])) if "fields" in values else recipe


def parse_fields(words: Sequence[str]) -> list[dict[str, str]]:
    """Read fields as the command line names them: `height:number`, or `text` alone for a text field of that name."""
    pairs = [word.partition(":") for word in words]
    return [{"name": name, "type": kind or FieldType.TEXT.value} for name, _, kind in pairs]


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleRefusedError(
            f"{file} cannot be read: {error}; name the model's files, or a folder with a {RECIPE}"
        ) from error
    if unknown := sorted(set(values) - _KEYS):
        raise BundleRefusedError(f"{file} has the unknown key {unknown[0]}; known are {', '.join(sorted(_KEYS))}")
    return values


def _fields(fields: Any) -> tuple[Mapping[str, Any], ...]:
    kinds = [kind.value for kind in FieldType]
    try:
        return tuple(
            {**field, "name": str(field["name"]), "type": _known(field.get("type", "text"), kinds, "type")}
            for field in fields
        )
    except (TypeError, KeyError, AttributeError):
        raise BundleRefusedError('a field is written {name = "height", type = "number"}') from None


def _known(value: object, known: Sequence[str], key: str) -> str:
    if value not in known:
        raise BundleRefusedError(f"{key} {value!r} is unknown: use {', '.join(known)}")
    return str(value)


def _check_files(files: Sequence[Path]) -> None:
    for file in files:
        if not file.is_file():
            raise BundleRefusedError(f"there is no file {file}")
    names = [file.name for file in files]
    if len(set(names)) != len(names) or {CARD, COMPILED_FILE} & set(names):
        raise BundleRefusedError(
            f"the model's files must have different names, none of them {CARD} or {COMPILED_FILE}: {', '.join(names)}"
        )
