"""CloudWatch metrics for the local stack, made from the functions' logs, the executions and the ledger.

On AWS, CloudWatch makes metrics from the EMF documents in logs, and Lambda, Step Functions and DynamoDB send their
own. The local stack does neither, so this module puts the same metrics into it. It is not deployed, and it refuses to
run against AWS. `docs/observability.md` lists the metrics.
"""

import hashlib
import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlparse

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.batches import BatchOutcome
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.deployment import FUNCTIONS, Deployment

POSITION_KEY = "local-metrics/position.json"
"""The object in the work bucket that has the position, so that nothing is collected twice."""

_METRIC_OF_STATUS = {
    "SUCCEEDED": "ExecutionsSucceeded",
    "FAILED": "ExecutionsFailed",
    "ABORTED": "ExecutionsAborted",
    "TIMED_OUT": "ExecutionsTimedOut",
}
_OVERLAP_MS = 10_000  # the events of different environments do not come in order
_DATA_A_CALL = 500

_REPORT = re.compile(r"REPORT RequestId: \S+\s+Duration: ([\d.]+) ms\s+Billed Duration")
_FAILED = re.compile(
    r'"level":"ERROR"|\[ERROR\]|Status: (error|timeout)|Task timed out|Traceback \(most recent call last\)'
)


@dataclass(frozen=True, slots=True)
class Datum:
    """One value of one metric; `timestamp` in milliseconds since 1970."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    unit: str
    timestamp: int
    value: float


@dataclass(slots=True)
class Position:
    """What was collected already.

    Attributes
    ----------
    last : the time of the last event of each log group, in milliseconds since 1970
    recent : the events of the last seconds of each log group: their digests, and their times
    ingests : the executions whose metrics were made
    """

    last: dict[str, int] = field(default_factory=dict)
    recent: dict[str, dict[str, int]] = field(default_factory=dict)
    ingests: list[str] = field(default_factory=list)


def is_local(endpoint: str | None) -> bool:
    """Tell whether an endpoint is on this machine."""
    return urlparse(endpoint or "").hostname in {"127.0.0.1", "localhost", "::1"}


def collect(deployment: Deployment) -> int:
    """Put what was logged since the last call into the local CloudWatch, and return the number of values.

    Raises
    ------
    NotThereError
        If the deployment is not on this machine.
    """
    if not is_local(deployment.cloudwatch.meta.endpoint_url):
        raise NotThereError("metrics are collected from the local stack only; on AWS, CloudWatch has them already")
    position = _read_position(deployment)
    data: list[Datum] = []
    for function in FUNCTIONS:
        events = list(_new_events(deployment, function, position))
        data += [datum for event in events for datum in from_emf(event["message"])]
        data += from_reports(events, f"{deployment.stack}-{function}")
    data += _of_executions(deployment, position)
    for namespace, batch in _calls(data):
        deployment.cloudwatch.put_metric_data(Namespace=namespace, MetricData=batch)
    _write_position(deployment, position)
    return len(data)


def from_emf(message: str) -> Iterator[Datum]:
    """Yield the metrics in a log line: those of an EMF document, and none of any other line.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
    """
    if '"_aws"' not in message:
        return
    try:
        document = json.loads(message)
        directives, timestamp = document["_aws"]["CloudWatchMetrics"], int(document["_aws"]["Timestamp"])
    except (ValueError, KeyError, TypeError):
        return
    for directive in directives:
        for names in directive["Dimensions"]:
            dimensions = tuple(sorted((name, str(document[name])) for name in names))
            for metric in directive["Metrics"]:
                values = document[metric["Name"]]
                for value in values if isinstance(values, list) else [values]:
                    unit = metric.get("Unit", "None")
                    yield Datum(directive["Namespace"], metric["Name"], dimensions, unit, timestamp, float(value))


def from_reports(events: Iterable[Mapping[str, Any]], function: str) -> list[Datum]:
    """Make the metrics that Lambda sends: invocations, errors, duration, and concurrent executions."""
    dimensions = (("FunctionName", function),)
    data, calls = [], []
    failed: dict[str, bool] = defaultdict(bool)
    for event in events:
        stream, message, at = event["logStreamName"], event["message"], event["timestamp"]
        if message.startswith("START "):
            failed[stream] = False
        failed[stream] = failed[stream] or bool(_FAILED.search(message))
        if report := _REPORT.match(message):
            duration = float(report[1])
            calls.append((at - duration, at))
            data += [
                Datum("AWS/Lambda", "Invocations", dimensions, "Count", at, 1),
                Datum("AWS/Lambda", "Errors", dimensions, "Count", at, float(failed[stream])),
                Datum("AWS/Lambda", "Duration", dimensions, "Milliseconds", at, duration),
            ]
    for _, end in calls:
        at_once = sum(began < end <= ended for began, ended in calls)
        data.append(Datum("AWS/Lambda", "ConcurrentExecutions", dimensions, "Count", round(end), float(at_once)))
    return data


def _of_executions(deployment: Deployment, position: Position) -> Iterator[Datum]:
    """Make the metrics that Step Functions and DynamoDB send, from ended executions and the ledger."""
    executions = deployment.step_functions.list_executions(stateMachineArn=deployment.state_machine, maxResults=100)
    parent = (("StateMachineArn", deployment.state_machine),)
    for execution in executions["executions"]:
        ingest_id = execution["name"]
        if execution["status"] == "RUNNING" or ingest_id in position.ingests:
            continue
        position.ingests.append(ingest_id)
        begin, end = _ms(execution["startDate"]), _ms(execution["stopDate"])
        yield Datum("AWS/States", "ExecutionsStarted", parent, "Count", begin, 1)
        for status, metric in _METRIC_OF_STATUS.items():
            yield Datum("AWS/States", metric, parent, "Count", end, float(execution["status"] == status))
        yield Datum("AWS/States", "ExecutionTime", parent, "Milliseconds", end, end - begin)
        yield from _of_children(deployment, execution["executionArn"])
        yield from _of_batches(deployment, ingest_id, end)


def _of_children(deployment: Deployment, execution: str) -> Iterator[Datum]:
    parent = f"{deployment.state_machine}/InferBatches"
    dimensions = (("StateMachineArn", parent),)
    for run in deployment.step_functions.list_map_runs(executionArn=execution)["mapRuns"]:
        if run["stateMachineArn"] != parent:
            continue
        pages = deployment.step_functions.get_paginator("list_executions").paginate(mapRunArn=run["mapRunArn"])
        for child in (child for page in pages for child in page["executions"] if child["status"] != "RUNNING"):
            begin, end = _ms(child["startDate"]), _ms(child["stopDate"])
            yield Datum("AWS/States", "ExecutionsStarted", dimensions, "Count", begin, 1)
            for name, status in (("ExecutionsSucceeded", "SUCCEEDED"), ("ExecutionsFailed", "FAILED")):
                yield Datum("AWS/States", name, dimensions, "Count", end, float(child["status"] == status))


def _of_batches(deployment: Deployment, ingest_id: str, end: int) -> Iterator[Datum]:
    predictions = (("TableName", deployment.predictions_table),)
    ledger = (("TableName", deployment.ledger_table),)
    writes = "ConsumedWriteCapacityUnits"
    for entry in deployment.ledger.entries(ingest_id):
        stats = entry.stats if isinstance(entry, BatchOutcome) else None
        began = stats.started_at if stats else end
        ended = began + sum(entry.milliseconds.values()) if isinstance(entry, BatchOutcome) else end
        yield Datum("AWS/DynamoDB", writes, ledger, "Count", ended, 1)
        if stats:
            yield Datum("AWS/DynamoDB", writes, predictions, "Count", ended, stats.write_units)


def _new_events(deployment: Deployment, function: str, position: Position) -> Iterator[Any]:
    """Yield the log events of a function that were not collected before, and move the position."""
    group = deployment.log_group(function)
    begin = max(0, position.last.get(group, 0) - _OVERLAP_MS)
    recent = position.recent.setdefault(group, {})
    try:
        for event in deployment.log_events(function, begin, round(datetime.now(UTC).timestamp() * 1000) + 60_000):
            if (digest := _event_digest(event)) not in recent:
                recent[digest] = event["timestamp"]
                position.last[group] = max(position.last.get(group, 0), event["timestamp"])
                yield event
    except ClientError as error:
        if error_code(error) not in NOT_FOUND:
            raise
    kept_from = position.last.get(group, 0) - _OVERLAP_MS
    position.recent[group] = {digest: at for digest, at in recent.items() if at >= kept_from}


def _event_digest(event: Mapping[str, Any]) -> str:
    """Return a digest of an event's content. The local stack gives events no ids."""
    content = f"{event['logStreamName']} {event['timestamp']} {event['message']}"
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _calls(data: Iterable[Datum]) -> Iterator[tuple[str, list[Any]]]:
    """Group values by metric and second, and yield the entries of each call to PutMetricData, after its namespace."""
    grouped: dict[tuple[Any, ...], list[float]] = defaultdict(list)
    for datum in data:
        key = (datum.namespace, datum.name, datum.dimensions, datum.unit, datum.timestamp // 1000)
        grouped[key].append(datum.value)
    by_namespace: dict[str, list[Any]] = defaultdict(list)
    for (namespace, name, dimensions, unit, second), values in grouped.items():
        by_namespace[namespace].append(
            {
                "MetricName": name,
                "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions],
                "Timestamp": datetime.fromtimestamp(second, UTC),
                "Unit": unit,
                "Values": values,
            }
        )
    for namespace, entries in by_namespace.items():
        for first in range(0, len(entries), _DATA_A_CALL):
            yield namespace, entries[first : first + _DATA_A_CALL]


def _read_position(deployment: Deployment) -> Position:
    content = deployment.work.read(POSITION_KEY)
    return Position(**json.loads(content)) if content is not None else Position()


def _write_position(deployment: Deployment, position: Position) -> None:
    content = {"last": position.last, "recent": position.recent, "ingests": position.ingests}
    deployment.work.write(POSITION_KEY, json.dumps(content).encode())


def _ms(moment: datetime) -> int:
    return round(moment.timestamp() * 1000)
