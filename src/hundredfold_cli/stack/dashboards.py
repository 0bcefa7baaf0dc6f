"""The deployed dashboards, read back from CloudWatch with their values."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.deployment import Deployment

NAMES = ("business", "engineer", "stream")
OF_STREAMS = frozenset({"stream"})
"""The dashboards that only a stack with a stream has."""
_QUERIES_A_CALL = 500
_POINTS = 60
_PERIODS = (1, 5, 10, 30, 60, 300, 900, 3600, 21600)
SMALLEST_PERIOD = 60
"""In seconds. CloudWatch keeps metrics of standard resolution by the minute."""


@dataclass(frozen=True, slots=True)
class Query:
    """One metric of a widget. `colour` is the one in the dashboard's body; empty if it has none."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    label: str
    colour: str = ""


@dataclass(slots=True)
class Widget:
    """One widget of a dashboard.

    Attributes
    ----------
    x, y, width : on the dashboard's grid of 24 columns
    whole_range : show one value for the whole time, and not one for each period
    points : the values of each query: milliseconds since 1970, and the value
    """

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
    """A deployed dashboard, by its full name in CloudWatch."""

    name: str
    widgets: list[Widget]


def read_dashboards(deployment: Deployment) -> list[Dashboard]:
    """Read the deployed dashboards, without values.

    Raises
    ------
    NotThereError
        If a dashboard is not deployed.
    """
    deployed = {
        entry["DashboardName"]
        for page in deployment.cloudwatch.get_paginator("list_dashboards").paginate()
        for entry in page["DashboardEntries"]
    }
    dashboards = []
    for short in NAMES:
        name = f"{deployment.stack}-{short}"
        if name not in deployed:
            if short in OF_STREAMS:
                continue
            raise NotThereError(f"dashboard {name} is not deployed; deploy the template again")
        body = json.loads(deployment.cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"])
        dashboards.append(Dashboard(name, [read_widget(widget) for widget in body["widgets"]]))
    return dashboards


def read_widget(widget: dict[str, Any]) -> Widget:
    """Read a metric widget of a dashboard's body.

    It reads the syntax that `infra/dashboards` uses: every metric is written out, without shorthand or expressions.
    https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html

    Raises
    ------
    ValueError
        If the widget is written in another way.
    """
    properties = widget["properties"]
    if widget["type"] != "metric":
        raise ValueError(f"a widget of type {widget['type']} cannot be rendered")
    queries = [_read_metric(metric, properties["stat"]) for metric in properties["metrics"]]
    whole_range = properties.get("setPeriodToTimeRange", False)
    if whole_range and any(query.stat != "Sum" for query in queries):
        raise ValueError(f"widget {properties['title']}: only sums can be taken over the whole time")
    return Widget(
        title=properties["title"],
        view=properties["view"],
        stacked=properties.get("stacked", False),
        x=widget["x"],
        y=widget["y"],
        width=widget["width"],
        queries=queries,
        whole_range=whole_range,
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


def read_values(
    deployment: Deployment, dashboards: Sequence[Dashboard], begin: datetime, end: datetime, smallest_period: int
) -> tuple[datetime, datetime, int]:
    """Read the values of all widgets into them.

    If only a part of the time from `begin` to `end` has values, only that part is read, in as short a period as
    CloudWatch has.

    Parameters
    ----------
    smallest_period : in seconds

    Returns
    -------
    begin, end, period
        The time that the widgets show, and the period of their values in seconds.
    """
    widgets = [widget for dashboard in dashboards for widget in dashboard.widgets]
    queries = list(dict.fromkeys(query for widget in widgets for query in widget.queries))
    series = _read_series(deployment, queries, begin, end, smallest_period)
    times = [at for points in series.values() for at, _ in points]
    if times:
        begin = datetime.fromtimestamp(min(times) / 1000, UTC)
        end = datetime.fromtimestamp(max(times) / 1000 + smallest_period, UTC)
    span = (end - begin).total_seconds()
    period = next((p for p in _PERIODS if p >= smallest_period and span / p <= _POINTS), _PERIODS[-1])
    if period != smallest_period:
        series = _read_series(deployment, queries, begin - timedelta(seconds=period), end, period)
    for widget in widgets:
        widget.points = [series[query] for query in widget.queries]
        if widget.stacked:
            widget.points = align(widget.points)
    return begin, end, period


def align(series: list[list[tuple[int, float]]]) -> list[list[tuple[int, float]]]:
    """Give all series with values the same times, so that they can be stacked. A missing value becomes zero."""
    times = sorted({at for points in series for at, _ in points})
    return [[(at, dict(points).get(at, 0.0)) for at in times] if points else [] for points in series]


def _read_series(
    deployment: Deployment, queries: Sequence[Query], begin: datetime, end: datetime, period: int
) -> dict[Query, list[tuple[int, float]]]:
    series: dict[Query, list[tuple[int, float]]] = {query: [] for query in queries}
    for first in range(0, len(queries), _QUERIES_A_CALL):
        by_id = {f"q{first + place}": query for place, query in enumerate(queries[first : first + _QUERIES_A_CALL])}
        for result in _metric_data(deployment, by_id, begin, end, period):
            at = (round(moment.timestamp() * 1000) for moment in result["Timestamps"])
            series[by_id[result["Id"]]] += sorted(zip(at, result["Values"], strict=True))
    return series


def _metric_data(
    deployment: Deployment, queries: dict[str, Query], begin: datetime, end: datetime, period: int
) -> Iterator[Any]:
    metric_queries: list[Any] = [
        {
            "Id": id_,
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
        for id_, query in queries.items()
    ]
    pages = deployment.cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=metric_queries, StartTime=begin, EndTime=end, ScanBy="TimestampAscending"
    )
    for page in pages:
        yield from page["MetricDataResults"]
