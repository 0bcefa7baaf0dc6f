"""The card: the description of a model, in `bundle.json` among the bundle's files."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from hundredfold.errors import BundleRefusedError
from hundredfold.model.code import CODE
from hundredfold.model.drift import Baseline
from hundredfold.model.engine import COMPILED_FILE, Engine, EngineChoice
from hundredfold.model.signature import Signature
from hundredfold.records import ClassLabel, label_text

CARD = "bundle.json"
"""The name of the card among a bundle's files."""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")
"""The libraries whose exact versions a saved scikit-learn model depends on."""


class Task(StrEnum):
    """What a model predicts."""

    CLASSIFICATION = "classification"
    """Labels, with scores if the model gives probabilities."""
    REGRESSION = "regression"
    """Numbers."""


class Input(StrEnum):
    """The type in which a model takes the records' fields."""

    ARRAY = "array"
    """A list of strings for one text field, an array of floats for numbers only, else an array of objects."""
    DATAFRAME = "dataframe"
    """A pandas DataFrame. Its columns have the names of the fields. Numbers are float64, all else is object."""
    CATEGORICAL = "categorical"
    """The same, but categories have pandas' type `category`, as LightGBM and XGBoost want it."""


@dataclass(frozen=True, slots=True)
class Output:
    """One of several outputs of a model: its name, and its classes if it has any."""

    name: str
    classes: tuple[ClassLabel, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """The description of a model.

    Attributes
    ----------
    name : of the model
    steps : the files, in the order in which they are applied. The last one predicts.
    signature : the fields that the model reads
    classes : the labels that it can predict, in the order of its probabilities; empty for numbers and several outputs
    versions : of Python (major.minor), LIBRARIES and other packages. Inference must run with these.
    files : the SHA-256 of each file, in hex
    training : the digest and size of the training data
    score : how good the model was on held-out data: metric, value, and the data
    outputs : empty if there is only one
    saved_with : the versions that saved the files, as far as the files or the maker say
    mismatches : differences between `saved_with` and `versions` that the maker accepted, in words
    trusted : types that a `.skops` file may hold, beside those that skops knows
    sample : a few records, and the model's answer to each: `{"records": […], "answers": [[label, score], …]}`; with
        `"made_up": true` if packaging made them up
    inferred : what of the signature packaging inferred, and from what, in sentences
    made : when and by whom
    baseline : the distribution of inputs and predictions, to measure drift against; or None
    engine : what runs the model, and why
    """

    name: str
    steps: tuple[str, ...]
    signature: Signature
    classes: tuple[ClassLabel, ...]
    versions: Mapping[str, str]
    files: Mapping[str, str]
    training: Mapping[str, Any] = field(default_factory=dict)
    score: Mapping[str, Any] = field(default_factory=dict)
    task: Task = Task.CLASSIFICATION
    input: Input = Input.ARRAY
    outputs: tuple[Output, ...] = ()
    saved_with: Mapping[str, str] = field(default_factory=dict)
    mismatches: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    sample: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, str] = field(default_factory=dict)
    notes: str = ""
    inferred: tuple[str, ...] = ()
    baseline: Baseline | None = None
    engine: EngineChoice = field(default_factory=EngineChoice)

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a card. Raise BundleRefusedError, which names the fault, if it cannot be read."""
        try:
            values = json.loads(data)
            card = cls(
                name=str(values["name"]),
                steps=_texts(values["steps"]),
                signature=Signature.from_dict(values["signature"]),
                classes=_labels(values["classes"]),
                versions=_text_values(values["versions"]),
                files=_text_values(values["files"]),
                training=dict(values.get("training", {})),
                score=dict(values.get("score", {})),
                task=Task(values.get("task", Task.CLASSIFICATION)),
                input=Input(values.get("input", Input.ARRAY)),
                outputs=tuple(
                    Output(str(output["name"]), _labels(output["classes"])) for output in values.get("outputs", [])
                ),
                saved_with=_text_values(values.get("saved_with", {})),
                mismatches=_texts(values.get("mismatches", [])),
                trusted=_texts(values.get("trusted", [])),
                sample=dict(values.get("sample", {})),
                made=_text_values(values.get("made", {})),
                notes=str(values.get("notes", "")),
                inferred=_texts(values.get("inferred", [])),
                baseline=Baseline.from_dict(values["baseline"]) if values.get("baseline") else None,
                engine=EngineChoice.from_dict(values["engine"]) if values.get("engine") else EngineChoice(),
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BundleRefusedError(f"the model's card {CARD} cannot be read: {error!r}") from error
        if card.baseline and card.classes and tuple(card.baseline.labels) != tuple(map(label_text, card.classes)):
            raise BundleRefusedError(f"the model's card {CARD} has a baseline of other classes than the model's")
        if any(".." in name.split("/") or name.startswith("/") for name in card.files):
            raise BundleRefusedError(f"the model's card {CARD} names a file outside of its bundle")
        if not card.steps or any(step not in card.files for step in card.steps):
            raise BundleRefusedError(f"the model's card {CARD} must name its steps, and a digest for each")
        if card.engine.engine is Engine.COMPILED and COMPILED_FILE not in card.files:
            raise BundleRefusedError(f"the model's card {CARD} must have a digest of {COMPILED_FILE}")
        return card

    def to_json(self) -> bytes:
        """Write the card. The same card always gives the same bytes."""
        values: dict[str, Any] = {
            "name": self.name,
            "task": self.task.value,
            "steps": list(self.steps),
            "signature": self.signature.as_dict(),
            "input": self.input.value,
            "classes": list(self.classes),
            "outputs": [{"name": output.name, "classes": list(output.classes)} for output in self.outputs],
            "versions": dict(self.versions),
            "saved_with": dict(self.saved_with),
            "mismatches": list(self.mismatches),
            "trusted": list(self.trusted),
            "files": dict(self.files),
            "training": dict(self.training),
            "score": dict(self.score),
            "sample": dict(self.sample),
            "made": dict(self.made),
            "notes": self.notes,
        }
        if self.inferred:
            values["inferred"] = list(self.inferred)
        if self.engine != EngineChoice():
            values["engine"] = self.engine.as_dict()
        if self.baseline:
            values["baseline"] = self.baseline.as_dict()
        return json.dumps(values, indent=2, ensure_ascii=False).encode() + b"\n"

    @property
    def code(self) -> tuple[str, ...]:
        """The files that are code of the model's owner."""
        return tuple(name for name in self.files if name.startswith(CODE))

    @property
    def requires(self) -> tuple[str, ...]:
        """The packages that the model needs, beside those that every model needs."""
        return tuple(name for name in self.versions if name != "python" and name not in LIBRARIES)


def card_digest(content: bytes) -> str:
    """Return the SHA-256 of a card's bytes, in hex.

    It identifies the whole bundle, since the card holds the digests of all files.
    """
    return hashlib.sha256(content).hexdigest()


def versions_here(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python (major.minor) and `libraries` in this environment. Leave out absent libraries."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for library in libraries:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _labels(values: Iterable[object]) -> tuple[ClassLabel, ...]:
    return tuple(value if isinstance(value, int) else str(value) for value in values)


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _text_values(values: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}
