"""Steps that become one: the terms of texts, their weights, and a linear function of them.

The three steps make lists of columns and numbers for each text, only to add them up. The fused step looks each term up
once, and adds. So it takes less than half the time of scikit-learn, and the three steps take about as long as it.

For a term t that stands once, a linear function over weights with the norm l2 is

    sum(weight(t) coefficient(t)) / sqrt(sum(weight(t)^2)) + intercept

Both sums are made at once: of complex numbers, whose parts are the two. Terms that come again are put right after it.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import repeat
from operator import mul

from hundredfold.model.compiled.analyzer import Analyze
from hundredfold.model.compiled.step import Step
from hundredfold.model.compiled.steps.columns import Chain
from hundredfold.model.compiled.steps.linear import LinearClassifier, LinearRegressor
from hundredfold.model.compiled.steps.text import CountTerms, WeighTerms

_NONE = repeat(0j)
_LEAST, _MOST = 1e-150, 1e150  # of weights: their squares neither vanish nor overflow


@dataclass(frozen=True, slots=True)
class TermSums:
    """A linear function of the weighed terms of a text.

    Attributes
    ----------
    parts : of each term, its weight times its coefficient, and the square of its weight
    intercept : of the linear function
    scaled : whether the sum of the first parts is divided by the root of the sum of the second ones
    binary : whether a term that comes again counts once
    logarithmic : whether a count n becomes 1 + log(n)
    """

    analyze: Analyze
    parts: dict[str, complex]
    intercept: float
    scaled: bool
    binary: bool
    logarithmic: bool

    def apply(self, texts: Sequence[str]) -> list[float]:
        """Return the function's value for each text."""
        analyze, get = self.analyze, self.parts.get
        intercept, scaled, binary = self.intercept, self.scaled, self.binary
        values = []
        for text in texts:
            terms = analyze(text)
            distinct = dict.fromkeys(terms)  # a set has another order in each process, and so another sum
            total = sum(map(get, distinct, _NONE), 0j)
            if len(distinct) < len(terms) and not binary:
                total += self._repeated(terms)
            value = total.real
            if scaled and total.imag:
                value /= math.sqrt(total.imag)
            values.append(value + intercept)
        return values

    def _repeated(self, terms: list[str]) -> complex:
        """Return what terms that come again add to the sums beyond what they add once."""
        get, logarithmic = self.parts.get, self.logarithmic
        more = 0j
        for term, count in Counter(terms).items():
            if count > 1 and (part := get(term)) is not None:
                factor = 1.0 + math.log(count) if logarithmic else float(count)
                more += complex(part.real * (factor - 1.0), part.imag * (factor * factor - 1.0))
        return more


def fuse(transformers: Sequence[Step], last: Step) -> TermSums | None:
    """Return the steps as one, or None if they are others than terms, weights and one linear function."""
    match [*_flat(transformers), last]:
        case [CountTerms() as count, (LinearClassifier() | LinearRegressor()) as linear]:
            weights, norm, logarithmic = None, "none", False
        case [CountTerms() as count, WeighTerms() as weigh, (LinearClassifier() | LinearRegressor()) as linear]:
            weights, norm, logarithmic = weigh.weights, weigh.norm, weigh.logarithmic
        case _:
            return None
    if norm not in {"l2", "none"} or len(linear.weights.intercepts) != 1:
        return None
    weights = weights or [1.0] * len(count.columns)
    [coefficients], [intercept] = linear.weights.coefficients, linear.weights.intercepts
    if not len(count.columns) == len(weights) == len(coefficients) or not all(map(math.isfinite, coefficients)):
        return None
    if not weights or not min(map(abs, weights)) > _LEAST or not max(map(abs, weights)) < _MOST:
        return None
    parts = map(complex, map(mul, weights, coefficients), map(mul, weights, weights))
    return TermSums(
        count.analyze,
        dict(zip(count.columns, parts, strict=True)),
        intercept,
        scaled=norm == "l2",
        binary=count.binary,
        logarithmic=logarithmic,
    )


def _flat(steps: Sequence[Step]) -> list[Step]:
    return [inner for step in steps for inner in (_flat(step.steps) if isinstance(step, Chain) else [step])]
