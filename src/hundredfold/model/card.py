"""A model's card: what a bundle says of itself, in `bundle.json`."""

import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Self

from hundredfold.errors import BundleRefusedError
from hundredfold.model.drift import Baseline
from hundredfold.model.signature import Signature

CARD = "bundle.json"
"""The name of the card among a bundle's files."""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")
"""What a saved scikit-learn model depends on, to the version."""


class Task(StrEnum):
    """What a model answers with."""

    CLASSIFICATION = "classification"
    """Labels, with a score if it gives probabilities."""
    REGRESSION = "regression"
    """Numbers."""


class Input(StrEnum):
    """What a model is given the records' fields as."""

    ARRAY = "array"
    """A list of strings for one text field, an array of floats for numbers, else an array of objects."""
    DATAFRAME = "dataframe"
    """A pandas DataFrame whose columns have the fields' names."""


@dataclass(frozen=True, slots=True)
class Output:
    """One of several outputs: its name, and its classes if it has any."""

    name: str
    classes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Card:
    """What a bundle says of itself.

    Attributes
    ----------
    name : what the model is called
    steps : its files in the order in which they are applied; the last one predicts
    signature : the fields it reads
    classes : the labels it can answer, in the order of its probabilities; none for numbers and several outputs
    versions : of Python (major.minor), LIBRARIES and what else it needs, that it must be run with
    files : the SHA-256 of each file, in hex
    training : where it comes from: the training data's digest and size
    score : how good it was on held-out data: metric, value, and on what
    outputs : none if it has a single one
    saved_with : the versions that it was saved with, as far as its files or its maker say
    mismatches : differences between `saved_with` and `versions` that its maker accepted, in words
    trusted : types beside skops' own that a `.skops` file may hold
    sample : a few records, and the model's answer to each: `{"records": […], "answers": [[label, score], …]}`
    made : when, and by whom
    baseline : what its inputs and answers looked like, to tell drift from; None if it has none
    """

    name: str
    steps: tuple[str, ...]
    signature: Signature
    classes: tuple[str, ...]
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
    baseline: Baseline | None = None

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a card; raises BundleRefusedError, naming what is wrong, if it cannot be read."""
        try:
            card = json.loads(data)
            read = cls(
                name=str(card["name"]),
                steps=_texts(card["steps"]),
                signature=Signature.from_dict(card["signature"]),
                classes=_texts(card["classes"]),
                versions=_text_values(card["versions"]),
                files=_text_values(card["files"]),
                training=dict(card.get("training", {})),
                score=dict(card.get("score", {})),
                task=Task(card.get("task", Task.CLASSIFICATION)),
                input=Input(card.get("input", Input.ARRAY)),
                outputs=tuple(Output(str(one["name"]), _texts(one["classes"])) for one in card.get("outputs", [])),
                saved_with=_text_values(card.get("saved_with", {})),
                mismatches=_texts(card.get("mismatches", [])),
                trusted=_texts(card.get("trusted", [])),
                sample=dict(card.get("sample", {})),
                made=_text_values(card.get("made", {})),
                notes=str(card.get("notes", "")),
                baseline=Baseline.from_dict(card["baseline"]) if card.get("baseline") else None,
            )
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise BundleRefusedError(f"the model's card {CARD} cannot be read: {error!r}") from error
        if read.baseline and tuple(read.baseline.labels) != read.classes:
            raise BundleRefusedError(f"the model's card {CARD} has a baseline of other classes than the model's")
        if not read.steps or any(step not in read.files for step in read.steps):
            raise BundleRefusedError(f"the model's card {CARD} must name its steps, and a digest for each")
        return read

    def to_json(self) -> bytes:
        """Write the card; the same card is always the same bytes."""
        card: dict[str, Any] = {
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
        if self.baseline:
            card["baseline"] = self.baseline.as_dict()
        return json.dumps(card, indent=2, ensure_ascii=False).encode() + b"\n"

    @property
    def requires(self) -> tuple[str, ...]:
        """The packages it needs beside those that every model does."""
        return tuple(name for name in self.versions if name != "python" and name not in LIBRARIES)


def card_digest(content: bytes) -> str:
    """Return the SHA-256 of a card's bytes, in hex: it stands for the whole bundle, whose digests the card holds."""
    return hashlib.sha256(content).hexdigest()


def versions_here(libraries: Iterable[str] = LIBRARIES) -> dict[str, str]:
    """Return the versions of Python (major.minor) and of `libraries` in this environment; absent ones are left out."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for library in libraries:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def _texts(values: Iterable[object]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


def _text_values(values: Mapping[str, object]) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}
