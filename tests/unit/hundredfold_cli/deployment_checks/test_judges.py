"""How each check judges what it has seen: what is as expected, and what differs."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hundredfold.accounting.usage import ASSUMED
from hundredfold.batches import BatchFailure, BatchOutcome, InvocationStats
from hundredfold.ingest import Plan
from hundredfold_cli.deployment_checks.ingests import EndedIngest
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.rows import (
    busy_stores,
    deploying,
    failed_batches,
    keys,
    log_streams,
    metrics,
    new_table,
    redrive,
    single_states,
    streams,
    times,
)
from hundredfold_cli.deployment_checks.rows.metrics import MetricName
from hundredfold_cli.deployment_checks.rows.streams import HARMLESS, Observation
from hundredfold_cli.deployment_checks.stage import Deployed
from hundredfold_cli.ingests.status import IngestStatus

BEGAN = datetime(2026, 11, 24, 12, tzinfo=UTC)


def ended(done: int, failures: Sequence[BatchFailure] = (), *, lost: int = 0, status: str = "") -> EndedIngest:
    """An ingest of batches with one record each, of which some failed and some records are in no count."""
    failed = len(failures)
    summary: dict[str, Any] = {
        "ingest_id": "check-1",
        "status": status or ("FAILED" if failed else "COMPLETED"),
        "records": done + failed + lost,
        "predicted": done,
        "rejected": 0,
        "failed": failed,
        "batches": done + failed,
    }
    plan: Plan | None = None
    outcomes = tuple(
        BatchOutcome(number, 1, 1, 0, stats=InvocationStats(f"environment-{number % 2}", 0)) for number in range(done)
    )
    return EndedIngest(
        IngestStatus(summary, plan, "check-1"), (*outcomes, *failures), BEGAN, BEGAN + timedelta(seconds=9)
    )


def failure(batch: int, error: str, cause: str = "why") -> BatchFailure:
    return BatchFailure(batch, error, cause)


# ---------------------------------------------------------------- deploying


def test_a_first_deployment_says_its_status_and_what_is_no_default() -> None:
    assert deploying.judge_defaults((Deployed("CREATE_COMPLETE"),)) == Answer(
        "CREATE_COMPLETE, all parameters are defaults", agrees=True
    )
    assert deploying.judge_defaults((Deployed("CREATE_COMPLETE", ("GroupsAtOnce",)),)).seen.endswith("GroupsAtOnce")
    assert not deploying.judge_defaults((Deployed("ROLLBACK_COMPLETE"),)).agrees


def test_a_deployment_after_a_removal_is_the_one_that_counts() -> None:
    again = (Deployed("CREATE_COMPLETE"), Deployed("CREATE_FAILED", after_removal=True))

    assert not deploying.judge_again(again).agrees
    assert deploying.judge_again((Deployed("CREATE_COMPLETE", after_removal=True),)).agrees
    with pytest.raises(CannotAskError):
        deploying.judge_again((Deployed("CREATE_COMPLETE"),))


# ---------------------------------------------------------------- batches that fail


def test_one_poisonous_batch_fails_alone() -> None:
    answer = failed_batches.judge_poison(ended(24, [failure(24, "Runtime.ExitError")]), 1)

    assert answer.agrees
    assert answer.seen.startswith("24 of 25 batches done, 1 failed; FAILED: 25 records, 24 predicted")


@pytest.mark.parametrize(
    "ingest",
    [
        ended(23, [failure(23, "Runtime.ExitError"), failure(24, "Runtime.ExitError")]),
        ended(25),
        ended(24, [failure(24, "Runtime.ExitError")], lost=1),
        ended(24, [failure(24, "Runtime.ExitError")], status="COMPLETED"),
    ],
    ids=["it took another one down", "it did not fail", "a record is lost", "the ingest does not say so"],
)
def test_a_poisonous_batch_that_does_more_or_less_differs(ingest: EndedIngest) -> None:
    assert not failed_batches.judge_poison(ingest, 1).agrees


def test_an_error_must_arrive_under_its_name() -> None:
    failures = [failure(3, "Runtime.ExitError", "exit status 1"), failure(4, "Lambda.Unknown")]

    assert failed_batches.judge_name(failures, 3, {"Runtime.ExitError"}) == Answer(
        "Runtime.ExitError: exit status 1", agrees=True
    )
    assert not failed_batches.judge_name(failures, 4, {"Sandbox.Timedout"}).agrees
    assert failed_batches.judge_name(failures, 5, {"Sandbox.Timedout"}).seen == "the batch did not fail"


# ---------------------------------------------------------------- busy stores


def test_a_busy_table_fails_a_batch_under_one_of_our_names() -> None:
    assert busy_stores.judge_store([failure(0, "OutOfTimeError")], 0).agrees
    assert not busy_stores.judge_store([failure(0, "OutOfTimeError"), failure(1, "Sandbox.Timedout")], 0).agrees
    assert busy_stores.judge_store([], 1) == Answer("no batch failed, 1 were done", agrees=False)


def test_a_throttled_call_must_have_a_name_that_is_retried() -> None:
    retried = {"DynamoDB.ThrottlingException"}

    assert busy_stores.judge_call("DynamoDB.ThrottlingException", retried).agrees
    assert busy_stores.judge_call("DynamoDB.AmazonDynamoDBException", retried) == Answer(
        "DynamoDB.AmazonDynamoDBException, which the Retry does not list", agrees=False
    )
    with pytest.raises(CannotAskError, match="none of 40 writes was throttled"):
        busy_stores.judge_call(None, retried)


def test_a_state_is_found_inside_maps_with_the_errors_that_it_retries() -> None:
    state = {"Type": "Task", "Retry": [{"ErrorEquals": ["A", "B"]}, {"ErrorEquals": ["C"]}]}
    definition = {
        "States": {"Map": {"ItemProcessor": {"States": {"Inner": {"ItemProcessor": {"States": {"X": state}}}}}}}
    }

    assert busy_stores.retried_names(busy_stores.find_state(definition, "X")) == {"A", "B", "C"}
    with pytest.raises(KeyError):
        busy_stores.find_state(definition, "Y")


# ---------------------------------------------------------------- times

REPORT = "REPORT RequestId: 1f\tDuration: {} ms\tBilled Duration: 90 ms\tMemory Size: 1769 MB\tMax Memory Used: 140 MB"
"""https://docs.aws.amazon.com/lambda/latest/dg/python-logging.html"""


def test_reports_of_cold_and_warm_calls_are_told_apart() -> None:
    lines = ["START RequestId: 1f", REPORT.format("88.50") + "\tInit Duration: 2711.20 ms\t", REPORT.format("41.25")]

    assert times.read_calls(lines) == times.Calls((2711.2,), (41.25,))


@pytest.mark.parametrize(
    ("inits", "agrees"),
    [([2_800.0], True), ([5_600.0], True), ([5_601.0], False), ([2_000.0, 2_000.0, 10_000.0], False)],
)
def test_a_start_may_take_twice_what_is_assumed_and_never_ten_seconds(inits: list[float], agrees: bool) -> None:
    assert times.judge_inits(inits, 2_800.0).agrees is agrees


def test_a_batch_may_take_twice_what_is_assumed() -> None:
    processor = ASSUMED.cpu_ms_a_batch + 100 * ASSUMED.cpu_ms_a_record
    assert times.assumed_batch_ms(100) == pytest.approx(processor + ASSUMED.wait_ms_a_batch + ASSUMED.wait_ms_a_call)
    assert times.judge_batches([50.0, 60.0, 900.0], 53.0).agrees
    assert not times.judge_batches([107.0], 53.0).agrees
    with pytest.raises(CannotAskError):
        times.judge_batches([], 53.0)


def test_the_dispatch_is_from_the_map_to_the_first_call() -> None:
    entered = times.map_entered([{"type": "ExecutionStarted"}, {"type": "MapRunStarted", "timestamp": BEGAN}])

    assert times.judge_dispatch(entered, BEGAN + timedelta(seconds=2), 1.05).agrees
    assert not times.judge_dispatch(entered, BEGAN + timedelta(seconds=2.2), 1.05).agrees
    with pytest.raises(CannotAskError):
        times.map_entered([{"type": "ExecutionStarted"}])


# ---------------------------------------------------------------- the table, metrics, logs


def test_a_new_table_may_throttle_and_must_lose_nothing() -> None:
    assert new_table.judge(ended(25), 400).seen.endswith("; 400 items throttled or handed back unprocessed")
    assert new_table.judge(ended(25), 400).agrees
    assert not new_table.judge(ended(25, lost=3), 0).agrees
    assert not new_table.judge(ended(24, [failure(24, "OutOfTimeError")]), 0).agrees


def named(name: str, namespace: str = "Hundredfold", service: str = "hundredfold-check") -> MetricName:
    return MetricName(namespace, name, (("service", service),))


def test_every_metric_must_arrive_under_the_dimensions_that_are_named() -> None:
    expected = {named("RecordsPlanned"), named("IngestsFailed")}

    assert metrics.judge(expected, [*expected, named("Other")]) == Answer("2 of 2 have arrived", agrees=True)
    answer = metrics.judge(expected, [named("RecordsPlanned"), named("IngestsFailed", service="another")])
    assert answer == Answer("1 of 2 have arrived; missing: IngestsFailed (hundredfold-check)", agrees=False)


def test_metrics_that_not_every_ingest_sends_are_not_waited_for() -> None:
    every = [named("RecordsPlanned"), named("RejectedNotJson"), named("ColdStart"), named("Errors", "AWS/Lambda")]
    some = [
        named("StreamRecordsFailed"),
        named("EventsLost"),
        named("Drift"),
        named("WriteThrottleEvents", "AWS/DynamoDB"),
    ]

    assert [metrics.comes_with_every_ingest(metric) for metric in every] == [True] * 4
    assert [metrics.comes_with_every_ingest(metric) for metric in some] == [False] * 4


def test_there_must_be_as_many_log_streams_as_environments() -> None:
    events = [
        {"logStreamName": "a", "message": '{"ingest_id":"check-1","batch":0}'},
        {"logStreamName": "a", "message": '{"ingest_id":"check-1","batch":2}'},
        {"logStreamName": "b", "message": '{"ingest_id":"check-1","batch":1}'},
        {"logStreamName": "c", "message": "REPORT RequestId: 3"},
    ]

    environments = log_streams.environments_of(ended(5).done)
    assert log_streams.judge(log_streams.streams_of(events, "check-1"), environments) == Answer(
        "2 environments by the ledger, 2 log streams", agrees=True
    )
    assert not log_streams.judge({"a"}, environments).agrees


# ---------------------------------------------------------------- doors


def test_a_key_must_be_read_through_every_door() -> None:
    assert keys.judge({"by its key": 1, "by its arrival": 1}).agrees
    assert keys.judge({"by its key": 1, "by its arrival": 0}) == Answer(
        "by its key: 1 of 1, by its arrival: 0 of 1", agrees=False
    )
    assert {" ", "+", "ü"} <= set(keys.DIFFICULT)


@pytest.mark.parametrize(
    ("seen", "agrees"),
    [
        (Observation("Enabled", HARMLESS, (1,)), True),
        (Observation("Enabled", HARMLESS), True),
        (Observation("Enabled", HARMLESS, (4,)), False),
        (Observation("Enabled", HARMLESS, ()), False),
        (Observation("Enabled", HARMLESS[:2], (1,)), False),
        (Observation("never enabled", HARMLESS, (1,)), False),
    ],
    ids=["all well", "no poison was sent", "not halved", "nothing in the queue", "one not scored", "not enabled"],
)
def test_a_stream_scores_the_harmless_and_gives_up_the_poison_alone(seen: Observation, agrees: bool) -> None:
    assert streams.judge(seen).agrees is agrees


@pytest.mark.parametrize("info", ["KinesisBatchInfo", "DDBStreamBatchInfo"])
def test_a_message_of_the_queue_says_how_many_records_it_is_about(info: str) -> None:
    body = f'{{"requestContext": {{"condition": "RetryAttemptsExhausted"}}, "{info}": {{"batchSize": 1}}}}'

    assert streams.records_given_up(body) == 1


def test_a_redrive_completes_what_was_stopped() -> None:
    stopped = ended(3, status="FAILED")

    assert redrive.judge(stopped, ended(redrive.BATCHES)).agrees
    assert not redrive.judge(stopped, ended(3, status="FAILED")).agrees


def test_a_run_of_the_suite_is_judged_by_its_end() -> None:
    assert single_states.judge("....\n==== 97 passed in 61.20s ====\n", 0) == Answer("97 passed in 61.20s", agrees=True)
    assert single_states.judge("F\n1 failed, 96 passed in 60s\n", 1) == Answer(
        "1 failed, 96 passed in 60s", agrees=False
    )
    assert single_states.judge("", 4) == Answer("it ended with 4", agrees=False)
