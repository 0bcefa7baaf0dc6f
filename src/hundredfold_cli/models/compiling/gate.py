"""The gate: a compiled model is released only if it answers as scikit-learn does. scikit-learn is the judge."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hundredfold_cli.models.compiling.errors import NotCompiledError

TOLERANCE = 1e-9
"""How far a score, or a number relative to its size if that is over 1, may be from scikit-learn's."""

DERIVED_RECORDS = 10_000
"""How many typical records are derived from the model, beside the edge cases and the records at hand."""

_BATCH = 500

type Answer = tuple[Any, Any]
type Predict = Callable[[Sequence[tuple[Any, ...]]], Sequence[Answer]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """How two engines compare.

    Attributes
    ----------
    records : how many were compared
    largest : the largest difference of a score or number; of a number over 1 relative to its size
    refused : how many records both engines refuse
    """

    records: int
    largest: float
    refused: int


def compare(reference: Predict, compiled: Predict, records: Sequence[tuple[Any, ...]]) -> Comparison:
    """Let both engines answer all records.

    Raises
    ------
    NotCompiledError
        At the first record whose answers differ. It names the record's number, from 1, and both answers.
    """
    largest, refused = 0.0, 0
    for start in range(0, len(records), _BATCH):
        batch = records[start : start + _BATCH]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # edge cases overflow
            pairs = zip(_answers(reference, batch), _answers(compiled, batch), strict=True)
        for number, (expected, answer) in enumerate(pairs, start=start + 1):
            difference = _difference(expected, answer)
            if difference is None or not difference <= TOLERANCE:
                raise NotCompiledError(
                    f"it answers record {number} of the {len(records)} that were compared otherwise: scikit-learn "
                    f"{_words(expected)}, the compiled model {_words(answer)}"
                )
            largest = max(largest, difference)
            refused += expected is None
    return Comparison(len(records), largest, refused)


def _answers(predict: Predict, records: Sequence[tuple[Any, ...]]) -> list[Answer | None]:
    """Return the answer to each record; None for one that the engine refuses, which costs 2 log2(n) more calls."""
    try:
        answers: list[Answer | None] = list(predict(records))
    except Exception:  # noqa: BLE001, RUF100 - a record that any error refuses is rejected, whatever the error
        if len(records) == 1:
            return [None]
        middle = len(records) // 2
        return _answers(predict, records[:middle]) + _answers(predict, records[middle:])
    if len(answers) != len(records):
        raise NotCompiledError(f"there are {len(answers)} answers to {len(records)} records")
    return answers


def _difference(expected: Answer | None, answer: Answer | None) -> float | None:
    """Return how far two answers are apart, or None if they cannot be compared."""
    if expected is None or answer is None:
        return 0.0 if expected is answer else None
    (expected_label, expected_score), (label, score) = expected, answer
    if isinstance(expected_label, float) and isinstance(label, float):
        return abs(expected_label - label) / max(1.0, abs(expected_label))
    if expected_label != label or (expected_score is None) is not (score is None):
        return None
    return 0.0 if score is None else abs(expected_score - score)


def _words(answer: Answer | None) -> str:
    return "refuses it" if answer is None else f"answers {list(answer)}"
