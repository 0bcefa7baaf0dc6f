"""Comparing two models by their answers to the same records."""

import statistics
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

WORST = 10
"""How many of the records that disagree most are told."""

type Answer = list[Any] | None
"""A label and its score as a bundle answers them; None for a record that it would reject."""


@dataclass(frozen=True, slots=True)
class Disagreement:
    """One record to which two models answer differently; `distance` says how much, larger is worse."""

    record_id: str
    one: str | float
    one_score: float | None
    other: str | float
    other_score: float | None
    distance: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two models' answers, for one output.

    Attributes
    ----------
    output : its name; empty if the models have only one
    compared : records that both answered; `one_only` and `other_only` were rejected by the other model, and
        `neither` by both
    agreed : records with the same label; of numbers, those that differ by less than a thousandth of their range
    matrix : how often the one's label came with the other's: `{one's: {other's: records}}`; empty for numbers
    differences : the other's score (or number) less the one's: of the records whose labels agree, or of all numbers
    worst : the records that disagree most, the worst first. Of labels these are the ones of which both are sure.
    """

    output: str
    compared: int
    agreed: int
    one_only: int
    other_only: int
    neither: int
    matrix: Mapping[str, Mapping[str, int]]
    differences: Sequence[float] = field(repr=False)
    worst: Sequence[Disagreement]

    @property
    def agreement(self) -> float:
        return self.agreed / self.compared if self.compared else 0.0

    @property
    def spread(self) -> dict[str, float]:
        """The differences in a few numbers; empty if there are none."""
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
        told = asdict(self)
        del told["differences"]
        return {**told, "agreement": self.agreement, "differences": self.spread}


def compare(ids: Sequence[str], ones: Sequence[Answer], others: Sequence[Answer]) -> list[Comparison]:
    """Compare two models' answers to the same records, for each output that both have."""
    outputs = list(dict.fromkeys(name for answer in ones if answer for name in _names(answer)))
    known = {name for answer in others if answer for name in _names(answer)}
    return [
        _compare(name, ids, [_output(one, name) for one in ones], [_output(other, name) for other in others])
        for name in outputs
        if name in known
    ]


def _compare(output: str, ids: Sequence[str], ones: Sequence[Answer], others: Sequence[Answer]) -> Comparison:
    both = [(name, *one, *other) for name, one, other in zip(ids, ones, others, strict=True) if one and other]
    present = Counter((one is not None, other is not None) for one, other in zip(ones, others, strict=True))
    # Labels are text on both sides, or numbers on both; a class against a number is no comparison of values.
    numbers = all(not isinstance(label, str) for row in both for label in (row[1], row[3]))
    told = _compare_numbers(both) if numbers and both else _compare_labels(both)
    agreed, matrix, differences, worst = told
    return Comparison(
        output=output,
        compared=len(both),
        agreed=agreed,
        one_only=present[True, False],
        other_only=present[False, True],
        neither=present[False, False],
        matrix=matrix,
        differences=differences,
        worst=sorted(worst, key=lambda one: (-one.distance, one.record_id))[:WORST],
    )


type _Told = tuple[int, dict[str, dict[str, int]], list[float], list[Disagreement]]


def _compare_labels(both: Iterable[tuple[Any, ...]]) -> _Told:
    pairs: Counter[tuple[str, str]] = Counter()
    differences: list[float] = []
    worst: list[Disagreement] = []
    for name, one, one_score, other, other_score in both:
        pairs[str(one), str(other)] += 1
        if str(one) != str(other):
            # Both sure of something else is worse than both unsure.
            sure = [1.0 if score is None else score for score in (one_score, other_score)]
            worst.append(Disagreement(name, str(one), one_score, str(other), other_score, sum(sure)))
        elif one_score is not None and other_score is not None:
            differences.append(other_score - one_score)
    labels = sorted({label for pair in pairs for label in pair})
    matrix = {one: {other: pairs[one, other] for other in labels} for one in labels}
    return sum(matrix[label][label] for label in labels), matrix, differences, worst


def _compare_numbers(both: Sequence[tuple[Any, ...]]) -> _Told:
    values = [float(row[1]) for row in both]
    close = (max(values) - min(values)) / 1000
    differences = [float(other) - float(one) for _, one, _, other, _ in both]
    worst = [
        Disagreement(name, float(one), None, float(other), None, abs(difference))
        for (name, one, _, other, _), difference in zip(both, differences, strict=True)
        if abs(difference) > close
    ]
    return len(both) - len(worst), {}, differences, worst


def _names(answer: list[Any]) -> list[str]:
    return list(answer[0]) if isinstance(answer[0], Mapping) else [""]


def _output(answer: Answer, name: str) -> Answer:
    if answer is None or not isinstance(answer[0], Mapping):
        return answer if not name or answer is None else None
    if name not in answer[0]:
        return None
    return [answer[0][name], (answer[1] or {}).get(name)]
