"""The deployed dashboards, read back from CloudWatch with their values: from AWS, or from the local stack."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.deployment import Deployment

NAMES = ("business", "engineer")
_QUERIES_A_CALL = 500
_POINTS = 60
_PERIODS = (1, 5, 10, 30, 60, 300, 900, 3600, 21600)
SMALLEST_PERIOD = 60
"""CloudWatch keeps metrics of the usual resolution by the minute."""


@dataclass(frozen=True, slots=True)
class Query:
    """One metric of a widget; `colour` is that of the body, or empty."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    label: str
    colour: str = ""


@dataclass(slots=True)
class Widget:
    """One widget of a dashboard, and what CloudWatch answers for each of its metrics: (milliseconds, value)."""

    title: str
    view: str
    stacked: bool
    x: int
    y: int
    width: int
    queries: list[Query]
    whole_range: bool = False
    thresholds: list[dict[str, Any]] = field(default_factory=list)
    points: list[list[tuple[int, float]]] = field(default_factory=list)


@dataclass(slots=True)
class Dashboard:
    name: str
    widgets: list[Widget]


def read_dashboards(deployment: Deployment) -> list[Dashboard]:
    """Read the deployed bodies; raises NotThereError if a dashboard is not deployed."""
    deployed = {
        entry["DashboardName"]
        for page in deployment.cloudwatch.get_paginator("list_dashboards").paginate()
        for entry in page["DashboardEntries"]
    }
    found = []
    for name in NAMES:
        full = f"{deployment.stack}-{name}"
        if full not in deployed:
            raise NotThereError(f"dashboard {full} is not deployed; deploy the template again")
        body = json.loads(deployment.cloudwatch.get_dashboard(DashboardName=full)["DashboardBody"])
        found.append(Dashboard(full, [read_widget(widget) for widget in body["widgets"]]))
    return found


def read_widget(widget: dict[str, Any]) -> Widget:
    """Read a metric widget of a dashboard's body.

    Of its syntax, what `infra/dashboards` uses: every metric written out, no shorthand, no expressions.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html

    Raises
    ------
    ValueError
        If it is written in another way.
    """
    properties = widget["properties"]
    if widget["type"] != "metric":
        raise ValueError(f"a widget of type {widget['type']} cannot be rendered")
    queries = [_read_metric(metric, properties["stat"]) for metric in properties["metrics"]]
    whole = properties.get("setPeriodToTimeRange", False)
    if whole and any(query.stat != "Sum" for query in queries):
        raise ValueError(f"widget {properties['title']}: only sums can be taken over the whole time")
    return Widget(
        title=properties["title"],
        view=properties["view"],
        stacked=properties.get("stacked", False),
        x=widget["x"],
        y=widget["y"],
        width=widget["width"],
        queries=queries,
        whole_range=whole,
        thresholds=properties.get("annotations", {}).get("horizontal", []),
    )


def _read_metric(metric: list[Any], stat: str) -> Query:
    options = metric[-1] if isinstance(metric[-1], dict) else {}
    words = metric[:-1] if options else metric
    if "expression" in options or len(words) < 2 or len(words) % 2 or any(word in {".", "..."} for word in words):
        raise ValueError(f"this metric cannot be read, write it out: {metric}")
    namespace, name, *dimensions = words
    pairs = tuple(sorted(zip(dimensions[::2], dimensions[1::2], strict=True)))
    return Query(
        namespace, name, pairs, options.get("stat", stat), options.get("label", name), options.get("color", "")
    )


def fill(
    deployment: Deployment, dashboards: Sequence[Dashboard], begin: datetime, end: datetime, smallest_period: int
) -> tuple[datetime, datetime, int]:
    """Ask CloudWatch for the values of all widgets, and return the span that was shown and its period in seconds.

    Where values fill only a part of `begin` to `end`, only that part is shown, in as short a period as CloudWatch has.
    """
    widgets = [widget for dashboard in dashboards for widget in dashboard.widgets]
    queries = list(dict.fromkeys(query for widget in widgets for query in widget.queries))
    found = _ask(deployment, queries, begin, end, smallest_period)
    times = [at for points in found.values() for at, _ in points]
    if times:
        begin = datetime.fromtimestamp(min(times) / 1000, UTC)
        end = datetime.fromtimestamp(max(times) / 1000 + smallest_period, UTC)
    span = (end - begin).total_seconds()
    period = next((p for p in _PERIODS if p >= smallest_period and span / p <= _POINTS), _PERIODS[-1])
    if period != smallest_period:
        found = _ask(deployment, queries, begin - timedelta(seconds=period), end, period)
    for widget in widgets:
        widget.points = [found[query] for query in widget.queries]
        if widget.stacked:
            widget.points = aligned(widget.points)
    return begin, end, period


def aligned(series: list[list[tuple[int, float]]]) -> list[list[tuple[int, float]]]:
    """Give all series that have values the same times, with zeros where one has none, so that they can be stacked."""
    times = sorted({at for points in series for at, _ in points})
    return [[(at, dict(points).get(at, 0.0)) for at in times] if points else [] for points in series]


def _ask(
    deployment: Deployment, queries: Sequence[Query], begin: datetime, end: datetime, period: int
) -> dict[Query, list[tuple[int, float]]]:
    found: dict[Query, list[tuple[int, float]]] = {query: [] for query in queries}
    for first in range(0, len(queries), _QUERIES_A_CALL):
        asked = {f"q{first + place}": query for place, query in enumerate(queries[first : first + _QUERIES_A_CALL])}
        for result in _answers(deployment, asked, begin, end, period):
            at = (round(moment.timestamp() * 1000) for moment in result["Timestamps"])
            found[asked[result["Id"]]] += sorted(zip(at, result["Values"], strict=True))
    return found


def _answers(
    deployment: Deployment, asked: dict[str, Query], begin: datetime, end: datetime, period: int
) -> Iterator[Any]:
    metric_queries: list[Any] = [
        {
            "Id": name,
            "MetricStat": {
                "Metric": {
                    "Namespace": query.namespace,
                    "MetricName": query.name,
                    "Dimensions": [{"Name": key, "Value": value} for key, value in query.dimensions],
                },
                "Period": period,
                "Stat": query.stat,
            },
        }
        for name, query in asked.items()
    ]
    pages = deployment.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=metric_queries, StartTime=begin, EndTime=end, ScanBy="TimestampAscending"
    )
    for page in pages:
        yield from page["MetricDataResults"]
