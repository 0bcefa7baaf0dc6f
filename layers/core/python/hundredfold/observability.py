"""The one logger and the one set of metrics, and the name of every metric that is emitted.

Every distinct combination of a metric's name and dimension values is a metric that CloudWatch charges for, so the
only dimensions are the service and the function; ids go into metadata, where they can be searched for free.
"""

from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from hundredfold.outcomes import BatchOutcome, Summary

if TYPE_CHECKING:
    from hundredfold.ingest import Plan

NAMESPACE = "Hundredfold"
SERVICE = "batch-inference"

logger = Logger(service=SERVICE)
metrics = Metrics(namespace=NAMESPACE, service=SERVICE)


def observe_plan(plan: "Plan") -> None:
    """Log and count what was planned."""
    metrics.add_metadata("ingest_id", plan.ingest_id)
    metrics.add_metric("RecordsPlanned", MetricUnit.Count, plan.records)
    metrics.add_metric("BatchesPlanned", MetricUnit.Count, plan.batches)
    logger.info(
        "planned",
        records=plan.records,
        batches=plan.batches,
        model_version=plan.model.version,
        source=str(plan.source.location),
    )


def observe_batch(ingest_id: str, outcome: BatchOutcome) -> None:
    """Log and count what became of a batch."""
    metrics.add_metadata("ingest_id", ingest_id)
    metrics.add_metadata("batch", outcome.batch)
    metrics.add_metric("RecordsPredicted", MetricUnit.Count, outcome.predicted)
    metrics.add_metric("RecordsRejected", MetricUnit.Count, outcome.rejected)
    for step, milliseconds in outcome.milliseconds.items():
        metrics.add_metric(f"{step.capitalize()}Duration", MetricUnit.Milliseconds, milliseconds)
    logger.info("inferred", predicted=outcome.predicted, rejected=outcome.rejected, milliseconds=outcome.milliseconds)


def observe_summary(summary: Summary) -> None:
    """Log and count what became of an ingest."""
    metrics.add_metadata("ingest_id", summary.ingest_id)
    metrics.add_metric(f"Ingests{summary.status.value.capitalize()}", MetricUnit.Count, 1)
    metrics.add_metric("RecordsFailed", MetricUnit.Count, summary.failed)
    metrics.add_metric("BatchesFailed", MetricUnit.Count, summary.batches_failed)
    metrics.add_metric("IngestDuration", MetricUnit.Seconds, summary.seconds)
    logger.info("summarized", **summary.as_dict())
