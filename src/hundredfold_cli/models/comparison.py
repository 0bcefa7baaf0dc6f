"""Comparing the answers of two models to the same records.

The model that is named first is called first here, and the other one second.
"""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from hundredfold.records import ClassLabel, label_text

WORST = 10
"""How many of the records that disagree most are kept."""

type Answer = list[Any] | None
"""A label and its score, as a bundle answers them. None for a record that the model rejects."""

type AnsweredByBoth = tuple[str, Any, Any, Any, Any]
"""A record's id, the first model's label and score, and the second model's label and score."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A record to which two models answer differently.

    Attributes
    ----------
    first, second : the label or the number that each model answers
    first_score, second_score : of the labels; None for numbers, and for labels without a score
    distance : how much the answers differ; larger is worse
    """

    record_id: str
    first: ClassLabel | float
    first_score: float | None
    second: ClassLabel | float
    second_score: float | None
    distance: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The answers of two models, for one output.

    Attributes
    ----------
    output : its name; empty if the models have only one
    compared : records that both models answered
    agreed : records with the same label. Numbers agree if they differ by at most a thousandth of their range.
    first_only, second_only, neither : records that one model answered and the other rejected, or that both rejected
    matrix : how often each label of the first model came with each label of the second:
        `{first label: {second label: records}}`; empty for numbers
    differences : second score less first score, of the records whose labels agree; of numbers, of all records
    worst : the records that disagree most, the worst first. For labels these are the ones of which both are sure.
    """

    output: str
    compared: int
    agreed: int
    first_only: int
    second_only: int
    neither: int
    matrix: Mapping[str, Mapping[str, int]]
    differences: Sequence[float] = field(repr=False)
    worst: Sequence[Disagreement]

    @property
    def agreement(self) -> float:
        """The share of the compared records that agree."""
        return self.agreed / self.compared if self.compared else 0.0

    @property
    def spread(self) -> dict[str, float]:
        """The differences in four numbers; empty if there are none."""
        if not self.differences:
            return {}
        sizes = sorted(map(abs, self.differences))
        return {
            "mean": statistics.fmean(self.differences),
            "mean_absolute": statistics.fmean(sizes),
            "median_absolute": statistics.median(sizes),
            "largest": sizes[-1],
        }

    def as_dict(self) -> dict[str, Any]:
        return {**asdict(self), "agreement": self.agreement, "differences": self.spread}


def compare_answers(ids: Sequence[str], first: Sequence[Answer], second: Sequence[Answer]) -> list[Comparison]:
    """Compare two models' answers to the same records.

    Parameters
    ----------
    ids : of the records
    first, second : the two models' answers, in the order of `ids`

    Returns
    -------
    comparisons : one for each output that both models have
    """
    outputs = list(dict.fromkeys(name for answer in first if answer for name in _output_names(answer)))
    common = {name for answer in second if answer for name in _output_names(answer)}
    return [
        _compare_output(
            output, ids, [_output(answer, output) for answer in first], [_output(answer, output) for answer in second]
        )
        for output in outputs
        if output in common
    ]


def _compare_output(output: str, ids: Sequence[str], first: Sequence[Answer], second: Sequence[Answer]) -> Comparison:
    pairs = list(zip(first, second, strict=True))
    both: list[AnsweredByBoth] = [
        (record_id, *first_answer, *second_answer)
        for record_id, (first_answer, second_answer) in zip(ids, pairs, strict=True)
        if first_answer and second_answer
    ]
    answered = Counter((first_answer is not None, second_answer is not None) for first_answer, second_answer in pairs)
    # A float is a regressor's number; a class against a number is no comparison of values.
    numbers = all(isinstance(label, float) for row in both for label in (row[1], row[3]))
    agreed, matrix, differences, worst = _compare_numbers(both) if numbers and both else _compare_labels(both)
    return Comparison(
        output=output,
        compared=len(both),
        agreed=agreed,
        first_only=answered[True, False],
        second_only=answered[False, True],
        neither=answered[False, False],
        matrix=matrix,
        differences=differences,
        worst=sorted(worst, key=lambda record: (-record.distance, record.record_id))[:WORST],
    )


type _Counts = tuple[int, dict[str, dict[str, int]], list[float], list[Disagreement]]
"""How many records agree, and the matrix, the differences and the disagreements of a comparison."""


def _compare_labels(both: Iterable[AnsweredByBoth]) -> _Counts:
    pairs: Counter[tuple[str, str]] = Counter()
    differences: list[float] = []
    worst: list[Disagreement] = []
    for record_id, first, first_score, second, second_score in both:
        names = label_text(first), label_text(second)
        pairs[names] += 1
        if names[0] != names[1]:
            # Two models that are sure of different labels are worse than two that are unsure.
            distance = sum(1.0 if score is None else score for score in (first_score, second_score))
            worst.append(Disagreement(record_id, first, first_score, second, second_score, distance))
        elif first_score is not None and second_score is not None:
            differences.append(second_score - first_score)
    labels = sorted({label for pair in pairs for label in pair})
    matrix = {first: {second: pairs[first, second] for second in labels} for first in labels}
    return sum(matrix[label][label] for label in labels), matrix, differences, worst


def _compare_numbers(both: Sequence[AnsweredByBoth]) -> _Counts:
    values = [float(row[1]) for row in both]
    tolerance = (max(values) - min(values)) / 1000
    differences = [float(second) - float(first) for _, first, _, second, _ in both]
    worst = [
        Disagreement(record_id, float(first), None, float(second), None, abs(difference))
        for (record_id, first, _, second, _), difference in zip(both, differences, strict=True)
        if abs(difference) > tolerance
    ]
    return len(both) - len(worst), {}, differences, worst


def _output_names(answer: list[Any]) -> list[str]:
    return list(answer[0]) if isinstance(answer[0], Mapping) else [""]


def _output(answer: Answer, output: str) -> Answer:
    if answer is None or not isinstance(answer[0], Mapping):
        return answer if not output or answer is None else None
    if output not in answer[0]:
        return None
    return [answer[0][output], (answer[1] or {}).get(output)]
