"""The model as deployed: its card, its files, and the checks that come before anything is unpickled."""

import hashlib
import importlib.metadata
import io
import json
import math
import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources.abc import Traversable
from typing import Any, Self

from hundredfold.errors import BundleRefusedError, ModelMisbehavedError
from hundredfold.health import Baseline
from hundredfold.inference import Answer
from hundredfold.signature import Signature

CARD = "bundle.json"
"""The name of the card among a bundle's files."""

LIBRARIES = ("numpy", "scipy", "scikit-learn", "joblib")
"""What a saved scikit-learn model depends on, to the version."""


def versions_here() -> dict[str, str]:
    """Return the versions of Python (major.minor) and of LIBRARIES in this environment; absent ones are left out."""
    versions = {"python": ".".join(platform.python_version_tuple()[:2])}
    for library in LIBRARIES:
        try:
            versions[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


@dataclass(frozen=True, slots=True)
class Card:
    """What a bundle says of itself, in `bundle.json`.

    Attributes
    ----------
    name : what the model is called
    steps : its joblib files in the order in which they are applied; the last one predicts
    signature : the fields it reads
    classes : the labels it can answer, in the order of its probabilities
    versions : of Python (major.minor) and LIBRARIES, that it was saved with and must be run with
    files : the SHA-256 of each file, in hex
    training : where it comes from: the training data's digest and size
    score : how good it was on held-out data: metric, value, and on what
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
    baseline: Baseline | None = None

    @classmethod
    def from_json(cls, data: bytes) -> Self:
        """Read a card; raises BundleRefusedError, naming what is wrong, if it cannot be read."""
        try:
            card = json.loads(data)
            read = cls(
                name=str(card["name"]),
                steps=tuple(str(step) for step in card["steps"]),
                signature=Signature.from_dict(card["signature"]),
                classes=tuple(str(label) for label in card["classes"]),
                versions={str(name): str(version) for name, version in card["versions"].items()},
                files={str(name): str(digest) for name, digest in card["files"].items()},
                training=dict(card.get("training", {})),
                score=dict(card.get("score", {})),
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
            "steps": list(self.steps),
            "signature": self.signature.as_dict(),
            "classes": list(self.classes),
            "versions": dict(self.versions),
            "files": dict(self.files),
            "training": dict(self.training),
            "score": dict(self.score),
        }
        if self.baseline:
            card["baseline"] = self.baseline.as_dict()
        return json.dumps(card, indent=2).encode() + b"\n"


class Bundle:
    """A loaded model: applies its steps to the values of many records at once."""

    def __init__(self, card: Card, steps: Sequence[Any]) -> None:
        self.card = card
        *self._transformers, self._model = steps
        if not hasattr(self._model, "predict_proba"):
            raise BundleRefusedError(
                f"the last step of model {card.name} is a {type(self._model).__name__}, which gives no probabilities: "
                "it must be a fitted classifier that has predict_proba"
            )
        classes = tuple(str(label) for label in self._model.classes_)
        if classes != card.classes:
            raise BundleRefusedError(f"the model's classes are {classes}, and its card says {card.classes}")

    def predict(self, values: Sequence[tuple[str | float, ...]]) -> list[Answer]:
        """Return the most probable label of each record, and its probability.

        Parameters
        ----------
        values : one tuple for each record, in the signature's order of fields

        Raises
        ------
        ModelMisbehavedError
            If the model does not answer with one row of probabilities for each record.
        ArithmeticError
            If a probability is not a number, as some models answer to values far out of their range. That is the
            record's fault, and no store would take it.
        """
        data = self._arrange(values)
        for transformer in self._transformers:
            data = transformer.transform(data)
        probabilities = self._model.predict_proba(data)
        expected = (len(values), len(self.card.classes))
        if probabilities.shape != expected:
            raise ModelMisbehavedError(
                f"model {self.card.name} answered {probabilities.shape} for {expected} records x classes"
            )
        best = probabilities.argmax(axis=1)
        scores = probabilities[range(len(best)), best].tolist()
        if not all(math.isfinite(score) for score in scores):
            raise ArithmeticError("a probability is not a number")
        classes = self.card.classes
        return [(classes[label], score) for label, score in zip(best.tolist(), scores, strict=True)]

    def _arrange(self, values: Sequence[tuple[str | float, ...]]) -> Any:
        if self.card.signature.is_text:
            return [value[0] for value in values]
        import numpy as np

        return np.array(values, dtype=float if self.card.signature.is_numeric else object)


def load(folder: Traversable) -> Bundle:
    """Load the bundle in `folder`, after its versions and the digest of every file were checked against its card.

    A joblib file is code, which runs when it is opened. What is opened here is exactly the bytes that were checked.

    Raises
    ------
    BundleRefusedError
        If the card cannot be read, a version here is not the card's (both are named), a file is missing, a
        file's SHA-256 is not the card's, or a file cannot be opened: what it was saved from is not in the layers.
    """
    card = _read_card(folder)
    _check_versions(card)
    contents = {name: _read_checked(folder, name, digest) for name, digest in card.files.items()}
    import joblib

    try:
        steps = [joblib.load(io.BytesIO(contents[step])) for step in card.steps]
    except Exception as error:
        raise BundleRefusedError(f"model {card.name} cannot be opened: {error!r}") from error
    return Bundle(card, steps)


def _read_card(folder: Traversable) -> Card:
    try:
        return Card.from_json(folder.joinpath(CARD).read_bytes())
    except OSError as error:
        raise BundleRefusedError(f"the model layer has no card {CARD}: {error}") from error


def _check_versions(card: Card) -> None:
    here = versions_here()
    wrong = [
        f"{name} {version}, and here is {here.get(name, 'none')}"
        for name, version in card.versions.items()
        if here.get(name) != version
    ]
    if wrong:
        raise BundleRefusedError(
            f"model {card.name} was saved with {'; '.join(wrong)}: train it again with the versions here, "
            "or pin those of its card in the dependencies layer"
        )


def _read_checked(folder: Traversable, name: str, digest: str) -> bytes:
    try:
        content = folder.joinpath(name).read_bytes()
    except OSError as error:
        raise BundleRefusedError(f"the model's card names {name}, which is not in the layer") from error
    found = hashlib.sha256(content).hexdigest()
    if found != digest:
        raise BundleRefusedError(
            f"{name} is not the file that the model's card describes (SHA-256 {found}, on the card {digest}): "
            "it was damaged or replaced, so it is not opened; package the model again"
        )
    return content
