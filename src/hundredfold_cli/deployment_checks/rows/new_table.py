"""The first ingest on a new table: what DynamoDB throttles must not be lost."""

from datetime import UTC, datetime, timedelta

from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.ingests import EndedIngest
from hundredfold_cli.deployment_checks.polling import until
from hundredfold_cli.deployment_checks.row import Answer
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.stack.deployment import Deployment

METRICS_SECONDS = 180
"""DynamoDB sends its metrics every minute, and some minutes late."""


def judge(ingest: EndedIngest, throttled: int | None) -> Answer:
    """Judge the first ingest.

    Parameters
    ----------
    throttled : writes that DynamoDB throttled meanwhile; None if nobody counts them here
    """
    agrees = ingest.summary["status"] == "COMPLETED" and ingest.summary["failed"] == 0 and ingest.adds_up
    counted = (
        "throttles are not counted here"
        if throttled is None
        else f"{throttled:,} items throttled or handed back unprocessed"
    )
    return Answer(f"{ingest.counts}; {counted}", agrees)


def throttled_writes(deployment: Deployment, began: datetime, ended: datetime) -> int | None:
    """Return how many predictions were throttled; None if DynamoDB has sent no metrics of the table.

    WriteThrottleEvents counts each item of a BatchWriteItem, so those that were handed back unprocessed too:
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html

    A table without throttles has no such metric. So that its metrics have come is seen by what it has consumed.
    """
    consumed = until(lambda: _total(deployment, "ConsumedWriteCapacityUnits", began, ended) or None, METRICS_SECONDS)
    if not consumed:
        return None
    return round(_total(deployment, "WriteThrottleEvents", began, ended))


def _total(deployment: Deployment, metric: str, began: datetime, ended: datetime) -> float:
    statistics = deployment.cloudwatch.get_metric_statistics(
        Namespace="AWS/DynamoDB",
        MetricName=metric,
        Dimensions=[{"Name": "TableName", "Value": deployment.predictions_table}],
        StartTime=began.astimezone(UTC) - timedelta(minutes=1),
        EndTime=ended.astimezone(UTC) + timedelta(minutes=2),
        Period=60,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in statistics["Datapoints"])


def _ask(stage: Stage) -> Answer:
    first = stage.first
    throttled = throttled_writes(stage.deployment, first.began, first.ended) if stage.on_aws else None
    return judge(first, throttled)


NEW_TABLE = Check(
    "new-table",
    "the first ingest on a new table loses nothing, though writes may be throttled",
    "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html",
    _ask,
)
