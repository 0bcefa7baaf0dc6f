"""The models of a simulation. Their answers depend on the text and on the model, so that no two can be mixed up."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card, card_digest
from hundredfold.model.signature import Field, FieldType, Signature

CLASSES: Final = ("cold", "warm")
RAISES: Final = "this text makes the model raise"
CRASHES: Final = "this text ends the process"

SAMPLE: Final = ("a sample", "another sample")


def answer(model: int, text: str) -> tuple[str, float]:
    """Return the label and the score that a model gives a text."""
    digest = zlib.crc32(f"{model}:{text}".encode())
    return CLASSES[digest % 2], round(0.5 + (digest % 5000) / 10_000, 4)


@dataclass(frozen=True)
class SimulatedModel:
    """A packaged model: its number, and the card that it is released with."""

    number: int

    @cached_property
    def card(self) -> Card:
        return Card(
            name=f"simulated-{self.number}",
            steps=("model.bin",),
            signature=Signature((Field("text", FieldType.TEXT),)),
            classes=CLASSES,
            versions={},
            files={"model.bin": f"{self.number:064x}"},
            sample={
                "records": [{"text": text} for text in SAMPLE],
                "answers": [list(answer(self.number, text)) for text in SAMPLE],
            },
            made={"by": "simulation"},
        )

    @cached_property
    def content(self) -> bytes:
        """The card, in bytes."""
        return self.card.to_json()

    @cached_property
    def digest(self) -> str:
        return card_digest(self.content)


class SimulatedBundle(Bundle):
    """A model as an environment of the inference function has loaded it.

    Parameters
    ----------
    crash : ends the process of the environment
    """

    def __init__(self, model: SimulatedModel, crash: Callable[[], None]) -> None:
        self.card = model.card
        self.digest = model.digest
        self._number = model.number
        self._crash = crash

    def predict(self, values: Sequence[tuple[str | float, ...]]) -> list[tuple[str, float]]:  # type: ignore[override]
        texts = [str(value[0]) for value in values]
        if CRASHES in texts:
            self._crash()
        if RAISES in texts:
            raise ValueError(RAISES)
        return [answer(self._number, text) for text in texts]
