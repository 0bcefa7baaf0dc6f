"""Recounting an ingest: what is read back becomes counts that cannot lie."""

from typing import Any

import pytest

from hundredfold.batches import Batch
from hundredfold.inference.decode import Line
from hundredfold_cli.ingests.outcomes import BatchRead
from hundredfold_cli.ingests.verification import verify


def batch(
    number: int, first_line: int, ids: list[str | None], predicted: dict[str, int], rejected: set[int]
) -> BatchRead:
    """Make a batch of lines with these ids; `predicted` says which batch the prediction of an id is of."""
    lines = [Line(first_line + place, b"{}", record_id) for place, record_id in enumerate(ids)]
    predictions: dict[str, dict[str, Any]] = {record_id: {"batch": number} for record_id, number in predicted.items()}
    return BatchRead(
        Batch(number, number % 8, 0, 1, len(ids), first_line), lines, predictions, {line: {} for line in rejected}
    )


def summary(records: int, predicted: int, rejected: int = 0, failed: int = 0) -> dict[str, Any]:
    return {"records": records, "predicted": predicted, "rejected": rejected, "failed": failed}


def test_every_record_with_one_outcome_agrees() -> None:
    reads = [batch(0, 1, ["a", None, "b"], {"a": 0, "b": 0}, {2}), batch(1, 4, ["c"], {"c": 1}, set())]

    recount = verify(reads, {0, 1}, summary(4, 3, 1))

    assert recount.ok
    assert (recount.records, recount.predicted, recount.rejected, recount.failed, recount.missing, recount.doubled) == (
        4, 3, 1, 0, 0, 0,
    )  # fmt: skip


def test_the_records_of_a_batch_that_is_not_done_have_failed_even_if_some_are_stored() -> None:
    reads = [batch(0, 1, ["a", "b"], {"a": 0}, set()), batch(1, 3, ["c"], {"c": 1}, set())]

    recount = verify(reads, {1}, summary(3, 1, 0, 2))

    assert recount.ok
    assert recount.failed == 2


def test_a_record_without_outcome_is_missing_and_shown() -> None:
    recount = verify([batch(0, 7, ["a", "b"], {"a": 0}, set())], {0}, summary(2, 2))

    assert not recount.ok
    assert recount.missing == 1
    assert recount.examples == ["line 8 has no outcome"]
    assert recount.disagreements == ["the summary has 2 predicted, recounted 1"]


def test_an_id_in_two_batches_is_doubled_however_the_summary_counted_it() -> None:
    reads = [batch(0, 1, ["a"], {"a": 1}, set()), batch(1, 2, ["a"], {"a": 1}, set())]

    recount = verify(reads, {0, 1}, summary(2, 2))

    assert not recount.ok
    assert (recount.predicted, recount.doubled, recount.missing) == (1, 1, 0)
    assert recount.examples == ["line 1 has an id that batch 1 has too"]


def test_a_duplicate_within_a_batch_is_rejected_once_and_predicted_once() -> None:
    recount = verify([batch(0, 1, ["a", "a"], {"a": 0}, {2})], {0}, summary(2, 1, 1))

    assert recount.ok


def test_a_rejected_record_that_has_a_prediction_is_doubled() -> None:
    recount = verify([batch(0, 1, ["a"], {"a": 0}, {1})], {0}, summary(1, 0, 1))

    assert not recount.ok
    assert recount.doubled == 1
    assert recount.examples == ["line 1 is rejected and predicted"]


@pytest.mark.parametrize("name", ["records", "predicted", "rejected", "failed"])
def test_a_summary_that_says_otherwise_disagrees(name: str) -> None:
    wrong = summary(1, 1) | {name: 7}

    recount = verify([batch(0, 1, ["a"], {"a": 0}, set())], {0}, wrong)

    assert not recount.ok
    assert any(f"has 7 {name}" in problem for problem in recount.disagreements)


def test_only_a_few_examples_are_kept() -> None:
    recount = verify([batch(0, 1, [f"r{number}" for number in range(50)], {}, set())], {0}, summary(50, 0))

    assert recount.missing == 50
    assert len(recount.examples) == 20
