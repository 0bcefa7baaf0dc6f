"""The notification that an ingest ended: its summary, cut to what an event holds."""

import json
from dataclasses import replace

from hundredfold.accounting.notification import MOST_BYTES, notification_of
from hundredfold.summary import Status, Summary

SUMMARY = Summary("i1", Status.COMPLETED, 10, 9, 1, 0, 1, 0, 2.5, "t0", "7", "s3://b/k", {"not_json": 1}, {})


def test_a_notification_says_how_the_ingest_ended() -> None:
    completed = notification_of(SUMMARY)
    failed = notification_of(replace(SUMMARY, status=Status.FAILED, cause="why"))

    assert (completed.kind, failed.kind) == ("IngestCompleted", "IngestFailed")
    assert json.loads(completed.detail) == SUMMARY.as_dict()
    assert json.loads(failed.detail)["cause"] == "why"


def test_a_summary_that_is_too_long_names_what_is_left_out() -> None:
    long = replace(SUMMARY, failures={"é" * 200_000: 3}, cause="short")
    longer = replace(long, cause="é" * 200_000)

    detail, shorter_detail = (json.loads(notification_of(summary).detail) for summary in (long, longer))

    assert (detail["failures"], detail["cause"], detail["left_out"]) == (None, "short", ["failures"])
    assert (shorter_detail["cause"], shorter_detail["left_out"]) == (None, ["failures", "cause"])
    for summary in (long, longer):
        assert len(notification_of(summary).detail.encode()) <= MOST_BYTES
