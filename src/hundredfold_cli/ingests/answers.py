"""Answers as they are stored and exported: `label` and `score`, `value`, or `outputs`."""

from collections.abc import Mapping
from typing import Any


def stored_answer(label: Any, score: Any) -> dict[str, Any]:
    """Return a model's answer under the names that `hundredfold.adapters.predictions` stores it by."""
    if isinstance(label, Mapping):
        return {"outputs": {name: stored_answer(one, (score or {}).get(name)) for name, one in label.items()}}
    if isinstance(label, float | int):
        return {"value": float(label)}
    return {"label": label} if score is None else {"label": label, "score": score}


def columns_of(prediction: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as columns: those that it has, and for several outputs `<name>_label`, `<name>_score`, …"""
    if "outputs" not in prediction:
        return {name: prediction[name] for name in ("label", "score", "value") if name in prediction}
    return {
        f"{output}_{name}": value
        for output, answer in sorted(prediction["outputs"].items())
        for name, value in answer.items()
    }
