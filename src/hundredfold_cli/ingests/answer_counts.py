"""What an ingest answered, counted from its predictions, for models without a baseline."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hundredfold.batches import Batch
from hundredfold.errors import SourceChangedError, SourceMissingError
from hundredfold.ingest import Plan
from hundredfold.records import label_text
from hundredfold_cli.ingests.outcomes import read_batches, read_manifest
from hundredfold_cli.stack.deployment import Deployment

COUNTED_BATCHES = 100
"""Of how many batches the predictions are read. They are spread evenly over the ingest."""


@dataclass(slots=True)
class AnswerCounts:
    """The answers of one output; its name is empty if there is only one.

    Attributes
    ----------
    labels : how often each label was predicted
    scores, values : of each prediction that has one
    """

    output: str
    labels: Counter[str] = field(default_factory=Counter)
    scores: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)


def read_answer_counts(deployment: Deployment, plan: Plan, done: Sequence[int]) -> list[AnswerCounts]:
    """Count the answers of some of the batches that are done. Return nothing if the source is lost.

    Parameters
    ----------
    done : the numbers of the batches that are done
    """
    chosen = set(done[:: max(1, -(-len(done) // COUNTED_BATCHES))])
    try:
        batches: list[Batch] = [batch for batch in read_manifest(deployment, plan) if batch.batch in chosen]
        return count_answers(
            prediction for read in read_batches(deployment, plan, batches) for prediction in read.predictions.values()
        )
    except (SourceChangedError, SourceMissingError):
        return []


def count_answers(predictions: Iterable[Mapping[str, Any]]) -> list[AnswerCounts]:
    """Count predictions, as they are stored."""
    counts: dict[str, AnswerCounts] = {}
    for prediction in predictions:
        answers = prediction.get("outputs", {"": prediction})
        for output, answer in answers.items():
            counted = counts.setdefault(output, AnswerCounts(output))
            if "label" in answer:
                counted.labels[label_text(answer["label"])] += 1
            if answer.get("score") is not None:
                counted.scores.append(float(answer["score"]))
            if answer.get("value") is not None:
                counted.values.append(float(answer["value"]))
    return [counts[output] for output in sorted(counts)]
