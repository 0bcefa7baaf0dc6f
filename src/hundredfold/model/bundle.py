"""The bundle: a model as it is deployed. Its files are checked before anything in them is opened."""

import hashlib
import io
from collections.abc import Collection, Sequence
from importlib.resources.abc import Traversable
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold.model.card import CARD, LIBRARIES, Card, Input, card_digest, versions_here
from hundredfold.model.code import import_code
from hundredfold.model.engine import COMPILED_FILE, Engine
from hundredfold.model.output import Answer, ModelOutput
from hundredfold.model.signature import FieldType, Signature, Values

__all__ = [
    "CARD",
    "LIBRARIES",
    "SKOPS_SUFFIX",
    "Bundle",
    "Card",
    "CompiledBundle",
    "load",
    "read_step",
    "versions_here",
]

SKOPS_SUFFIX = ".skops"
"""Files with this suffix are read by skops, which creates only types that it knows or that the card trusts.

All other files are read by joblib."""


class Bundle:
    """A loaded model. It applies its steps to the values of many records at once."""

    def __init__(self, card: Card, steps: Sequence[Any], digest: str = "") -> None:
        self.card = card
        self.digest = digest
        *self._transformers, model = steps
        self._output = ModelOutput(card, model)

    def predict(self, values: Sequence[Values]) -> list[Answer]:
        """Return the model's label and score for each record.

        Parameters
        ----------
        values : one tuple for each record, in the order of the signature's fields

        Raises
        ------
        ModelMisbehavedError
            If the output does not have one answer for each record, in the shape that the card describes.
        ArithmeticError
            If an answer is not a finite number. Some models give such answers to values far out of their range. The
            record is at fault, and no store would take the answer.
        UnfitLabelError
            If a label is not one of the card's classes. Some models answer so to values far out of their range.
        """
        return self._output.answers(lambda: self._transform(values), len(values))

    def _transform(self, values: Sequence[Values]) -> Any:
        data = self._arrange(values)
        for transformer in self._transformers:
            data = transformer.transform(data)
        return data

    def _arrange(self, values: Sequence[Values]) -> Any:
        return arrange(values, self.card.signature, self.card.input)


class CompiledBundle(Bundle):
    """A loaded model that its compiled form answers for. scikit-learn is not imported.

    Raises
    ------
    BundleRefusedError
        If the compiled form cannot be read, or has other classes than the card.
    """

    def __init__(self, card: Card, form: bytes, digest: str = "") -> None:
        # Other bundles do without the engine.
        from hundredfold.model.compiled.engine import CompiledModel
        from hundredfold.model.compiled.form import Form

        self.card = card
        self.digest = digest
        self._compiled = CompiledModel(Form.from_bytes(form))
        if self._compiled.classes != card.classes:
            raise BundleRefusedError(
                f"the compiled model's classes are {self._compiled.classes}, and its card says {card.classes}"
            )

    def predict(self, values: Sequence[Values]) -> list[Answer]:
        """Return the model's label and score for each record, as `Bundle.predict` does.

        Raises
        ------
        ArithmeticError
            If an answer is not a finite number.
        ValueError
            If a step does not take a value.
        """
        return list(self._compiled.predict(values))


def arrange(values: Sequence[Values], signature: Signature, input_: Input) -> Any:
    """Return the values of records as a model takes them.

    A column of a DataFrame has the same type whatever the batch holds: pandas would choose one by the values.
    """
    if input_ is not Input.ARRAY:
        import pandas as pd

        category = "category" if input_ is Input.CATEGORICAL else object
        columns = list(zip(*values, strict=True)) or [()] * len(signature.fields)
        return pd.DataFrame(
            {
                field.name: pd.Series(column, dtype=float if field.type is FieldType.NUMBER else category)
                for field, column in zip(signature.fields, columns, strict=True)
            }
        )
    if signature.is_text:
        return [value[0] for value in values]
    import numpy as np

    return np.array(values, dtype=float if signature.is_numeric else object)


def load(folder: Traversable, digest: str = "") -> Bundle:
    """Load the bundle in `folder`. First check versions and the digest of every file against its card.

    Opening a joblib file runs it as code. Only bytes that were checked are opened. The bundle's own modules are
    importable from then on, in place of those of a bundle that was loaded before.

    Parameters
    ----------
    digest : the SHA-256 of the released card, in hex; empty if any card will do

    Raises
    ------
    BundleRefusedError
        If the card cannot be read or is not the released one, if a version differs from the card's, or if a file is
        missing, has another SHA-256 than on the card, or cannot be opened.
    """
    content = _read_card(folder)
    actual = card_digest(content)
    if digest and actual != digest:
        raise BundleRefusedError(
            f"the model's card is not the one that was released (SHA-256 {actual}, released {digest}): "
            "the layer was replaced, so nothing in it is opened; publish the model again"
        )
    card = Card.from_json(content)
    _check_versions(card)
    contents = {name: _read_checked(folder, name, expected) for name, expected in card.files.items()}
    if card.engine.engine is Engine.COMPILED:
        return CompiledBundle(card, contents[COMPILED_FILE], actual)
    import_code(str(folder), {name: contents[name] for name in card.code})
    try:
        steps = [read_step(step, contents[step], card.trusted) for step in card.steps]
    except BundleRefusedError:
        raise
    except Exception as error:
        raise BundleRefusedError(f"model {card.name} cannot be opened: {error!r}") from error
    return Bundle(card, steps, actual)


def read_step(name: str, content: bytes, trusted: Sequence[str] = ()) -> Any:
    """Open one file of a bundle. Check its bytes first: a joblib file runs as code.

    Raises
    ------
    BundleRefusedError
        If a `.skops` file holds types that neither skops nor `trusted` knows. Then nothing of it is created.
    """
    if not name.endswith(SKOPS_SUFFIX):
        import joblib

        return joblib.load(io.BytesIO(content))
    import skops.io

    unknown = sorted(set(skops.io.get_untrusted_types(data=content)) - set(trusted))
    if unknown:
        raise BundleRefusedError(
            f"{name} holds types that are not trusted, so it is not opened: {', '.join(unknown)}; "
            "if you know them to be harmless, list them under `trusted` in model.toml and package the model again"
        )
    return skops.io.loads(content, trusted=list(trusted))


def _read_card(folder: Traversable) -> bytes:
    try:
        return folder.joinpath(CARD).read_bytes()
    except OSError as error:
        raise BundleRefusedError(f"the model layer has no card {CARD}: {error}; publish a packaged model") from error


def _check_versions(card: Card) -> None:
    here = versions_here((*LIBRARIES, *card.requires))
    mismatches = [
        f"{name} {version}, and here is {here.get(name, 'none')}"
        for name, version in card.versions.items()
        if here.get(name) != version and name in _libraries_of_engine(card)
    ]
    if mismatches:
        missing = [name for name in card.requires if name not in here]
        advice = (
            f'deploy with {" and ".join(missing)} first (make up EXTRAS="{" ".join(missing)}", or '
            "hundredfold up --bundle FOLDER), and publish it again"
            if missing
            else "train it again with the versions here, or pin those of its card in the dependencies layer"
        )
        raise BundleRefusedError(f"model {card.name} was saved with {'; '.join(mismatches)}: {advice}")


def _libraries_of_engine(card: Card) -> Collection[str]:
    """Return the names of what must be here in the card's version. Texts are cut up by Python's own rules."""
    if card.engine.engine is Engine.COMPILED:
        return ("python", "numpy") if card.engine.numpy else ("python",)
    return card.versions.keys()


def _read_checked(folder: Traversable, name: str, digest: str) -> bytes:
    try:
        content = folder.joinpath(name).read_bytes()
    except OSError as error:
        raise BundleRefusedError(
            f"the model's card names {name}, which is not in the layer; package the model again"
        ) from error
    actual = hashlib.sha256(content).hexdigest()
    if actual != digest:
        raise BundleRefusedError(
            f"{name} is not the file that the model's card describes (SHA-256 {actual}, on the card {digest}): "
            "it was damaged or replaced, so it is not opened; package the model again"
        )
    return content
