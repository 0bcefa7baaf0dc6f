"""Telemetry of the functions: one logger and one set of metrics. `metric_names` has the names of all metrics.

No record's content is logged or measured.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics

from hundredfold.batches import BatchOutcome
from hundredfold.records import Reason
from hundredfold.runtime.metric_names import NAMESPACE, Metric, StreamMetric, rejected_for, unit_of
from hundredfold.summary import Drift, Reported, Status, Summary

if TYPE_CHECKING:
    from hundredfold.inference.batch import BatchTask
    from hundredfold.inference.stream import StreamOutcome
    from hundredfold.ingest import PartitionedPlan, Plan

# Powertools reads the service from POWERTOOLS_SERVICE_NAME, which the template sets to the stack's name:
# https://docs.powertools.aws.dev/lambda/python/latest/environment_variables/
logger = Logger()
metrics = Metrics(namespace=NAMESPACE)


def log_ingest(ingest_id: str, **place: int) -> None:
    """Write which ingest an invocation is for, before it does anything else.

    Lambda bills an invocation that times out or is killed, and its REPORT line does not say what it was for. By this
    line `hundredfold cost` counts it. It is short, since every invocation has one: about 55 bytes, and 26 that
    CloudWatch Logs adds.

    Parameters
    ----------
    place : the number of the batch or partition, by that name
    """
    print(json.dumps({"ingest_id": ingest_id, **place}, separators=(",", ":")), flush=True)


def observe_plan(plan: "Plan") -> None:
    """Log and count a plan: its records and batches."""
    metrics.add_metadata("ingest_id", plan.ingest_id)
    _add(Metric.RECORDS_PLANNED, plan.records)
    _add(Metric.BATCHES_PLANNED, plan.batches)
    logger.info(
        "planned",
        records=plan.records,
        batches=plan.batches,
        model_version=plan.model.version,
        source=str(plan.spec),
    )


def observe_partitioned(plan: "PartitionedPlan") -> None:
    """Log that an ingest is to be planned in partitions."""
    logger.info("partitioned", partitions=plan.partitions, source=str(plan.spec), bytes=plan.source_bytes)


def observe_resumed(plan: "Plan") -> None:
    """Log what a resumed ingest has left to do."""
    logger.info("resumed", batches=plan.batches, records=plan.records, model_version=plan.model.version)


def batch_keys(task: "BatchTask", execution: str) -> dict[str, Any]:
    """Return the keys of every log line about a batch."""
    return {"ingest_id": task.ingest_id, "batch": task.batch.batch, "execution": execution}


def observe_batch(
    ingest_id: str, outcome: BatchOutcome, model_version: str = "", model_load_milliseconds: float = 0.0
) -> None:
    """Log and count the outcome of a batch.

    Parameters
    ----------
    model_load_milliseconds : how long the environment took to load the model; sent with its first batch only
    """
    metrics.add_metadata("ingest_id", ingest_id)
    metrics.add_metadata("batch", outcome.batch)
    metrics.add_metadata("model_version", model_version)
    # A batch that is inferred again was counted before. So its metrics carry the difference, which may be negative.
    _add(Metric.RECORDS_PREDICTED, outcome.predicted - outcome.earlier.predicted)
    _add(Metric.RECORDS_REJECTED, outcome.rejected - outcome.earlier.rejected)
    milliseconds = outcome.milliseconds
    total = sum(milliseconds.values())
    for metric, step in _STEPS.items():
        _add(metric, milliseconds.get(step, 0))
    _add(Metric.BATCH_DURATION, total)
    if total:
        _add(Metric.RECORDS_PER_SECOND, round(outcome.records / total * 1000, 1))
    if outcome.stats and outcome.stats.cold_start:
        _add(Metric.INIT_DURATION, outcome.stats.init_milliseconds)
        _add(Metric.MODEL_LOAD_DURATION, round(model_load_milliseconds))
    logger.info(
        "inferred",
        predicted=outcome.predicted,
        rejected=outcome.rejected,
        reasons=dict(outcome.reasons),
        milliseconds=dict(milliseconds),
        model_version=model_version,
    )


def observe_stream(stream: str, outcome: "StreamOutcome", model_version: str) -> None:
    """Log and count the outcomes of an event's records."""
    metrics.add_metadata("stream", stream)
    metrics.add_metadata("model_version", model_version)
    skipped = outcome.deleted + outcome.imageless
    _add(StreamMetric.RECORDS_PREDICTED, outcome.predicted)
    _add(StreamMetric.RECORDS_REJECTED, outcome.rejected)
    _add(StreamMetric.RECORDS_SKIPPED, skipped)
    _add(StreamMetric.RECORDS_FAILED, len(outcome.failed))
    logger.info(
        "inferred a stream's records",
        predicted=outcome.predicted,
        rejected=outcome.rejected,
        skipped=skipped,
        failed=len(outcome.failed),
        reasons=dict(outcome.reasons),
        model_version=model_version,
    )
    if outcome.imageless:
        logger.warning(
            "the stream shows no new images, so there is nothing to predict: "
            "let its view type be NEW_IMAGE or NEW_AND_OLD_IMAGES",
            records=outcome.imageless,
        )


@contextmanager
def failures_logged() -> Iterator[None]:
    """Log an error that ends an invocation, and raise it.

    The log line has only the error's kind, because a message or traceback may quote a record.
    """
    try:
        yield
    except Exception as error:
        logger.error("failed", error=type(error).__name__)  # noqa: TRY400 - without the traceback
        raise


def observe_summary(summary: Summary, reported: Reported | None = None) -> None:
    """Log and count the summary of an ingest.

    Parameters
    ----------
    reported : what metrics have said of the ingest before, if a resume sums it up again. Counts, seconds and cost are
        then differences, so that sums over any time are right. Percentages and indices are sent if they have changed.
    """
    metrics.add_metadata("ingest_id", summary.ingest_id)
    metrics.add_metadata("model_version", summary.model_version)
    before = reported or Reported("", 0, 0, 0, 0, 0, 0.0, {})
    _add(Metric.INGESTS_COMPLETED, int(summary.status == Status.COMPLETED) - int(before.status == Status.COMPLETED))
    _add(Metric.INGESTS_FAILED, int(summary.status == Status.FAILED) - int(before.status == Status.FAILED))
    _add(Metric.INGEST_DURATION, round(summary.seconds - before.seconds, 3))
    _add(Metric.RECORDS_FAILED, summary.failed - before.failed)
    _add(Metric.BATCHES_FAILED, summary.batches_failed - before.batches_failed)
    for reason in Reason:
        count = summary.reasons.get(reason.value, 0) - before.reasons.get(reason.value, 0)
        metrics.add_metric(rejected_for(reason), "Count", count)
    if summary.usd is not None:
        _add(Metric.INGEST_COST, round(summary.usd - (before.usd or 0.0), 6))
    levels = _levels(Reported.of(summary.as_dict()))
    if reported is None or levels != _levels(reported):
        for metric, value in levels.items():
            _add(metric, value)
    logger.info("summarized", **summary.as_dict())


def _levels(reported: Reported) -> dict[Metric, float]:
    """Return the metrics that say how an ingest is, and are not added up over ingests."""
    percent = round(100 * reported.rejected / reported.records, 4) if reported.records else 0.0
    levels: dict[Metric, float] = {Metric.REJECTED_PERCENT: percent}
    if reported.model_version.isdecimal():
        levels[Metric.MODEL_VERSION] = int(reported.model_version)
    if drift := Drift.from_dict(reported.drift):
        levels |= {
            Metric.DRIFT: drift.largest,
            Metric.LABEL_DRIFT: drift.labels.index,
            Metric.SCORE_DRIFT: drift.scores.index,
            Metric.INPUT_DRIFT: drift.inputs.index,
            Metric.UNSEEN_PERCENT: round(100 * drift.unseen_share, 3),
        }
    return levels


def observe_notification(why_not: str) -> None:
    """Log and count a notification that could not be sent.

    Parameters
    ----------
    why_not : why it was not sent; empty if it was, and then this does nothing

    Notes
    -----
    The ingest itself does not fail: its predictions are stored, and the ledger has its summary. An alarm on the metric
    says that listeners have missed an event.
    """
    if why_not:
        _add(Metric.EVENTS_LOST, 1)
        logger.error("notification not sent", error=why_not)


_STEPS = {
    Metric.READ_DURATION: "read",
    Metric.DECODE_DURATION: "decode",
    Metric.PREDICT_DURATION: "predict",
    Metric.WRITE_DURATION: "write",
}


def _add(metric: Metric | StreamMetric, value: float) -> None:
    metrics.add_metric(metric.value, unit_of(metric), value)
