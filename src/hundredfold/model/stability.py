"""How far counts in bins are from expected shares, and how far chance alone would take them."""

import math
from collections.abc import Sequence

from hundredfold.summary import Stability

SMALLEST_SHARE = 1e-4
"""An empty bin counts as this share, so that it does not give infinity."""

LEAST_EXPECTED = 20
"""Bins with fewer expected records are counted as one bin.

The bound of chance rests on the chi-squared distribution, which needs enough of them in each bin. Drawn ingests of 200
to 1,000 records, four shapes: with at least 5, up to 5 % are beyond the bound of 99 %; with 10, 2.5 %; with 20, 1.8 %.
"""


def compare(expected: Sequence[float], counts: Sequence[int], baseline_records: int, confidence: float) -> Stability:
    """Compare counts with expected shares.

    Parameters
    ----------
    expected : the share of the baseline's records in each bin
    baseline_records : how many records the expected shares were counted on
    counts : records in each bin; without any, nothing has drifted
    confidence : the share of ingests without drift whose index is under the bound of chance, 0 to 1
    """
    records = sum(counts)
    if not records:
        return Stability(0.0, 0.0, 0.0)
    shares, pooled = _pool(expected, counts)
    chance = chance_index(len(shares), records, baseline_records, confidence)
    distance = jensen_shannon_distance(expected, counts)
    return Stability(stability_index(shares, pooled), round(chance, 5), round(distance, 5))


def stability_index(expected: Sequence[float], counts: Sequence[int]) -> float:
    """Return the population stability index of counts against expected shares.

    It is the sum over bins of (actual - expected) x ln(actual / expected). By custom, under 0.1 means no change, and
    over 0.25 a large one. A share under 0.0001 counts as 0.0001. Source: Siddiqi, Credit Risk Scorecards (2006),
    chapter 9.
    """
    total = sum(counts)
    index = 0.0
    for share, count in zip(expected, counts, strict=True):
        baseline, actual = max(share, SMALLEST_SHARE), max(count / total, SMALLEST_SHARE)
        index += (actual - baseline) * math.log(actual / baseline)
    return round(index, 5)


def chance_index(bins: int, records: int, baseline_records: int, confidence: float) -> float:
    """Return the index that chance alone stays under, in this share of the ingests.

    Without drift, the index divided by (1 / records + 1 / baseline_records) has the chi-squared distribution with bins
    - 1 degrees of freedom. Source: B. Yurdakul and J. Naranjo, Statistical properties of the population stability
    index, Journal of Risk Model Validation 14 (2020).
    """
    if bins < 2:
        return 0.0
    return chi_squared_quantile(confidence, bins - 1) * (1 / records + 1 / baseline_records)


def chi_squared_quantile(confidence: float, freedom: int) -> float:
    """Return the value that the chi-squared distribution stays under with this probability."""
    low, high = 0.0, 1.0
    while chi_squared_tail(high, freedom) > 1 - confidence:
        low, high = high, 2 * high
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if chi_squared_tail(middle, freedom) > 1 - confidence else (low, middle)
    return high


def chi_squared_tail(value: float, freedom: int) -> float:
    """Return the probability of a larger value. For whole degrees of freedom the sum is exact.

    Source: M. Abramowitz and I. A. Stegun, Handbook of Mathematical Functions (1964), 26.4.4 and 26.4.5.
    """
    half = value / 2
    if half == 0:
        return 1.0
    first, tail = (0.5, math.erfc(math.sqrt(half))) if freedom % 2 else (0.0, 0.0)
    powers = (first + step for step in range(freedom // 2))
    return tail + sum(math.exp(power * math.log(half) - half - math.lgamma(power + 1)) for power in powers)


def jensen_shannon_distance(expected: Sequence[float], counts: Sequence[int]) -> float:
    """Return the distance between the two distributions: 0 if they are equal, 1 if they have no bin in common.

    It is the square root of the Jensen-Shannon divergence with logarithms of base 2. Source: J. Lin, Divergence
    measures based on the Shannon entropy, IEEE Transactions on Information Theory 37 (1991).
    """
    total = sum(counts)
    divergence = 0.0
    for share, count in zip(expected, counts, strict=True):
        actual = count / total
        middle = (share + actual) / 2
        divergence += sum(part * math.log2(part / middle) for part in (share, actual) if part) / 2
    return math.sqrt(max(divergence, 0.0))


def _pool(expected: Sequence[float], counts: Sequence[int]) -> tuple[list[float], list[int]]:
    """Count the bins with few expected records as one bin."""
    records = sum(counts)
    shares, pooled = [], []
    few_share, few_count, few = 0.0, 0, 0
    for share, count in zip(expected, counts, strict=True):
        if share * records < LEAST_EXPECTED:
            few_share, few_count, few = few_share + share, few_count + count, few + 1
        else:
            shares.append(share)
            pooled.append(count)
    return ([*shares, few_share], [*pooled, few_count]) if few else (shares, pooled)
