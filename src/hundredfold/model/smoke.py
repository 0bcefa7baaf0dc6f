"""The smoke test of a release: a published version predicts its own card's sample before it goes live."""

import math
from typing import Any

from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card

TOLERANCE = 1e-6
"""By how much a number may differ from that of packaging: another processor adds in another order."""


def smoke(bundle: Bundle) -> dict[str, Any]:
    """Predict the sample on the bundle's card. It reads and writes nothing else."""
    fields = bundle.card.signature
    values = [fields.read(record) for record in bundle.card.sample.get("records", [])]
    answers = bundle.predict(values) if values else []
    return {"name": bundle.card.name, "card": bundle.digest, "answers": [list(answer) for answer in answers]}


def differences(card: Card, digest: str, told: dict[str, Any]) -> list[str]:
    """Say in words where what a version told of itself is not what its card says; nothing if all is as it must be."""
    if told.get("card") != digest:
        return [f"it has loaded the card {told.get('card')}, and {digest} was published"]
    expected, found = card.sample.get("answers", []), told.get("answers", [])
    if len(expected) != len(found):
        return [f"it gave {len(found)} answers to a sample of {len(expected)}"]
    return [
        f"record {number} of the sample is {one} there, and was {other} when it was packaged"
        for number, (one, other) in enumerate(zip(found, expected, strict=True), start=1)
        if not _same(one, other)
    ]


def _same(one: Any, other: Any) -> bool:
    match one, other:
        case ((float() | int()), (float() | int())):
            return math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        case list(), list():
            return len(one) == len(other) and all(map(_same, one, other))
        case dict(), dict():
            return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
        case _:
            return bool(one == other)
