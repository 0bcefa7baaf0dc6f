"""The model as deployed: its files, the checks that come before anything is unpickled, and how it answers."""

import hashlib
import io
from collections.abc import Sequence
from importlib.resources.abc import Traversable
from typing import Any

from hundredfold.errors import BundleRefusedError
from hundredfold.model.card import CARD, LIBRARIES, Card, Input, card_digest, versions_here
from hundredfold.model.output import Answer, answer, check_classes

__all__ = ["CARD", "LIBRARIES", "SKOPS_SUFFIX", "Bundle", "Card", "load", "read_step", "versions_here"]

SKOPS_SUFFIX = ".skops"
"""Files that are read by skops, which makes only types that it knows or the card trusts; all others by joblib."""


class Bundle:
    """A loaded model: applies its steps to the values of many records at once."""

    def __init__(self, card: Card, steps: Sequence[Any], digest: str = "") -> None:
        self.card = card
        self.digest = digest
        *self._transformers, self._model = steps
        check_classes(card, self._model)

    def predict(self, values: Sequence[tuple[str | float, ...]]) -> list[Answer]:
        """Return the model's label for each record, and its score.

        Parameters
        ----------
        values : one tuple for each record, in the signature's order of fields

        Raises
        ------
        ModelMisbehavedError
            If the model does not answer once for each record, in the shape that its card says.
        ArithmeticError
            If an answer is not a number, as some models answer to values far out of their range. That is the
            record's fault, and no store would take it.
        """
        data = self._arrange(values)
        for transformer in self._transformers:
            data = transformer.transform(data)
        return answer(self.card, self._model, data, len(values))

    def _arrange(self, values: Sequence[tuple[str | float, ...]]) -> Any:
        signature = self.card.signature
        if self.card.input is Input.DATAFRAME:
            import pandas as pd

            return pd.DataFrame(values, columns=[field.name for field in signature.fields])
        if signature.is_text:
            return [value[0] for value in values]
        import numpy as np

        return np.array(values, dtype=float if signature.is_numeric else object)


def load(folder: Traversable, digest: str = "") -> Bundle:
    """Load the bundle in `folder`, after its versions and the digest of every file were checked against its card.

    A joblib file is code, which runs when it is opened. What is opened here is exactly the bytes that were checked.

    Parameters
    ----------
    digest : the SHA-256 that the card must have, as it was released; empty if it may have any

    Raises
    ------
    BundleRefusedError
        If the card cannot be read or is not the one released, a version here is not the card's (both are named),
        a file is missing, a file's SHA-256 is not the card's, or a file cannot be opened.
    """
    content = _read_card(folder)
    found = card_digest(content)
    if digest and found != digest:
        raise BundleRefusedError(
            f"the model's card is not the one that was released (SHA-256 {found}, released {digest}): "
            "the layer was replaced, so nothing in it is opened; publish the model again"
        )
    card = Card.from_json(content)
    _check_versions(card)
    contents = {name: _read_checked(folder, name, expected) for name, expected in card.files.items()}
    try:
        steps = [read_step(step, contents[step], card.trusted) for step in card.steps]
    except BundleRefusedError:
        raise
    except Exception as error:
        raise BundleRefusedError(f"model {card.name} cannot be opened: {error!r}") from error
    return Bundle(card, steps, found)


def read_step(name: str, content: bytes, trusted: Sequence[str] = ()) -> Any:
    """Open one file of a bundle, whose bytes must have been checked: a joblib file runs as code.

    Raises
    ------
    BundleRefusedError
        If it is a `.skops` file and holds types that neither skops nor `trusted` know; nothing of it is made then.
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
        raise BundleRefusedError(f"the model layer has no card {CARD}: {error}") from error


def _check_versions(card: Card) -> None:
    here = versions_here((*LIBRARIES, *card.requires))
    wrong = [
        f"{name} {version}, and here is {here.get(name, 'none')}"
        for name, version in card.versions.items()
        if here.get(name) != version
    ]
    if wrong:
        lacking = [name for name in card.requires if name not in here]
        advice = (
            f'build the dependencies layer with {" and ".join(lacking)} (EXTRAS="{" ".join(lacking)}")'
            if lacking
            else "train it again with the versions here, or pin those of its card in the dependencies layer"
        )
        raise BundleRefusedError(f"model {card.name} was saved with {'; '.join(wrong)}: {advice}")


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
