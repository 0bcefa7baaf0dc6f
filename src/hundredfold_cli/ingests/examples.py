"""Examples of an ingest's predictions: some of which the model is sure, and some of which it is not."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hundredfold.batches import BatchOutcome
from hundredfold.errors import SourceChangedError, SourceMissingError
from hundredfold.ingest import Plan
from hundredfold_cli.ingests.outcomes import read_batches, read_manifest, record_of
from hundredfold_cli.stack.deployment import Deployment

_BATCHES_READ = 5
_OF_EACH = 4
_RECORD_CHARACTERS = 160


@dataclass(frozen=True, slots=True)
class Example:
    """A prediction. `record` is the text of its record, if that was wanted; else it is empty."""

    record_id: str
    label: str
    score: float
    record: str = ""


@dataclass(frozen=True, slots=True)
class Examples:
    """The surest and the least sure predictions among those of a few batches.

    Attributes
    ----------
    among : how many predictions they were chosen from
    """

    sure: tuple[Example, ...] = ()
    unsure: tuple[Example, ...] = ()
    among: int = 0


def read_examples(
    deployment: Deployment, plan: Plan, done: Sequence[BatchOutcome], *, with_records: bool = False
) -> Examples:
    """Read examples from a few batches that are done, spread over the ingest.

    There is none if the source is gone, or if predictions have no score.

    Parameters
    ----------
    with_records : whether the examples have the text of their records
    """
    numbers = {entry.batch for entry in done if entry.predicted}
    try:
        batches = [batch for batch in read_manifest(deployment, plan) if batch.batch in numbers]
        chosen = batches[:: max(1, len(batches) // _BATCHES_READ)][:_BATCHES_READ]
        scored = [
            Example(
                str(line.record_id),
                str(prediction["label"]),
                float(prediction["score"]),
                _text(record_of(line, plan)) if with_records else "",
            )
            for read in read_batches(deployment, plan, chosen)
            for line in read.lines
            if (prediction := read.own_prediction(line)) and "score" in prediction and "label" in prediction
        ]
    except (SourceChangedError, SourceMissingError):
        return Examples()
    return choose(scored)


def choose(examples: Sequence[Example]) -> Examples:
    """Return the surest and the least sure of some examples, none of them twice."""
    ordered = sorted(examples, key=lambda example: example.score)
    unsure = ordered[:_OF_EACH]
    sure = ordered[len(unsure) :][::-1][:_OF_EACH]
    return Examples(tuple(sure), tuple(unsure), len(examples))


def _text(record: dict[str, Any]) -> str:
    fields = {name: value for name, value in record.items() if name != "id"}
    text = str(next(iter(fields.values()))) if len(fields) == 1 else json.dumps(fields, ensure_ascii=False)
    return text if len(text) <= _RECORD_CHARACTERS else f"{text[:_RECORD_CHARACTERS]}…"
