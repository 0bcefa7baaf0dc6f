"""Loads a model once, in the environment that inference will have, and makes its card.

`hundredfold model package` runs this module on the Python of that environment. It reads a request from one JSON file,
and writes the card, or an error, into another.
"""

import argparse
import json
import sys
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from hundredfold.errors import BundleRefusedError, HundredfoldError, ModelMisbehavedError
from hundredfold.model.bundle import Bundle, read_step
from hundredfold.model.card import LIBRARIES, Card, Input, Output, Task, versions_here
from hundredfold.model.engine import Engine
from hundredfold.model.labels import UnfitLabelError, classes_of, read_label
from hundredfold.model.one_call import decisive_lead
from hundredfold.model.signature import FieldType, Signature, UnfitValueError
from hundredfold_cli.models.compiling.choice import choose_engine
from hundredfold_cli.models.reproducible import reproducible
from hundredfold_cli.models.saved_versions import saved_with

PROBES = 3
"""How many records are made up. Without a sample they show the shape of the answers."""


@dataclass(frozen=True, slots=True)
class DescribeRequest:
    """What a model's owner says of it: the attributes of `hundredfold_cli.models.recipe.Recipe`."""

    name: str
    steps: tuple[str, ...]
    signature: Mapping[str, Any]
    input: str = Input.ARRAY
    outputs: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    saved_with: Mapping[str, str] = field(default_factory=dict)
    records: tuple[Mapping[str, Any], ...] = ()
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
            f"name a package of requirements/extras, or add {missing[0]}.in there and run make lock"
        )
    contents = {step: (folder / step).read_bytes() for step in request.steps}
    saved, mismatches = _versions(request, contents, installed)
    models = [_open_reproducible(folder / step, contents[step], request.trusted, saved) for step in request.steps]
    for step, model in zip(request.steps[:-1], models[:-1], strict=True):
        if not hasattr(model, "transform"):
            raise BundleRefusedError(
                f"{step} is a {type(model).__name__}, which does not transform: only the last step may predict, "
                "and the order of the files is the order in which they are applied"
            )
    signature = Signature.from_dict(request.signature)
    _check_columns(models[0], signature)
    card = Card(
        name=request.name,
        steps=request.steps,
        signature=signature,
        classes=(),
        versions=installed,
        files=dict.fromkeys(request.steps, ""),
        input=Input(request.input),
        saved_with=saved,
        mismatches=mismatches,
        trusted=request.trusted,
    )
    return _with_answers(card, models, request)


def _versions(
    request: DescribeRequest, contents: Mapping[str, bytes], installed: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Return the versions that the model was saved with, and in words which of them are not installed.

    A file has only the version of scikit-learn. Those of numpy, scipy, joblib and Python may come from its maker.
    """
    saved = dict(request.saved_with)
    wrong = [
        (f"{request.name} says", name, version) for name, version in saved.items() if installed.get(name) != version
    ]
    for step, content in contents.items():
        version = saved_with(content)
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
        missing = str(error.name).partition(".")[0]
        raise BundleRefusedError(
            f"{step} needs the module {missing}, which inference would not have: ask for its package with --requires "
            f"{missing} (requirements/extras has those that are locked; add {missing}.in there and run make lock)"
        ) from error
    except Exception as error:
        # A class of that script is saved as one of `__main__`, which is this module here. With -m it has its own name.
        script_class = repr(sys.modules["__main__"]) in str(error) or "module '__main__' has no" in str(error)
        advice = (
            "it holds a class or function of the script that saved it: move that into a package, or use what "
            "scikit-learn has in its place, and save it again"
            if script_class
            else "it is damaged, cut off, or no joblib file; save it again"
        )
        raise BundleRefusedError(f"{step} cannot be opened ({type(error).__name__}): {advice}") from error
    for warning in raised_warnings:
        original = getattr(warning.message, "original_sklearn_version", None)
        if original:
            saved.setdefault("scikit-learn", str(original))
    return model


def _check_columns(first: Any, signature: Signature) -> None:
    fitted = getattr(first, "feature_names_in_", None)
    names = [field.name for field in signature.fields]
    if fitted is not None and list(fitted) != names:
        raise BundleRefusedError(
            f"the model was fitted on the columns {', '.join(map(str, fitted))}, and the signature names "
            f"{', '.join(names)}: name the same fields in the same order"
        )


def _with_answers(card: Card, models: list[Any], request: DescribeRequest) -> Card:
    probes = [_made_up(card.signature, number) for number in range(PROBES)]
    sample = _sample_values(card.signature, request.records)
    values = sample or probes
    model = models[-1]
    classes = classes_of(model)
    task = Task.CLASSIFICATION if classes is not None or not _is_regressor(model) else Task.REGRESSION
    single = classes if isinstance(classes, tuple) else ()
    width, error = _width(models, card, values)
    if error is not None and sample:
        raise BundleRefusedError(_cannot_predict(card, model, error)) from error
    width = width or (len(classes) if isinstance(classes, list) else len(request.outputs) or 1)
    outputs: tuple[Output, ...] = ()
    if isinstance(classes, list) or width > 1:
        outputs, single = _outputs(request, classes, width, task), ()
    elif request.outputs:
        raise BundleRefusedError(f"outputs are named ({', '.join(request.outputs)}), and the model has only one")
    complete = replace(card, task=task, classes=single, outputs=outputs)
    bundle = Bundle(complete, models)
    try:
        answers = bundle.predict(values)
    except ModelMisbehavedError:
        raise
    except UnfitLabelError as error:
        raise BundleRefusedError(_unfit_label(complete, error)) from error
    except Exception as error:
        if sample:
            raise BundleRefusedError(_cannot_predict(card, model, error)) from error
        answers = []  # the model may not take values that are made up
    for values in (sample, probes) if sample else (probes,):
        _check_labels_are_predicts(bundle, models, values)
    if not sample:
        return complete
    return replace(complete, sample={"records": list(request.records), "answers": [list(answer) for answer in answers]})


def _check_labels_are_predicts(bundle: Bundle, models: list[Any], values: list[tuple[str | float, ...]]) -> None:
    """Compare a bundle's labels with what the model's own `predict` answers.

    A bundle may take both label and score from one call (`hundredfold.model.one_call`). Then this holds the model that
    is packaged to the rule.
    """
    card = bundle.card
    if card.task is Task.REGRESSION or card.outputs or decisive_lead(models[-1]) is None:
        return
    try:
        predicted = _RawModel(card, models).predicted(values)
        labels = [read_label(value, card.classes) for value in predicted.reshape(len(values))]
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


def _width(models: list[Any], card: Card, values: list[tuple[str | float, ...]]) -> tuple[int, Exception | None]:
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

    def predicted(self, values: list[tuple[str | float, ...]]) -> Any:
        """Return what the model's `predict` returns, as an array."""
        import numpy as np

        return np.asarray(self._model.predict(self._transform(values)))


def _outputs(
    request: DescribeRequest, classes: tuple[str, ...] | list[tuple[str, ...]] | None, width: int, task: Task
) -> tuple[Output, ...]:
    names = request.outputs or tuple(f"output_{number}" for number in range(width))
    if len(names) != width:
        raise BundleRefusedError(f"{len(names)} outputs are named ({', '.join(names)}), and the model has {width}")
    if task is Task.REGRESSION:
        return tuple(Output(name) for name in names)
    # A model with one list of classes and several outputs answers, for each class, whether it applies.
    classes_of_each = classes if isinstance(classes, list) else [("0", "1")] * width
    return tuple(Output(name, labels) for name, labels in zip(names, classes_of_each, strict=True))


def _sample_values(signature: Signature, records: Sequence[Mapping[str, Any]]) -> list[tuple[str | float, ...]]:
    values = []
    for number, record in enumerate(records, start=1):
        try:
            values.append(signature.read(record))
        except UnfitValueError as unfit:
            raise BundleRefusedError(
                f"record {number} of the sample does not fit the signature: {unfit.detail}"
            ) from None
    return values


def _made_up(signature: Signature, number: int) -> tuple[str | float, ...]:
    kinds: dict[FieldType, str | float] = {
        FieldType.NUMBER: float(number),
        FieldType.TEXT: f"text number {number}",
        FieldType.CATEGORY: str(number),
    }
    return tuple(kinds[field.type] for field in signature.fields)


def _unfit_label(card: Card, error: UnfitLabelError) -> str:
    if not card.classes and not card.outputs:
        return f"model {card.name}: {error}; let it predict short names or numbers"
    return (
        f"model {card.name}: {error}; its predict must answer with one of its classes_, because only those have a "
        "probability, and a record with another label would be rejected"
    )


def _cannot_predict(card: Card, model: Any, error: Exception) -> str:
    advice = "look at the fields' types and order"
    if "DataFrame" in str(error) or "dataframe" in str(error):
        advice = "it needs columns by name: package it with --input dataframe"
    elif card.input is Input.ARRAY and hasattr(model, "feature_names_in_"):
        advice += ", and whether it needs a table with named columns (--input dataframe)"
    return f"model {card.name} cannot predict the sample ({type(error).__name__}: {error}): {advice}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="where the model's files are")
    parser.add_argument("request", type=Path)
    parser.add_argument("findings", type=Path)
    arguments = parser.parse_args()
    request = json.loads(arguments.request.read_text())
    for name in ("steps", "outputs", "requires", "trusted", "records"):
        request[name] = tuple(request[name])
    engine = request.pop("engine", "")
    try:
        card = describe(arguments.folder, DescribeRequest(**request))
        card = choose_engine(arguments.folder, card, Engine(engine) if engine else None)
    except HundredfoldError as error:
        arguments.findings.write_text(json.dumps({"error": str(error)}))
        sys.exit(1)
    arguments.findings.write_bytes(card.to_json())


if __name__ == "__main__":
    main()
