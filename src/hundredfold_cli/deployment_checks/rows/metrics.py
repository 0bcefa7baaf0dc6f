"""Whether each metric that a dashboard or an alarm names arrives, under the dimensions that it names."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from hundredfold.runtime.metric_names import NAMESPACE, Metric, ShadowMetric, StreamMetric
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.polling import until
from hundredfold_cli.deployment_checks.row import Answer
from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.stack.dashboards import read_dashboards
from hundredfold_cli.stack.deployment import Deployment

ARRIVAL_SECONDS = 900
"""ListMetrics has a new metric up to 15 minutes after its first value.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html"""

ONLY_AT_TIMES = {
    *StreamMetric,
    *ShadowMetric,
    Metric.EVENTS_LOST,
    # A model without a baseline has no drift.
    *(Metric.DRIFT, Metric.LABEL_DRIFT, Metric.SCORE_DRIFT, Metric.INPUT_DRIFT, Metric.UNSEEN_PERCENT),
    Metric.INGEST_COST,  # only where there is a price list of the region
}
"""Metrics that not every ingest sends."""
ALWAYS_OF_AWS = {
    ("AWS/Lambda", "Invocations"),
    ("AWS/Lambda", "Errors"),
    ("AWS/Lambda", "Duration"),
    ("AWS/Lambda", "Throttles"),
    ("AWS/Lambda", "ConcurrentExecutions"),
    ("AWS/States", "ExecutionsStarted"),
    ("AWS/States", "ExecutionsSucceeded"),
    ("AWS/DynamoDB", "ConsumedWriteCapacityUnits"),
}
"""Metrics that AWS sends for every ingest. It sends others only when there is something to count."""


@dataclass(frozen=True, slots=True)
class MetricName:
    """A metric, by all that tells it from others."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]

    def __str__(self) -> str:
        return f"{self.name} ({', '.join(value for _, value in self.dimensions)})"


def comes_with_every_ingest(metric: MetricName) -> bool:
    """Tell whether an ordinary ingest makes a metric arrive."""
    if metric.namespace == NAMESPACE:
        return metric.name not in ONLY_AT_TIMES
    return (metric.namespace, metric.name) in ALWAYS_OF_AWS


def judge(expected: Collection[MetricName], arrived: Collection[MetricName]) -> Answer:
    """Compare the metrics that must have arrived with those that CloudWatch has."""
    missing = sorted(map(str, set(expected) - set(arrived)))
    seen = f"{len(expected) - len(missing)} of {len(expected)} have arrived"
    return Answer(f"{seen}; missing: {', '.join(missing)}" if missing else seen, not missing)


def named_metrics(deployment: Deployment) -> set[MetricName]:
    """Return the metrics that the deployed dashboards and alarms name."""
    queries = [query for board in read_dashboards(deployment) for widget in board.widgets for query in widget.queries]
    alarms = [
        alarm
        for page in deployment.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{deployment.stack}-"
        )
        for alarm in page["MetricAlarms"]
    ]
    return {
        *(MetricName(query.namespace, query.name, tuple(sorted(query.dimensions))) for query in queries),
        *(MetricName(alarm["Namespace"], alarm["MetricName"], _pairs(alarm["Dimensions"])) for alarm in alarms),
    }


def arrived_metrics(deployment: Deployment, namespaces: Iterable[str]) -> set[MetricName]:
    """Return all metrics that CloudWatch has in some namespaces."""
    pages = deployment.cloudwatch.get_paginator("list_metrics")
    return {
        MetricName(metric["Namespace"], metric["MetricName"], _pairs(metric.get("Dimensions", [])))
        for namespace in namespaces
        for page in pages.paginate(Namespace=namespace)
        for metric in page["Metrics"]
    }


def _pairs(dimensions: Iterable[Any]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted((dimension["Name"], dimension["Value"]) for dimension in dimensions))


def _ask(stage: Stage) -> Answer:
    stage.first  # noqa: B018 - it sends them
    expected = {metric for metric in named_metrics(stage.deployment) if comes_with_every_ingest(metric)}
    namespaces = sorted({metric.namespace for metric in expected})
    stage.say("waiting for the metrics, which may take a quarter of an hour ...")

    def all_arrived() -> set[MetricName] | None:
        arrived = arrived_metrics(stage.deployment, namespaces)
        return arrived if expected <= arrived else None

    arrived = until(all_arrived, ARRIVAL_SECONDS, pause=20.0) or arrived_metrics(stage.deployment, namespaces)
    return judge(expected, arrived)


METRICS = Check(
    "metrics",
    "every metric that a dashboard or an alarm names, and that each ingest sends, arrives under its dimensions",
    "https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html",
    _ask,
    not_local="its CloudWatch makes no metrics of logs, and its services send none",
)
