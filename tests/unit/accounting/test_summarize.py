"""Summing up: records = predicted + rejected + failed, whatever the ledger has."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.accounting.summarize import group_failures, summarize
from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.failures import lambda_message
from hundredfold.ingest import Model, Plan
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.summary import ExecutionPart, Status, Summary

STARTED, FINISHED = "2026-11-24T10:00:00.250Z", "2026-11-24T10:00:21+00:00"

LAMBDA_CAUSE = json.dumps(
    {
        "errorMessage": "DynamoDB did not take predictions: ClientError",
        "errorType": "StoreBusyError",
        "requestId": "5e2d",
        "stackTrace": ["  File handler.py, line 50, in handler"],
    }
)
"""As Step Functions hands on what a Lambda function raised."""


def plan_of(records: int, batches: int) -> Plan:
    return Plan(
        ingest_id="i1",
        spec=ObjectsSpec("records", "reviews.jsonl"),
        pinned=PinnedObject("records", "reviews.jsonl", etag="e1", size=1000),
        source_bytes=1000,
        manifest=ObjectLocation("work", "ingests/i1/manifest.json"),
        batches=batches,
        records=records,
        model=Model("arn:infer:7", "7"),
    )


def summary_of(
    plan: Plan | None,
    entries: list[BatchOutcome | BatchFailure],
    failure: dict[str, Any] | None = None,
    tolerated_percentage: float = 0.0,
) -> Summary:
    return summarize("i1", STARTED, FINISHED, plan, entries, failure, tolerated_percentage=tolerated_percentage)


def done(batch: int, predicted: int, rejected: int = 0, **reasons: int) -> BatchOutcome:
    return BatchOutcome(batch, predicted + rejected, predicted, rejected, reasons, {"read": 3})


def test_an_ingest_whose_batches_are_all_done_is_completed() -> None:
    assert summary_of(plan_of(5, 2), [done(1, 1, 1, not_json=1), done(0, 3)]) == Summary(
        ingest_id="i1",
        status=Status.COMPLETED,
        records=5,
        predicted=4,
        rejected=1,
        failed=0,
        batches=2,
        batches_failed=0,
        seconds=20.75,
        started_at=STARTED,
        model_version="7",
        source="s3://records/reviews.jsonl",
        reasons={"not_json": 1},
        failures={},
        cause=None,
        began_at=STARTED,
        executions=(ExecutionPart("i1", STARTED, "7", seconds=20.75, batches=2),),
    )


def test_an_ingest_takes_no_negative_time_if_clocks_differ() -> None:
    summary = summarize("i1", STARTED, "2026-11-24T10:00:00+00:00", plan_of(0, 0), [], None)

    assert summary.seconds == 0.0


def test_an_ingest_without_records_is_completed() -> None:
    summary = summary_of(plan_of(0, 0), [])

    assert (summary.status, summary.records, summary.failed, summary.batches_failed) == (Status.COMPLETED, 0, 0, 0)


def test_tolerated_failures_are_counted_and_named() -> None:
    busy = BatchFailure(1, "StoreBusyError", LAMBDA_CAUSE)
    late = BatchFailure(2, "States.Timeout", "")

    entries: list[BatchOutcome | BatchFailure] = [
        done(0, 100), late, busy, BatchFailure(3, busy.error, busy.cause),
    ]  # fmt: skip
    summary = summary_of(plan_of(400, 4), entries, tolerated_percentage=75)

    assert (summary.status, summary.cause) == (Status.COMPLETED, None)
    assert (summary.predicted, summary.failed, summary.batches_failed) == (100, 300, 3)
    assert list(summary.failures.items()) == [
        ("StoreBusyError: DynamoDB did not take predictions: ClientError", 2),
        ("States.Timeout", 1),
    ]


@pytest.mark.parametrize(
    ("failed", "tolerated_percentage", "cause"),
    [
        (0, 0.0, None),
        (1, 0.0, "1 of 200 batches failed (batch 0), more than the 0 % that may"),
        (1, 0.5, None),
        (2, 0.5, "2 of 200 batches failed (batches 0 and 1), more than the 0.5 % that may"),
        (3, 1.25, "3 of 200 batches failed (batches 0, 1 and 2), more than the 1.25 % that may"),
        (200, 100.0, None),
        (
            11,
            5.0,
            "11 of 200 batches failed (batches 0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 1 more), more than the 5 % that may",
        ),
    ],
)
def test_an_ingest_fails_if_more_of_its_batches_failed_than_may(
    failed: int, tolerated_percentage: float, cause: str | None
) -> None:
    entries: list[BatchOutcome | BatchFailure] = [
        BatchFailure(batch, "Runtime.ExitError", "") if batch < failed else done(batch, 100) for batch in range(200)
    ]

    summary = summary_of(plan_of(20_000, 200), entries, tolerated_percentage=tolerated_percentage)

    assert summary.cause == cause
    assert summary.status is (Status.FAILED if cause else Status.COMPLETED)
    assert (summary.predicted, summary.failed, summary.batches_failed) == (20_000 - 100 * failed, 100 * failed, failed)


@pytest.mark.parametrize(
    ("rejected", "max_rejected_percent", "cause"),
    [
        (0, 0.0, None),
        (1, 0.0, "1 wrong_type: 1 of 400 records were rejected (0.25 %), more than the 0 % that may"),
        (20, 5.0, None),
        (21, 5.0, "21 wrong_type: 21 of 400 records were rejected (5.25 %), more than the 5 % that may"),
        (399, 100.0, None),
        (400, 100.0, "400 wrong_type: all 400 records were rejected"),
        (400, 5.0, "400 wrong_type: all 400 records were rejected"),
    ],
)
def test_an_ingest_fails_if_more_of_its_records_were_rejected_than_may(
    rejected: int, max_rejected_percent: float, cause: str | None
) -> None:
    plan = replace(plan_of(400, 1), max_rejected_percent=max_rejected_percent)

    summary = summary_of(plan, [done(0, 400 - rejected, rejected, **({"wrong_type": rejected} if rejected else {}))])

    assert (summary.status, summary.cause) == (Status.FAILED if cause else Status.COMPLETED, cause)
    assert (summary.predicted, summary.rejected, summary.failed) == (400 - rejected, rejected, 0)


def test_a_single_record_that_was_rejected_is_named_as_one() -> None:
    assert summary_of(plan_of(1, 1), [done(0, 0, 1, not_json=1)]).cause == "1 not_json: its only record was rejected"


def test_what_stopped_the_ingest_is_its_cause_even_if_all_batches_may_fail() -> None:
    failure = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "exceeded"}

    summary = summary_of(plan_of(100, 1), [BatchFailure(0, "E", "")], failure, tolerated_percentage=100)

    assert (summary.status, summary.cause) == (Status.FAILED, "States.ExceedToleratedFailureThreshold: exceeded")


def test_the_tolerance_is_not_for_batches_that_never_finished() -> None:
    summary = summary_of(plan_of(200, 2), [done(0, 100)], tolerated_percentage=100)

    assert (summary.status, summary.cause) == (Status.FAILED, "1 batches were never finished")


def test_batches_that_the_ledger_knows_nothing_of_never_finished() -> None:
    failure = {"Error": "States.ExceedToleratedFailureThreshold", "Cause": "The specified tolerated failure threshold"}

    summary = summary_of(plan_of(500, 5), [done(0, 100), BatchFailure(1, "Lambda.Unknown", "oom")], failure)

    assert summary.status is Status.FAILED
    assert (summary.failed, summary.batches_failed) == (400, 4)
    assert summary.failures == {"never finished": 3, "Lambda.Unknown: oom": 1}
    assert summary.cause == "States.ExceedToleratedFailureThreshold: The specified tolerated failure threshold"


def test_an_ingest_whose_planning_failed_says_why() -> None:
    cause = json.dumps({"errorMessage": "cannot read s3://records/x: there is no such object", "errorType": "S"})

    summary = summary_of(None, [], {"Error": "SourceMissingError", "Cause": cause})

    assert summary.status is Status.FAILED
    assert summary.cause == "SourceMissingError: cannot read s3://records/x: there is no such object"
    assert (summary.records, summary.batches, summary.batches_failed) == (0, 0, 0)
    assert (summary.model_version, summary.source) == ("", "")


def test_more_records_in_the_ledger_than_were_planned_fail_the_ingest() -> None:
    summary = summary_of(plan_of(3, 1), [done(0, 3), done(1, 1, 1, not_json=1)])

    assert summary.status is Status.FAILED
    assert summary.cause == "the ledger has 2 records more than were planned"
    assert (summary.failed, summary.batches_failed) == (0, 0)


@pytest.mark.parametrize(
    ("failure", "cause"),
    [
        (None, None),
        ({}, None),
        ({"Error": "States.Timeout"}, "States.Timeout"),
        ({"Error": "States.Timeout", "Cause": ""}, "States.Timeout"),
        ({"Cause": "no"}, "no"),
        ({"Error": "", "Cause": ""}, "unknown"),
        (
            {"Error": "StoreBusyError", "Cause": LAMBDA_CAUSE},
            "StoreBusyError: DynamoDB did not take predictions: ClientError",
        ),
    ],
)
def test_the_cause_is_what_a_person_can_read(failure: dict[str, Any] | None, cause: str | None) -> None:
    summary = summary_of(plan_of(0, 0), [], failure)

    assert summary.cause == cause
    assert summary.status is (Status.COMPLETED if cause is None else Status.FAILED)


@pytest.mark.parametrize("cause", ["", "no JSON", "7", "null", "[1]", '"text"', '{"more": 1}', "{"])
def test_a_cause_that_is_not_lambdas_is_taken_as_it_is(cause: str) -> None:
    assert lambda_message(cause) == cause


@given(
    batches=st.lists(
        st.tuples(st.integers(1, 100), st.sampled_from(["done", "failed", "absent"]), st.floats(0, 1)), max_size=40
    ),
    given_up=st.booleans(),
    tolerance=st.sampled_from([0, 10, 50, 100]),
    order=st.randoms(use_true_random=False),
)
def test_every_planned_record_is_predicted_rejected_or_failed(
    batches: list[tuple[int, str, float]], given_up: bool, tolerance: float, order: Any
) -> None:
    entries: list[BatchOutcome | BatchFailure] = []
    predicted = rejected = failed = 0
    for number, (records, state, share) in enumerate(batches):
        if state == "done":
            good = int(records * share)
            entries.append(done(number, good, records - good, not_json=records - good))
            predicted += good
            rejected += records - good
        else:
            failed += records
            if state == "failed":
                entries.append(BatchFailure(number, "OutOfTimeError", ""))
    order.shuffle(entries)
    planned = sum(records for records, _, _ in batches)

    failure = {"Error": "E", "Cause": "c"} if given_up else None
    summary = summary_of(plan_of(planned, len(batches)), entries, failure, tolerance)

    assert (summary.predicted, summary.rejected, summary.failed) == (predicted, rejected, failed)
    assert summary.records == summary.predicted + summary.rejected + summary.failed == planned
    states = [state for _, state, _ in batches]
    assert summary.batches_failed == states.count("failed") + states.count("absent")
    assert summary.failures.get("OutOfTimeError", 0) == states.count("failed")
    assert summary.failures.get("never finished", 0) == states.count("absent")
    assert sum(summary.failures.values()) == summary.batches_failed
    assert sum(summary.reasons.values()) == summary.rejected
    too_many = states.count("failed") * 100 > tolerance * len(states) or (rejected == planned > 0)
    assert summary.status is (Status.FAILED if given_up or "absent" in states or too_many else Status.COMPLETED)


def test_failed_batches_are_named_by_cause_the_most_frequent_first() -> None:
    entries: list[BatchOutcome | BatchFailure] = [
        BatchFailure(4, "OutOfTimeError", '{"errorMessage": "time was out"}'),
        BatchFailure(0, "Runtime.ExitError", "exited"),
        done(1, 3, 0),
        BatchFailure(2, "OutOfTimeError", '{"errorMessage": "time was out"}'),
    ]

    assert list(group_failures(entries, batches=8).items()) == [
        ("never finished", [3, 5, 6, 7]),
        ("OutOfTimeError: time was out", [2, 4]),
        ("Runtime.ExitError: exited", [0]),
    ]


def test_a_summary_stays_small_however_many_batches_failed_and_whatever_for() -> None:
    # Given 25 batches timed out, each under a request id of its own, and 5 for one reason of 40,000 characters
    entries: list[BatchOutcome | BatchFailure] = [
        BatchFailure(number, "Sandbox.Timedout", f"RequestId: {number}") for number in range(25)
    ]
    entries += [BatchFailure(number, "ValueError", "x" * 40_000) for number in range(25, 30)]

    summary = summary_of(plan_of(3_000, 30), entries, {"Error": "E", "Cause": "y" * 40_000})

    # Then the 20 most frequent are listed, the rest is counted together, and quotations are cut
    assert summary.failures["ValueError: " + "x" * 988 + "…"] == 5
    assert summary.failures["6 other causes"] == 6
    assert len(summary.failures) == 21
    assert sum(summary.failures.values()) == 30
    assert summary.cause == "E: " + "y" * 997 + "…"
