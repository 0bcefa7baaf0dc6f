"""Checking one batch: every line has one outcome, in the ledger, the predictions and the rejections alike."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from hundredfold.batches import Batch, BatchFailure, BatchOutcome
from hundredfold_cli.ingests.verification.answers import AnswerShape, PredictionShape
from hundredfold_cli.ingests.verification.batch_check import BatchCheck, BatchResult, ReadBatch
from hundredfold_cli.ingests.verification.findings import Verification
from hundredfold_cli.ingests.verification.judge import Judgement
from hundredfold_cli.ingests.verification.pinned_lines import PinnedLine
from hundredfold_cli.ingests.verification.shapes import LedgerEntry, RejectionShape

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SHAPE = PredictionShape(AnswerShape(number=False, classes=("good", "bad"), scored=True), {}, frozenset({"7"}), NOW, NOW)
GOOD: dict[str, Any] = {
    "label": "good", "score": 0.75, "model_version": "7", "predicted_at": NOW.isoformat(), "batch": 3,
}  # fmt: skip


def line(number: int, record_id: str | None, reason: str | None = None) -> Judgement:
    return Judgement(PinnedLine(number, b"{}", 2, 3 * number, 3 * number + 3), record_id, reason)


def rejection(number: int, reason: str, record_id: str | None = None, offset: int | None = None) -> RejectionShape:
    place = 3 * number if offset is None else offset
    return RejectionShape("i1", 3, number, place, reason, "because", record_id)


def done(records: int, predicted: int, **reasons: int) -> LedgerEntry:
    outcome = BatchOutcome(3, records, predicted, records - predicted, reasons)
    return LedgerEntry(outcome, records, NOW.isoformat())


def check(
    lines: Sequence[Judgement] | None,
    entry: LedgerEntry | None,
    predictions: Mapping[str, dict[str, Any]],
    rejections: Sequence[RejectionShape] = (),
    records: int = 0,
) -> tuple[Verification, BatchResult]:
    verification = Verification()
    batch = Batch(3, 3, 0, 300, records or len(lines or ()), 1)
    by_line = {rejection.line: rejection for rejection in rejections}
    read = ReadBatch(batch, lines, entry, by_line, predictions, None, None, SHAPE, writes_back=False)
    return verification, BatchCheck(verification).check(read)


def counts(verification: Verification) -> dict[str, int]:
    names = ("records", "predicted", "rejected", "failed", "missing", "doubled")
    return {name: count for name in names if (count := getattr(verification, name))}


def problems(verification: Verification) -> list[str]:
    return [f"{problem.store}: {problem.what}" for problem in verification.problems]


def test_every_line_with_one_outcome_agrees() -> None:
    lines = [line(1, "a"), line(2, None, "not_json"), line(3, "b")]

    verification, result = check(lines, done(3, 2, not_json=1), {"a": GOOD, "b": GOOD}, [rejection(2, "not_json")])

    assert problems(verification) == []
    assert counts(verification) == {"records": 3, "predicted": 2, "rejected": 1}
    assert set(result.ids) == {"a", "b"}


@pytest.mark.parametrize("entry", [None, LedgerEntry(BatchFailure(3, "E", "c"), 2)], ids=["no entry", "failed"])
def test_the_records_of_a_batch_that_is_not_done_have_failed(entry: LedgerEntry | None) -> None:
    verification, result = check([line(1, "a"), line(2, "b")], entry, {"a": GOOD})

    assert problems(verification) == []
    assert counts(verification) == {"records": 2, "failed": 2}
    assert result.predicted == 0


def test_a_line_without_an_outcome_is_missing() -> None:
    verification, _ = check([line(7, "a"), line(8, "b")], done(2, 2), {"a": GOOD})

    assert problems(verification) == ["predictions: batch 3: line 8 has no outcome"]
    assert counts(verification) == {"records": 2, "predicted": 1, "missing": 1}


def test_a_prediction_of_another_batch_is_noted_for_it_to_answer() -> None:
    verification, result = check([line(1, "a")], done(1, 1), {"a": {**GOOD, "batch": 5}})

    assert counts(verification) == {"records": 1}
    [taken] = result.taken
    assert (taken.line, taken.record_id, taken.by, taken.batch, taken.overwritten) == (1, "a", 3, 5, True)


def test_an_id_is_predicted_for_the_first_line_that_can_be() -> None:
    lines = [line(1, "a", "empty_text"), line(2, "a"), line(3, "a")]
    rejections = [rejection(1, "empty_text", "a"), rejection(3, "duplicate_id", "a")]

    verification, _ = check(lines, done(3, 1, empty_text=1, duplicate_id=1), {"a": GOOD}, rejections)

    assert problems(verification) == []


@pytest.mark.parametrize("reason", ["not_predictable", "not_storable"])
def test_a_duplicate_is_predicted_if_the_model_refused_the_first(reason: str) -> None:
    entry = done(2, 1, **{reason: 1})

    verification, result = check([line(1, "a"), line(2, "a")], entry, {"a": GOOD}, [rejection(1, reason, "a")])

    assert problems(verification) == []
    assert [(again.line.number, prediction) for again, prediction in result.to_predict_again] == [(1, None), (2, GOOD)]


def test_a_line_that_is_rejected_and_predicted_is_doubled() -> None:
    verification, _ = check(
        [line(1, "a", "empty_text")], done(1, 0, empty_text=1), {"a": GOOD}, [rejection(1, "empty_text", "a")]
    )

    assert problems(verification) == ["predictions: batch 3: line 1 is rejected and predicted"]
    assert counts(verification) == {"records": 1, "doubled": 1}


def test_a_line_that_can_be_scored_must_not_be_rejected() -> None:
    verification, _ = check([line(1, "a")], done(1, 0, empty_text=1), {}, [rejection(1, "empty_text", "a")])

    assert problems(verification) == [
        "rejections: batch 3: line 1 is rejected as empty_text, and can be scored",
        "ledger: batch 3: predicted is 0, and should be 1",
        "ledger: batch 3: rejected is 1, and should be 0",
        "ledger: batch 3: reasons is {'empty_text': 1}, and should be {}",
    ]


def test_a_line_that_cannot_be_scored_must_not_be_predicted() -> None:
    verification, _ = check([line(1, "a", "empty_text")], done(1, 0, empty_text=1), {"a": GOOD})

    assert problems(verification) == ["predictions: batch 3: line 1 is predicted, and must be rejected as empty_text"]


def test_a_rejection_says_what_the_line_says() -> None:
    wrong = rejection(1, "wrong_type", "b", offset=9)

    verification, _ = check([line(1, "a", "empty_text")], done(1, 0, empty_text=1), {}, [wrong])

    assert problems(verification) == [
        "rejections: batch 3: the rejection of line 1: its reason is 'wrong_type', and should be 'empty_text'",
        "rejections: batch 3: the rejection of line 1: its offset is 9, and should be 3",
    ]


def test_a_rejection_of_no_line_is_extra() -> None:
    verification, _ = check([line(1, "a")], done(1, 1), {"a": GOOD}, [rejection(9, "not_json")])

    assert verification.extra == 1
    assert problems(verification) == ["rejections: batch 3 rejects line 9, which is none of its records"]


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"label": "mixed"}, "its label is none of the model's classes"),
        ({"label": 1.0}, "its label is none of the model's classes"),
        ({"score": 1.5}, "its score is no probability"),
        ({"score": "0.9"}, "its score is no probability"),
        ({"model_version": "8"}, "its model version is '8'"),
        ({"predicted_at": "soon"}, "its predicted_at is no time within the ingest"),
        ({"predicted_at": "2025-11-24T00:00:00+00:00"}, "its predicted_at is no time within the ingest"),
        ({"predicted_at": "2026-11-24T00:00:00"}, "its predicted_at is no time within the ingest"),
        ({"value": 1.0}, "it has label and score and value, and should have label and score"),
    ],
)
def test_a_prediction_that_is_malformed_is_a_problem(changed: dict[str, Any], fault: str) -> None:
    verification, result = check([line(1, "a")], done(1, 1), {"a": {**GOOD, **changed}})

    assert problems(verification) == [f"predictions: batch 3: the prediction of line 1 is malformed: {fault}"]
    assert result.to_predict_again == []


def test_without_its_source_a_batch_is_counted_as_the_ledger_has_it() -> None:
    verification, result = check(
        None, done(100, 98, not_json=2), {}, [rejection(2, "not_json"), rejection(5, "not_json")], records=100
    )

    assert problems(verification) == []
    assert counts(verification) == {"records": 100, "predicted": 98, "rejected": 2}
    assert result.predicted == 98


def test_without_its_source_rejections_must_still_be_as_many_and_within_the_batch() -> None:
    verification, _ = check(None, done(100, 98, not_json=2), {}, [rejection(200, "not_json")], records=100)

    assert problems(verification) == [
        "ledger: batch 3: rejected is 2, and should be 1",
        "ledger: batch 3: reasons is {'not_json': 2}, and should be {'not_json': 1}",
        "rejections: batch 3: line 200 is not within the batch",
    ]
