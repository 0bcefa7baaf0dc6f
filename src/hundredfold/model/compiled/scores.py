"""Scores of decisions: the functions that make probabilities of them."""

import math
from collections.abc import Sequence

MOST_OVER_ONE = 1e-5


def logistic(number: float) -> float:
    """Return 1 / (1 + exp(-number)). It does not overflow."""
    if number >= 0:
        return 1.0 / (1.0 + math.exp(-number))
    power = math.exp(number)
    return power / (1.0 + power) if power == power else number


def softmax(numbers: Sequence[float]) -> list[float]:
    """Return the share of each exp(number) in their sum. NaN for all if the largest is not finite."""
    most = max(numbers)
    powers = [math.exp(number - most) for number in numbers]
    total = math.fsum(powers)
    return [power / total for power in powers]


def shares(numbers: Sequence[float]) -> list[float]:
    """Return the share of each number in their sum, or equal shares if the sum is 0."""
    total = math.fsum(numbers)
    return [number / total for number in numbers] if total else [1.0 / len(numbers)] * len(numbers)
