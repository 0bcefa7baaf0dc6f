"""What Lambda reported of an ingest's invocations, in the functions' logs: billed milliseconds and logged bytes."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from hundredfold.accounting.usage import Usage
from hundredfold_cli.stack.deployment import FUNCTIONS, Deployment

EVENT_OVERHEAD_BYTES = 26
"""Counted with each log event.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (2026-11)"""

_EARLIER_MS, _LATER_MS = 5_000, 60_000
"""How much longer than the ingest the span of the logs is: clocks differ, and REPORT lines come late."""

_START = re.compile(r"START RequestId: (\S+)")
_REPORT = re.compile(
    r"REPORT RequestId: (?P<request>\S+)\s+Duration: (?P<duration>[\d.]+) ms\s+"
    r"Billed Duration: (?P<billed>[\d.]+) ms\s+Memory Size: (?P<memory>\d+) MB"
)


@dataclass(frozen=True, slots=True)
class Invocations:
    """The sums of one function's invocations for an ingest.

    Attributes
    ----------
    billed_ms : all that is billed
    start_ms : the part of it in which environments started; 0 if the REPORT lines do not have it. Lambda bills it
        since August 2025, as a part of the billed duration.
    memory_mb : of the function
    log_bytes : of all their log events
    """

    count: int = 0
    billed_ms: float = 0.0
    start_ms: float = 0.0
    memory_mb: int = 0
    log_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which an ingest was worked on, in milliseconds since 1970."""

    begin: int
    end: int


def spans_of(executions: Iterable[Span]) -> list[Span]:
    """Return the spans of the logs to read for an ingest's executions, in order. Those that overlap become one."""
    spans: list[Span] = []
    for execution in sorted(executions, key=lambda span: span.begin):
        begin, end = execution.begin - _EARLIER_MS, execution.end + _LATER_MS
        if spans and begin <= spans[-1].end:
            spans[-1] = Span(spans[-1].begin, max(spans[-1].end, end))
        else:
            spans.append(Span(begin, end))
    return spans


def read_invocations(deployment: Deployment, ingest_id: str, executions: Iterable[Span]) -> dict[str, Invocations]:
    """Read what each function reported for an ingest.

    An invocation belongs to the ingest if one of its log lines names the ingest. Its first line does. So attempts that
    failed, timed out or were killed count too. Only an environment that fails to start names none.

    Parameters
    ----------
    executions : when the ingest's executions ran
    """
    spans = spans_of(executions)
    return {
        function: add_up(
            (event for span in spans for event in deployment.log_events(function, span.begin, span.end)), ingest_id
        )
        for function in FUNCTIONS
    }


def add_up(events: Iterable[Any], ingest_id: str) -> Invocations:
    """Add up the invocations whose log lines name an ingest.

    A log stream is one environment's, with one invocation after the other: START, its lines, END, REPORT.
    """
    named = f'"ingest_id":{json.dumps(ingest_id)}'
    streams: dict[str, list[str]] = {}
    for event in events:
        streams.setdefault(event["logStreamName"], []).append(event["message"])
    total = Invocations()
    for messages in streams.values():
        size, ours = 0, False
        for message in messages:
            if _START.match(message):
                size, ours = 0, False
            size += len(message.encode()) + EVENT_OVERHEAD_BYTES
            ours = ours or named in message.replace('"ingest_id": ', '"ingest_id":')
            report = _REPORT.match(message)
            if report and ours:
                billed, duration = float(report["billed"]), float(report["duration"])
                total = Invocations(
                    total.count + 1,
                    total.billed_ms + billed,
                    total.start_ms + max(0.0, billed - math.ceil(duration)),
                    int(report["memory"]),
                    total.log_bytes + size,
                )
    return total


def with_reports(usage: Usage, reports: Mapping[str, Invocations]) -> Usage:
    """Replace what the ledger and the assumptions say of a usage by what Lambda reported.

    Lines may come late. So calls of the ledger without a line count with the average of those that have one.

    The local stack's REPORT lines do not tell the start of an environment from the rest. Then the ledger's figure for
    the start is taken out of the inference's time, so that nothing is counted twice.
    """
    infer, plan, summarize = (reports[function] for function in FUNCTIONS)
    if not infer.count:
        return usage
    start = infer.start_ms / 1000 or min(usage.init_seconds, infer.billed_ms / 1000)
    late = late_reports(usage, reports) / infer.count
    return replace(
        usage,
        attempts=max(infer.count, usage.attempts),
        infer_seconds=(infer.billed_ms / 1000 - start) * (1 + late),
        init_seconds=start,
        infer_memory_mb=infer.memory_mb,
        plan_seconds=plan.billed_ms / 1000 if plan.count else usage.plan_seconds,
        summarize_seconds=summarize.billed_ms / 1000 if summarize.count else usage.summarize_seconds,
        log_bytes=sum(report.log_bytes for report in reports.values()) + infer.log_bytes * late,
    )


def late_reports(usage: Usage, reports: Mapping[str, Invocations]) -> int:
    """Return how many calls of the ledger have no REPORT line so far."""
    return max(0, usage.attempts - reports[FUNCTIONS[0]].count)
