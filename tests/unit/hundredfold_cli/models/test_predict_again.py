"""Which records are predicted again."""

import random
from collections import Counter

import pytest

from hundredfold_cli.commands.verify import _sample_size
from hundredfold_cli.errors import OptionError
from hundredfold_cli.ingests.verification.judge import Judgement
from hundredfold_cli.ingests.verification.pinned_lines import PinnedLine
from hundredfold_cli.ingests.verification.verify import Answered
from hundredfold_cli.models.predict_again import Sample


def answered(number: int) -> Answered:
    return Judgement(PinnedLine(number, b"{}", 2), f"r-{number}", None), None


def test_all_records_are_kept_if_no_number_is_set() -> None:
    sample = Sample(None)

    for number in range(500):
        sample.offer(answered(number))

    assert [judgement.line.number for judgement, _ in sample.kept] == list(range(500))


def test_each_record_has_the_same_chance() -> None:
    counts: Counter[int] = Counter()
    for seed in range(400):
        sample = Sample(10, chance=random.Random(seed))
        for number in range(100):
            sample.offer(answered(number))
        assert len(sample.kept) == 10
        assert sample.offered == 100
        counts.update(judgement.line.number for judgement, _ in sample.kept)

    # Each is expected 40 times, with a standard deviation of 6.
    assert len(counts) == 100
    assert all(10 <= count <= 70 for count in counts.values())


@pytest.mark.parametrize(("text", "size"), [("all", None), ("1", 1), ("1000", 1_000)])
def test_a_sample_is_a_number_or_all(text: str, size: int | None) -> None:
    assert _sample_size(text) == size


@pytest.mark.parametrize("text", ["0", "-1", "5%", "", "many"])
def test_any_other_sample_is_refused(text: str) -> None:
    with pytest.raises(OptionError, match="write a number, or all"):
        _sample_size(text)
