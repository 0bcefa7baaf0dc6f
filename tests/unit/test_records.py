"""Records, their reasons, and the totals and summary of an ingest."""

import json
import random
from pathlib import Path

import pytest

from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.records import Reason, Rejection
from hundredfold.runtime.metric_names import rejected_for
from hundredfold.summary import Status, Summary, Totals

ROOT = Path(__file__).parents[2]

DONE = BatchOutcome(batch=0, records=5, predicted=3, rejected=2, reasons={"not_json": 1, "empty_text": 1})
ALSO_DONE = BatchOutcome(batch=2, records=4, predicted=1, rejected=3, reasons={"empty_text": 3})
FAILED = BatchFailure(batch=3, error="OutOfTimeError", cause="{}")
ALSO_FAILED = BatchFailure(batch=1, error="StoreBusyError", cause="{}")


def test_no_entries_add_up_to_zero() -> None:
    assert Totals.sum([]) == Totals(batches_done=0, predicted=0, rejected=0, reasons={}, failures=())


def test_outcomes_are_added_up_and_failures_are_in_the_order_of_their_batches() -> None:
    totals = Totals.sum([DONE, FAILED, ALSO_DONE, ALSO_FAILED])

    assert totals.batches_done == 2
    assert totals.predicted == 4
    assert totals.rejected == 5
    assert list(totals.reasons.items()) == [("empty_text", 4), ("not_json", 1)]
    assert totals.failures == (ALSO_FAILED, FAILED)


def test_the_order_of_ledger_entries_does_not_matter() -> None:
    entries: list[BatchOutcome | BatchFailure] = [DONE, FAILED, ALSO_DONE, ALSO_FAILED]
    for seed in range(10):
        assert Totals.sum(random.Random(seed).sample(entries, 4)) == Totals.sum(entries)


def test_a_rejection_is_written_as_json_with_its_reason_as_a_word() -> None:
    rejection = Rejection(line=3, offset=120, reason=Reason.EMPTY_TEXT, detail="its field 'text' is empty")

    assert json.loads(json.dumps(rejection.as_dict())) == {
        "line": 3,
        "offset": 120,
        "reason": "empty_text",
        "detail": "its field 'text' is empty",
        "record_id": None,
    }


def test_a_summary_is_written_as_json_with_its_status_as_a_word() -> None:
    summary = Summary(
        ingest_id="i1",
        status=Status.COMPLETED,
        records=3,
        predicted=2,
        rejected=1,
        failed=0,
        batches=1,
        batches_failed=0,
        seconds=1.5,
        started_at="2026-11-24T10:00:00Z",
        model_version="7",
        source="s3://records/reviews.jsonl",
        reasons={"not_json": 1},
        failures={},
    )

    written = json.loads(json.dumps(summary.as_dict()))

    assert written["status"] == "COMPLETED"
    assert written["reasons"] == {"not_json": 1}
    assert (written["cause"], written["drift"], written["usd"]) == (None, None, None)
    assert (written["written_back"], written["outdated"]) == (0, 0)
    assert written["skipped_objects"] == 0
    assert len(written) == 23


def test_reasons_are_stored_as_these_words() -> None:
    assert {reason.value for reason in Reason} == {
        "not_json",
        "not_an_object",
        "missing_id",
        "invalid_id",
        "missing_field",
        "wrong_type",
        "empty_text",
        "duplicate_id",
        "too_large",
        "unreadable_row",
        "not_predictable",
        "not_storable",
    }


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_on_the_dashboard_and_in_the_docs(reason: Reason) -> None:
    dashboard = (ROOT / "infra/dashboards/business.json").read_text()
    page = (ROOT / "docs/results.md").read_text()

    assert f'"{rejected_for(reason)}"' in dashboard
    assert f"`{reason}`" in page
