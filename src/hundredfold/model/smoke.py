"""The smoke test of a release: a new version predicts the sample on its own card before it goes live."""

import math
from typing import Any

from hundredfold.model.bundle import Bundle
from hundredfold.model.card import Card

TOLERANCE = 1e-6
"""How much a number may differ from the one at packaging. Another processor may add in another order."""


def smoke(bundle: Bundle) -> dict[str, Any]:
    """Predict the sample on the bundle's card. Nothing is read from or written to a store."""
    fields = bundle.card.signature
    values = [fields.read(record) for record in bundle.card.sample.get("records", [])]
    answers = bundle.predict(values) if values else []
    return {"name": bundle.card.name, "card": bundle.digest, "answers": [list(answer) for answer in answers]}


def differences(card: Card, digest: str, result: dict[str, Any]) -> list[str]:
    """Compare the result of `smoke` with the published card. Return each difference in words.

    Parameters
    ----------
    digest : the SHA-256 of the published card, in hex
    result : what `smoke` returned in the deployed version
    """
    if result.get("card") != digest:
        return [f"it has loaded the card {result.get('card')}, and {digest} was published"]
    expected, answers = card.sample.get("answers", []), result.get("answers", [])
    if len(expected) != len(answers):
        return [f"it gave {len(answers)} answers to a sample of {len(expected)}"]
    return [
        f"record {number} of the sample is {deployed} there, and was {packaged} when it was packaged"
        for number, (deployed, packaged) in enumerate(zip(answers, expected, strict=True), start=1)
        if not same_answer(deployed, packaged)
    ]


def same_answer(deployed: Any, packaged: Any) -> bool:
    """Tell whether two answers are the same: their labels are equal, and their numbers within TOLERANCE.

    A number is a float. An integer is a class, and so are true and false.
    """
    match deployed, packaged:
        case ((bool() | int()), (bool() | int())):
            return deployed == packaged and isinstance(deployed, bool) is isinstance(packaged, bool)
        case ((float() | int()), (float() | int())):
            return math.isclose(deployed, packaged, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        case list(), list():
            return len(deployed) == len(packaged) and all(map(same_answer, deployed, packaged))
        case dict(), dict():
            return deployed.keys() == packaged.keys() and all(
                same_answer(deployed[name], packaged[name]) for name in deployed
            )
        case _:
            return bool(deployed == packaged)
