"""Loads a model once, in the environment that inference will have, and makes its card.

`hundredfold model package` runs this module on the Python of that environment. It reads a request from one JSON file,
and writes the card, or an error, into another.
"""

import argparse
import importlib.util
import json
import math
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hundredfold.errors import BundleRefusedError, HundredfoldError, ModelMisbehavedError
from hundredfold.model.bundle import Bundle, read_step
from hundredfold.model.card import LIBRARIES, Card, Input, Output, Task, versions_here
from hundredfold.model.code import import_code, top_level
from hundredfold.model.engine import Engine
from hundredfold.model.labels import Classes, UnfitLabelError, classes_of, read_label
from hundredfold.model.one_call import decisive_lead
from hundredfold.model.signature import Signature, UnfitValueError, Values
from hundredfold_cli.models.baseline import take_baseline
from hundredfold_cli.models.compiling.choice import choose_engine
from hundredfold_cli.models.inferred import (
    PackageNeededError,
    Records,
    Wishes,
    as_records,
    infer,
    kept_rows,
    made_up,
)
from hundredfold_cli.models.known_packages import PACKAGES
from hundredfold_cli.models.model_columns import columns_of
from hundredfold_cli.models.pickled import ModelFile, read_model_file
from hundredfold_cli.models.reproducible import reproducible

KEPT_RECORDS = 5
"""How many records of a sample are kept on the card, and predicted by the smoke test of every release."""


@dataclass(frozen=True, slots=True)
class DescribeRequest:
    """What a model's owner says of it: the attributes of `hundredfold_cli.models.recipe.Recipe`.

    Attributes
    ----------
    signature : with `fields`; None to infer them from the model and the records
    input : empty to infer it
    records : a sample, without ids; a missing value is None
    converts : whether the sample's values are converted to the signature's types
    baseline, baseline_converts : records to measure the drift of ingests from, as the sample
    baseline_origin : where they come from, for a person
    """

    name: str
    steps: tuple[str, ...]
    signature: Mapping[str, Any] | None = None
    input: str = ""
    nullable: tuple[str, ...] = ()
    optional: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    code: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    saved_with: Mapping[str, str] = field(default_factory=dict)
    records: tuple[Mapping[str, Any], ...] = ()
    converts: bool = False
    baseline: tuple[Mapping[str, Any], ...] = ()
    baseline_converts: bool = False
    baseline_origin: str = ""
    allow_version_mismatch: bool = False


def describe(folder: Path, request: DescribeRequest) -> Card:
    """Return the card of the model whose files are in `folder`, without their digests, score and maker.

    The files are made `reproducible`: what differs from one saving of a model to the next is set to zero in `folder`.

    Raises
    ------
    BundleRefusedError, ModelMisbehavedError
        If the versions differ, a file cannot be opened, a package is missing, or the model does not answer as it
        must. The message says what to do.
    """
    installed = versions_here((*LIBRARIES, *request.requires))
    if missing := [name for name in request.requires if name not in installed]:
        raise BundleRefusedError(
            f"the bundle asks for {', '.join(missing)}, which inference would not have: "
            f"name a package of requirements/extras, or run make lock-extra NAME={missing[0]}"
        )
    contents = {step: (folder / step).read_bytes() for step in request.steps}
    files = {step: read_model_file(content) for step, content in contents.items()}
    _refuse_main(files)
    _import_code(folder, request.code)
    saved, mismatches = _versions(request, files, installed)
    models = [_open_reproducible(folder / step, contents[step], request.trusted, saved) for step in request.steps]
    for step, model in zip(request.steps[:-1], models[:-1], strict=True):
        if not hasattr(model, "transform"):
            raise BundleRefusedError(
                f"{step} is a {type(model).__name__}, which does not transform: only the last step may predict, "
                "and the order of the files is the order in which they are applied"
            )
    records = Records(request.records, request.converts)
    fields = tuple(request.signature["fields"]) if request.signature else ()
    inferred = infer(models, records, Wishes(fields, request.input, request.nullable, request.optional))
    card = Card(
        name=request.name,
        steps=request.steps,
        signature=inferred.signature,
        classes=(),
        versions=installed,
        files=dict.fromkeys((*request.steps, *request.code), ""),
        input=inferred.input,
        inferred=inferred.notes,
        saved_with=saved,
        mismatches=mismatches,
        trusted=request.trusted,
    )
    return _with_answers(card, models, request, records)


def _import_code(folder: Path, names: Sequence[str]) -> None:
    """Make the bundle's code importable. Refuse modules that inference has already: they would come first."""
    import_code(str(folder), {})
    for module in sorted(top_level(names)):
        if module in sys.builtin_module_names or importlib.util.find_spec(module) is not None:
            raise BundleRefusedError(
                f"the code has a module {module}, and inference has another one of that name: rename yours, and save "
                "the model again"
            )
    import_code(str(folder), {name: (folder / name).read_bytes() for name in names})


def _refuse_main(files: Mapping[str, ModelFile]) -> None:
    """Refuse a file that needs what was defined in the script that saved it. It is not opened."""
    for step, file in files.items():
        if names := sorted(name for module, name in file.names if module == "__main__"):
            raise BundleRefusedError(
                f"{step} needs {', '.join(names)} of the script or notebook that saved it (__main__), which inference "
                "does not have. There are two ways out. Move it into a file, such as my_features.py, import it from "
                "there, save the model again, and package it with --code my_features.py. Or save the model with its "
                "code inside: import cloudpickle, then cloudpickle.dump(model, file)"
            )


def _versions(
    request: DescribeRequest, files: Mapping[str, ModelFile], installed: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the versions that the model was saved with, and in words which of them are not installed.

    A file has only the version of scikit-learn. Those of numpy, scipy, joblib and Python may come from its maker.
    """
    saved = dict(request.saved_with)
    wrong = [
        (f"{request.name} says", name, version) for name, version in saved.items() if installed.get(name) != version
    ]
    for step, file in files.items():
        version = file.scikit_learn
        if version is not None:
            saved.setdefault("scikit-learn", version)
            if version != installed.get("scikit-learn"):
                wrong.append((step, "scikit-learn", version))
    mismatches = tuple(
        f"{where} was saved with {name} {version}, and inference runs {installed.get(name, 'none')}"
        for where, name, version in wrong
    )
    if mismatches and not request.allow_version_mismatch:
        raise BundleRefusedError(
            f"{'; '.join(mismatches)}: train it again with the versions of inference, or pin its own in "
            "requirements/dependencies.in and run make lock; --allow-version-mismatch packages it as it is"
        )
    return saved, mismatches


def _open_reproducible(file: Path, content: bytes, trusted: Sequence[str], saved: dict[str, str]) -> Any:
    """Open a model, make its file reproducible, and return the model that is in the file then."""
    model = _open(file.name, content, trusted, saved)
    same_each_time = reproducible(content, model)
    if same_each_time == content:
        return model
    file.write_bytes(same_each_time)
    return _open(file.name, same_each_time, trusted, saved)


def _open(step: str, content: bytes, trusted: Sequence[str], saved: dict[str, str]) -> Any:
    try:
        with warnings.catch_warnings(record=True) as raised_warnings:
            warnings.simplefilter("always")
            model = read_step(step, content, trusted)
    except HundredfoldError:
        raise
    except ModuleNotFoundError as error:
        raise BundleRefusedError(_missing_module(step, str(error.name).partition(".")[0])) from error
    except Exception as error:
        advice = "it is damaged, cut off, or no joblib file; save it again"
        if isinstance(error, AttributeError):
            advice = f"{error}; package the code that the model was saved with"
        raise BundleRefusedError(f"{step} cannot be opened ({type(error).__name__}): {advice}") from error
    for warning in raised_warnings:
        original = getattr(warning.message, "original_sklearn_version", None)
        if original:
            saved.setdefault("scikit-learn", str(original))
    return model


def _missing_module(step: str, module: str) -> str:
    package = PACKAGES.get(module)
    if package:
        return (
            f"{step} needs the module {module}, which inference would not have: ask for its package with "
            f"--requires {package}; if that has no lock in requirements/extras, run make lock-extra NAME={package}"
        )
    # Never name a module of a pickle as a package: anybody may publish one of that name.
    return (
        f"{step} needs the module {module}, which inference would not have: if it is a file or folder of your own, "
        f"give it with --code {module}.py; if a package that you know brings it, run make lock-extra NAME=<package>, "
        "and ask for it with --requires <package>"
    )


def _with_answers(card: Card, models: list[Any], request: DescribeRequest, records: Records) -> Card:
    probes = made_up(card.signature, columns_of(models[0]))
    sample = records.read(card.signature)
    if request.records and not sample:
        raise BundleRefusedError(_none_fits(card.signature, records))
    model = models[-1]
    card, sample = _without_refused(models, card, sample)
    values = sample or probes
    classes = classes_of(model)
    task = Task.CLASSIFICATION if classes is not None or not _is_regressor(model) else Task.REGRESSION
    single = classes if isinstance(classes, tuple) else ()
    width, raised = _width(models, card, values)
    if raised is not None:
        raise BundleRefusedError(_cannot_predict(card, model, raised, sampled=bool(sample))) from raised
    outputs: tuple[Output, ...] = ()
    if isinstance(classes, list) or width > 1:
        outputs, single = _outputs(request, classes, width, task), ()
    elif request.outputs:
        raise BundleRefusedError(f"outputs are named ({', '.join(request.outputs)}), and the model has only one")
    complete = replace(card, task=task, classes=single, outputs=outputs)
    bundle = Bundle(complete, models)
    kept_values = kept_rows(sample, KEPT_RECORDS) if sample else probes
    kept = as_records(card.signature, kept_values)
    try:
        bundle.predict(values)
        answers = bundle.predict(kept_values)
    except ModelMisbehavedError:
        raise
    except UnfitLabelError as error:
        raise BundleRefusedError(_unfit_label(complete, error)) from error
    except Exception as error:
        raise BundleRefusedError(_cannot_predict(card, model, error, sampled=bool(sample))) from error
    for values in (sample, probes) if sample else (probes,):
        _check_labels_are_predicts(bundle, models, values)
    return replace(complete, sample=_card_sample(kept, answers, made_up=not sample))


def _without_refused(models: list[Any], card: Card, sample: list[Values]) -> tuple[Card, list[Values]]:
    """Leave out the records that the model refuses, and note it. If it refuses most of them, leave out none."""
    if not sample or _width(models, card, sample)[1] is None:
        return card, sample
    answered = [row for row in sample if _width(models, card, [row])[1] is None]
    refused = len(sample) - len(answered)
    if 2 * refused > len(sample):
        return card, sample
    note = f"the model refuses {refused} of {len(sample)} records of the sample, and such records are rejected"
    return replace(card, inferred=(*card.inferred, note)), answered


def _card_sample(records: Sequence[Mapping[str, Any]], answers: Sequence[Any], *, made_up: bool) -> dict[str, Any]:
    """Return a card's sample. NaN is no JSON, so a missing number is null there."""
    plain = [
        {name: None if isinstance(value, float) and math.isnan(value) else value for name, value in record.items()}
        for record in records
    ]
    sample: dict[str, Any] = {"records": plain, "answers": [list(answer) for answer in answers]}
    return {**sample, "made_up": True} if made_up else sample


def _none_fits(signature: Signature, records: Records) -> str:
    reader = signature.converting() if records.converts else signature
    try:
        reader.read(records.records[0])
    except UnfitValueError as unfit:
        return f"record 1 of the sample does not fit the signature, and no other does: {unfit.detail}"
    return "no record of the sample fits the signature"


def _check_labels_are_predicts(bundle: Bundle, models: list[Any], values: Sequence[Values]) -> None:
    """Compare a bundle's labels with what the model's own `predict` answers.

    A bundle may take both label and score from one call (`hundredfold.model.one_call`). Then this holds the model that
    is packaged to the rule.
    """
    card = bundle.card
    if card.task is Task.REGRESSION or card.outputs or decisive_lead(models[-1]) is None:
        return
    try:
        predicted = _RawModel(card, models).predicted(values)
        columns = {label: column for column, label in enumerate(card.classes)}
        labels = [read_label(value, columns) for value in predicted.reshape(len(values))]
        answers = bundle.predict(values)
    except Exception:  # noqa: BLE001, RUF100 - a sample was predicted before; values that are made up need not fit
        return
    for label, (answered, _) in zip(labels, answers, strict=True):
        if label != answered:
            raise BundleRefusedError(
                f"model {card.name} ({type(models[-1]).__name__}) predicts {label!r} where its highest probability is "
                f"that of {answered!r}, and models of its type should not: report this as a fault of Hundredfold; a "
                "class of your own, derived from that type, is asked for both and can be packaged"
            )


def _is_regressor(model: Any) -> bool:
    from sklearn.base import is_clusterer, is_outlier_detector, is_regressor

    try:
        return bool(is_regressor(model)) or not (is_clusterer(model) or is_outlier_detector(model))
    except (AttributeError, TypeError):  # not an estimator of scikit-learn's kind
        return True


def _width(models: list[Any], card: Card, values: Sequence[Values]) -> tuple[int, Exception | None]:
    """Return how many outputs the model predicts, and None; or 0 and the error that it raised."""
    try:
        shape = _RawModel(card, models).predicted(values).shape
    except Exception as error:  # noqa: BLE001, RUF100 - whatever a model raises is said in its place
        return 0, error
    return (int(shape[1]) if len(shape) > 1 else 1), None


class _RawModel(Bundle):
    """A bundle whose outputs and classes are not known yet."""

    def __init__(self, card: Card, steps: Sequence[Any]) -> None:
        self.card = card
        *self._transformers, self._model = steps

    def predicted(self, values: Sequence[Values]) -> Any:
        """Return what the model's `predict` returns, as an array."""
        import numpy as np

        return np.asarray(self._model.predict(self._transform(values)))


def _outputs(
    request: DescribeRequest, classes: Classes | list[Classes] | None, width: int, task: Task
) -> tuple[Output, ...]:
    names = request.outputs or tuple(f"output_{number}" for number in range(width))
    if len(names) != width:
        raise BundleRefusedError(f"{len(names)} outputs are named ({', '.join(names)}), and the model has {width}")
    if task is Task.REGRESSION:
        return tuple(Output(name) for name in names)
    # A model with one list of classes and several outputs answers, for each class, whether it applies.
    classes_of_each = classes if isinstance(classes, list) else [(0, 1)] * width
    return tuple(Output(name, labels) for name, labels in zip(names, classes_of_each, strict=True))


def _unfit_label(card: Card, error: UnfitLabelError) -> str:
    if not card.classes and not card.outputs:
        return f"model {card.name}: {error}; let it predict short names or numbers"
    return (
        f"model {card.name}: {error}; its predict must answer with one of its classes_, because only those have a "
        "probability, and a record with another label would be rejected"
    )


def _cannot_predict(card: Card, model: Any, error: Exception, *, sampled: bool) -> str:
    said = f"({type(error).__name__}: {error})"
    if not sampled:
        return (
            f"model {card.name} does not answer records that were made up {said}: give some like those to be scored "
            "with --sample FILE"
        )
    advice = "look at the fields' types and order"
    if "DataFrame" in str(error) or "dataframe" in str(error):
        advice = "it needs columns by name: package it with --input dataframe"
    elif card.input is Input.ARRAY and hasattr(model, "feature_names_in_"):
        advice += ", and whether it needs a table with named columns (--input dataframe)"
    return f"model {card.name} cannot predict the sample {said}: {advice}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the model's files are")
    parser.add_argument("request", type=Path)
    parser.add_argument("findings", type=Path)
    arguments = parser.parse_args()
    request = json.loads(arguments.request.read_text())
    for name in ("steps", "outputs", "requires", "code", "trusted", "records", "baseline", "nullable", "optional"):
        request[name] = tuple(request[name])
    engine = request.pop("engine", "")
    try:
        wanted = DescribeRequest(**request)
        card = describe(arguments.folder, wanted)
        values = Records(wanted.baseline, wanted.baseline_converts).read(card.signature)
        card = choose_engine(arguments.folder, card, Engine(engine) if engine else None, values)
        if wanted.baseline:
            steps = [read_step(name, (arguments.folder / name).read_bytes(), card.trusted) for name in card.steps]
            card = replace(card, baseline=take_baseline(Bundle(card, steps), values, wanted.baseline_origin))
    except PackageNeededError as needed:
        arguments.findings.write_text(json.dumps({"needs": needed.package}))
        sys.exit(1)
    except HundredfoldError as error:
        arguments.findings.write_text(json.dumps({"error": str(error)}))
        sys.exit(1)
    arguments.findings.write_bytes(card.to_json())


if __name__ == "__main__":
    main()
