"""How far counts are from expected shares, and how far chance takes them. Expected figures are worked out by hand."""

import math
import random
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from hundredfold.model.stability import (
    chance_index,
    chi_squared_quantile,
    compare,
    jensen_shannon_distance,
    stability_index,
)


def test_the_index_is_summed_over_bins() -> None:
    # (0.25 - 0.5) x ln(0.25 / 0.5) + (0.75 - 0.5) x ln(0.75 / 0.5) = 0.17329 + 0.10137
    assert stability_index((0.5, 0.5), (25, 75)) == pytest.approx(0.27465, abs=1e-5)


def test_the_index_of_the_same_shares_is_zero() -> None:
    assert stability_index((0.2, 0.3, 0.5), (20, 30, 50)) == 0


def test_an_empty_bin_gives_a_finite_index() -> None:
    # (0.0001 - 0.5) x ln(0.0001 / 0.5) + (1 - 0.5) x ln(1 / 0.5) = 4.25775 + 0.34657
    assert stability_index((0.5, 0.5), (0, 10)) == pytest.approx(4.60432, abs=1e-4)


@given(st.lists(st.integers(0, 1_000), min_size=2, max_size=12).filter(any))
def test_index_and_distance_are_never_negative(counts: list[int]) -> None:
    shares = tuple(1 / len(counts) for _ in counts)

    assert stability_index(shares, counts) >= 0
    assert 0 <= jensen_shannon_distance(shares, counts) <= 1


def test_the_distance_of_what_has_no_bin_in_common_is_one() -> None:
    assert jensen_shannon_distance((1.0, 0.0), (0, 10)) == 1
    assert jensen_shannon_distance((0.5, 0.5), (5, 5)) == 0
    # The middle is (3/8, 5/8): (0.5 log2(4/3) + 0.5 log2(4/5) + 0.25 log2(2/3) + 0.75 log2(6/5)) / 2
    assert jensen_shannon_distance((0.5, 0.5), (25, 75)) == pytest.approx(math.sqrt(0.048795), abs=1e-4)


@pytest.mark.parametrize("confidence", [0.95, 0.99, 0.999, 0.9999])
@pytest.mark.parametrize("freedom", [1, 2, 3, 9, 50, 200])
def test_quantiles_are_those_of_the_chi_squared_distribution(confidence: float, freedom: int) -> None:
    assert chi_squared_quantile(confidence, freedom) == pytest.approx(chi2.ppf(confidence, freedom), rel=1e-6)


def test_chance_falls_with_the_records_of_ingest_and_baseline() -> None:
    assert chance_index(10, 442, 442, 0.999) == pytest.approx(27.88 * 2 / 442, rel=0.01)
    assert chance_index(10, 50_000, 20_000, 0.999) < 0.01 * chance_index(10, 442, 442, 0.999) * 16
    assert chance_index(1, 500, 500, 0.999) == 0


SHARES = {
    "tenths": [0.1] * 10,
    "skewed": [0.9, 0.05, 0.03, 0.02],
    "fifty categories, most of them rare": [1 / rank / sum(1 / r for r in range(1, 51)) for rank in range(1, 51)],
    "hardly ever": [0.9995, 0.0005],
}


@pytest.mark.parametrize("records", [200, 1_000])
@pytest.mark.parametrize("shares", SHARES.values(), ids=SHARES)
def test_without_drift_hardly_an_ingest_is_beyond_chance(shares: list[float], records: int) -> None:
    # Given ingests drawn from the baseline's own distribution
    draw = random.Random(20261124)
    cumulative = list(accumulate(shares))
    beyond = 0
    for _ in range(200):
        bins = draw.choices(range(len(shares)), cum_weights=cumulative, k=records)
        counts = [bins.count(bin_) for bin_ in range(len(shares))]
        beyond += compare(shares, counts, 1_000_000, 0.99).beyond_chance > 0

    # Then one in a hundred is beyond the bound of 99 %. More than 2.5 % of them are less likely than 1 in 20.
    assert beyond <= 5


def test_what_changes_is_beyond_chance_however_few_records_show_it() -> None:
    part = compare(SHARES["tenths"], (5, 5, 5, 5, 5, 5, 5, 5, 60, 100), 20_000, 0.99)

    assert part.beyond_chance > 0.5
    assert part.index > part.chance > 0


def test_at_442_records_an_index_of_a_tenth_is_chance() -> None:
    counts = (57, 30, 56, 33, 55, 32, 57, 31, 55, 36)

    part = compare(SHARES["tenths"], counts, 442, 0.999)

    assert 0.07 < part.index < part.chance
    assert part.beyond_chance == 0


def test_a_bin_that_the_baseline_does_not_have_counts_with_the_rare_ones() -> None:
    part = compare((0.5, 0.5, 0.0), (400, 400, 200), 10_000, 0.99)

    assert part.beyond_chance > 1
