"""A model's answer to one record, as it is stored, exported and shown: `label` and `score`, `value`, or `outputs`."""

from collections.abc import Mapping
from typing import Any


def stored_answer(label: Any, score: Any) -> dict[str, Any]:
    """Return an answer under the names by which `hundredfold.aws.predictions` stores it."""
    if isinstance(label, Mapping):
        scores = score or {}
        return {"outputs": {output: stored_answer(label[output], scores.get(output)) for output in label}}
    if isinstance(label, float):
        return {"value": label}
    return {"label": label} if score is None else {"label": label, "score": score}


def model_answer(prediction: Mapping[str, Any] | None) -> list[Any] | None:
    """Return a stored prediction's answer as a bundle gives it: a label or a number, and a score or None."""
    if prediction is None:
        return None
    if "outputs" in prediction:
        answers = {name: model_answer(output) or [] for name, output in prediction["outputs"].items()}
        return [
            {name: label for name, (label, _) in answers.items()},
            {name: score for name, (_, score) in answers.items()},
        ]
    return [prediction.get("label", prediction.get("value")), prediction.get("score")]


def flat_answer(prediction: Mapping[str, Any]) -> dict[str, Any]:
    """Return a prediction's answer as columns: its own names, or `<output>_label`, `<output>_score`, … of outputs."""
    if "outputs" not in prediction:
        return {name: prediction[name] for name in ("label", "score", "value") if name in prediction}
    return {
        f"{output}_{name}": value
        for output, answer in sorted(prediction["outputs"].items())
        for name, value in answer.items()
    }


def answer_text(answer: Mapping[str, Any]) -> str:
    """Return an answer in a few words: `positive  0.931`, `21.5`, `colour: red  0.800, size: 2.1`."""
    if "outputs" in answer:
        return ", ".join(f"{name}: {answer_text(output)}" for name, output in sorted(answer["outputs"].items()))
    if "value" in answer:
        return f"{answer['value']:g}"
    return f"{answer['label']}  {answer['score']:.3f}" if "score" in answer else str(answer["label"])
