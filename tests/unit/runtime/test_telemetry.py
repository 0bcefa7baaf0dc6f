"""Metrics and log lines: names, units and dimensions. Only metrics of the list are sent."""

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hundredfold.batches import BatchOutcome, EarlierOutcome, InvocationStats
from hundredfold.inference.stream import StreamOutcome
from hundredfold.inference.stream_events import Place
from hundredfold.ingest import Model, Plan
from hundredfold.records import Reason
from hundredfold.runtime.metric_names import (
    ALL,
    COLD_START,
    Metric,
    ShadowMetric,
    StreamMetric,
    rejected_for,
    unit_of,
)
from hundredfold.runtime.telemetry import (
    failures_logged,
    log_ingest,
    logger,
    metrics,
    observe_batch,
    observe_notification,
    observe_plan,
    observe_stream,
    observe_summary,
)
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.summary import Reported, Status, Summary
from tests.unit.drifts import drift

PLAN = Plan(
    "i1",
    ObjectsSpec("records", "reviews.jsonl"),
    PinnedObject("records", "reviews.jsonl", "e1", 16),
    16,
    ObjectLocation("work", "m.json"),
    2,
    3,
    Model("arn:infer:7", "7"),
)
BATCH = BatchOutcome(
    batch=4,
    records=10,
    predicted=8,
    rejected=2,
    reasons={"not_json": 2},
    milliseconds={"read": 5, "decode": 1, "predict": 4, "write": 10},
    stats=InvocationStats("environment", 0, 1_500, 1_769, 8.0),
)
SUMMARY = Summary(
    "i1", Status.FAILED, 200, 150, 10, 40, 2, 1, 20.5, "t0", "7", "s3://b/k", {"not_json": 10}, {},
    cause="x", drift=drift(0.1, 0.2, 0.3, unseen_share=0.04), usd=0.05,
)  # fmt: skip

STREAMED = StreamOutcome(
    4, 2, 1, 1, failed=frozenset({Place("reviews", "shardId-000000000000", "49")}), reasons={"not_json": 2}
)


def test_the_first_line_of_an_invocation_names_the_ingest_and_is_short(capsys: pytest.CaptureFixture[str]) -> None:
    log_ingest("reviews-20261124-203000-1a2b", batch=499)

    line = capsys.readouterr().out
    assert line == '{"ingest_id":"reviews-20261124-203000-1a2b","batch":499}\n'


@pytest.fixture(autouse=True)
def _nothing_left_over() -> Iterator[None]:
    metrics.clear_metrics()
    yield
    metrics.clear_metrics()


def emitted() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(metrics.serialize_metric_set()))
    return document


def names(document: dict[str, Any]) -> set[str]:
    return {metric["Name"] for metric in document["_aws"]["CloudWatchMetrics"][0]["Metrics"]}


def test_a_batch_is_counted_and_timed_and_its_ids_are_no_dimensions() -> None:
    observe_batch("i1", BATCH, "7", 1_200.4)

    document = emitted()
    [directive] = document["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["service"]]
    assert (document["ingest_id"], document["batch"], document["model_version"]) == ("i1", 4, "7")
    assert {name: document[name] for name in names(document)} == {
        "RecordsPredicted": [8.0],
        "RecordsRejected": [2.0],
        "ReadDuration": [5.0],
        "DecodeDuration": [1.0],
        "PredictDuration": [4.0],
        "WriteDuration": [10.0],
        "BatchDuration": [20.0],
        "RecordsPerSecond": [500.0],  # 10 records in 20 ms
        "InitDuration": [1_500.0],
        "ModelLoadDuration": [1_200.0],
    }


def test_a_warm_batch_has_no_metric_of_a_start() -> None:
    warm = BatchOutcome(4, 10, 10, 0, milliseconds={"read": 1}, stats=InvocationStats("environment", 0))

    observe_batch("i1", warm, "7", 1_200.4)

    assert names(emitted()).isdisjoint({"InitDuration", "ModelLoadDuration"})


def test_a_streams_records_are_counted_and_its_name_is_no_dimension() -> None:
    observe_stream("reviews", STREAMED, "7")

    document = emitted()
    assert document["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    assert (document["stream"], document["model_version"]) == ("reviews", "7")
    assert {name: document[name] for name in names(document)} == {
        "StreamRecordsPredicted": [4.0],
        "StreamRecordsRejected": [2.0],
        "StreamRecordsSkipped": [2.0],  # one deleted, one without an image
        "StreamRecordsFailed": [1.0],
    }


def test_an_ingest_is_summed_up_with_every_reason_zeros_too() -> None:
    observe_summary(SUMMARY)

    document = emitted()
    expected = {
        "IngestsCompleted": 0, "IngestsFailed": 1, "IngestDuration": 20.5, "RecordsFailed": 40, "BatchesFailed": 1,
        "RejectedPercent": 5.0, "IngestCost": 0.05, "ModelVersion": 7, "Drift": 0.25, "LabelDrift": 0.1,
        "ScoreDrift": 0.2, "InputDrift": 0.3, "UnseenPercent": 4.0, "RejectedNotJson": 10, "RejectedNotAnObject": 0,
        "RejectedMissingId": 0, "RejectedInvalidId": 0, "RejectedMissingField": 0, "RejectedWrongType": 0,
        "RejectedEmptyText": 0, "RejectedDuplicateId": 0, "RejectedTooLarge": 0, "RejectedUnreadableRow": 0,
        "RejectedNotPredictable": 0,
        "RejectedNotStorable": 0,
    }  # fmt: skip
    assert {name: document[name][0] for name in names(document)} == expected


def sums_of(*documents: dict[str, Any]) -> dict[str, float]:
    summed = {"IngestsCompleted", "IngestsFailed", "IngestDuration", "IngestCost", "RecordsFailed", "BatchesFailed"}
    return {
        name: round(sum(document[name][0] for document in documents), 6)
        for name in summed | {"RejectedNotJson", "RejectedEmptyText"}
    }


def test_an_ingest_that_is_summed_up_again_reports_differences_so_that_sums_count_it_once() -> None:
    finished = replace(
        SUMMARY, status=Status.COMPLETED, predicted=195, rejected=5, failed=0, batches_failed=0, seconds=31.0, usd=0.08,
        reasons={"not_json": 3, "empty_text": 2}, cause=None,
    )  # fmt: skip
    observe_summary(SUMMARY)
    first = emitted()
    metrics.clear_metrics()

    observe_summary(finished, Reported.of(SUMMARY.as_dict()))

    second = emitted()
    assert (second["IngestDuration"], second["IngestCost"], second["RecordsFailed"]) == ([10.5], [0.03], [-40.0])
    assert (second["RejectedPercent"], second["Drift"]) == ([2.5], [0.25])
    metrics.clear_metrics()
    observe_summary(finished)
    assert sums_of(first, second) == sums_of(emitted())


def test_an_ingest_that_is_summed_up_again_without_a_change_adds_nothing() -> None:
    observe_summary(SUMMARY, Reported.of(SUMMARY.as_dict()))

    document = emitted()
    assert {document[name][0] for name in names(document)} == {0}
    assert names(document).isdisjoint({"RejectedPercent", "Drift", "ModelVersion"})


def test_a_batch_that_is_inferred_again_is_counted_by_its_difference() -> None:
    observe_batch("i1", replace(BATCH, earlier=EarlierOutcome(predicted=6, rejected=4)), "7")

    document = emitted()
    assert (document["RecordsPredicted"], document["RecordsRejected"]) == ([2.0], [-2.0])


def test_a_notification_that_was_not_sent_is_counted() -> None:
    observe_notification("AccessDeniedException")

    assert emitted()["EventsLost"] == [1]


def test_a_notification_that_was_sent_is_not_counted() -> None:
    observe_notification("")

    assert metrics.metric_set == {}


def test_what_is_not_known_is_not_emitted() -> None:
    empty = Summary("i1", Status.COMPLETED, 0, 0, 0, 0, 0, 0, 1.0, "t0", "", "", {}, {})

    observe_summary(empty)

    document = emitted()
    assert names(document).isdisjoint({"IngestCost", "ModelVersion", "Drift", "LabelDrift"})
    assert document["RejectedPercent"] == [0.0]


def test_everything_emitted_is_in_the_list_and_everything_in_the_list_is_emitted() -> None:
    emitted_names = set()
    observe_plan(PLAN)
    emitted_names |= names(emitted())
    observe_batch("i1", BATCH, "7", 1.0)
    emitted_names |= names(emitted())
    observe_summary(SUMMARY)
    emitted_names |= names(emitted())
    observe_stream("reviews", STREAMED, "7")
    emitted_names |= names(emitted())
    observe_notification("AccessDeniedException")
    emitted_names |= names(emitted())

    assert emitted_names | {COLD_START, *ShadowMetric} == ALL  # the command puts those of shadows


def test_units_are_those_that_cloudwatch_knows() -> None:
    assert {unit_of(metric) for metric in Metric} == {
        "Count", "Milliseconds", "Seconds", "Percent", "Count/Second", "None",
    }  # fmt: skip
    assert unit_of(Metric.INGEST_DURATION) == "Seconds"
    assert unit_of(Metric.PREDICT_DURATION) == "Milliseconds"
    assert {unit_of(metric) for metric in (*StreamMetric, *ShadowMetric)} == {"Count"}


def test_a_reasons_metric_is_named_after_it() -> None:
    assert rejected_for(Reason.NOT_AN_OBJECT) == "RejectedNotAnObject"
    assert rejected_for(Reason.TOO_LARGE) == "RejectedTooLarge"


def test_an_error_that_ends_a_call_is_logged_by_its_kind_alone() -> None:
    stream = io.StringIO()
    handler = logger.registered_handler
    was = handler.setStream(stream)  # type: ignore[attr-defined]
    try:
        with pytest.raises(ValueError, match="the record said"), failures_logged():
            raise ValueError("the record said: I hated it")
    finally:
        handler.setStream(was)  # type: ignore[attr-defined]

    line = json.loads(stream.getvalue())
    assert (line["level"], line["message"], line["error"]) == ("ERROR", "failed", "ValueError")
    assert "hated" not in stream.getvalue()
