"""The notification that an ingest ended: its summary, cut to what an event holds."""

import json
from dataclasses import replace
from typing import Any

import pytest

from hundredfold.accounting.notification import MOST_BYTES, notification_of
from hundredfold.summary import Notification, Reported, Status, Summary

SUMMARY = Summary("i1", Status.COMPLETED, 10, 9, 1, 0, 1, 0, 2.5, "t0", "7", "s3://b/k", {"not_json": 1}, {})


def notification(summary: Summary, reported: Reported | None = None) -> Notification:
    sent = notification_of(summary, reported)
    assert sent is not None
    return sent


def test_a_notification_says_how_the_ingest_ended() -> None:
    completed = notification(SUMMARY)
    failed = notification(replace(SUMMARY, status=Status.FAILED, cause="why"))

    assert (completed.kind, failed.kind) == ("IngestCompleted", "IngestFailed")
    assert json.loads(completed.detail) == json.loads(json.dumps(SUMMARY.as_dict()))
    assert json.loads(failed.detail)["cause"] == "why"


def test_a_summary_that_is_too_long_names_what_is_left_out() -> None:
    long = replace(SUMMARY, failures={"é" * 200_000: 3}, cause="short")
    longer = replace(long, cause="é" * 200_000)

    detail, shorter_detail = (json.loads(notification(summary).detail) for summary in (long, longer))

    assert (detail["failures"], detail["cause"], detail["left_out"]) == (None, "short", ["failures"])
    assert (shorter_detail["cause"], shorter_detail["left_out"]) == (None, ["failures", "cause"])
    for summary in (long, longer):
        assert len(notification(summary).detail.encode()) <= MOST_BYTES


def reported(**changes: Any) -> Reported:
    return Reported.of({**SUMMARY.as_dict(), **changes})


def test_an_ingest_that_had_failed_is_announced_as_completed_once_it_is() -> None:
    before = reported(status="FAILED", predicted=5, failed=4)

    assert notification(SUMMARY, before).kind == "IngestCompleted"
    assert notification(replace(SUMMARY, status=Status.FAILED), before).kind == "IngestFailed"


def test_a_completed_ingest_that_a_resume_changes_is_corrected_and_says_what_it_was() -> None:
    sent = notification(replace(SUMMARY, predicted=10, rejected=0, reasons={}, seconds=9.0, usd=1.0), reported())

    assert sent.kind == "IngestCorrected"
    detail = json.loads(sent.detail)
    assert (detail["predicted"], detail["before"]["predicted"]) == (10, 9)
    assert detail["before"]["reasons"] == {"not_json": 1}


@pytest.mark.parametrize("status", [Status.COMPLETED, Status.FAILED])
def test_an_ingest_that_was_once_completed_is_only_corrected_afterwards(status: Status) -> None:
    failed_since = Reported.of({**SUMMARY.as_dict(), "status": "FAILED", "predicted": 1}, completed=True)

    assert notification(replace(SUMMARY, status=status), failed_since).kind == "IngestCorrected"


def test_nothing_is_announced_if_only_seconds_and_cost_have_changed() -> None:
    assert notification_of(replace(SUMMARY, seconds=5.0, usd=0.1), reported()) is None
