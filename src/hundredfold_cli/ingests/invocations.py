"""What Lambda reported of an ingest's invocations: billed milliseconds and logged bytes, from the functions' logs."""

import json
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from hundredfold.accounting.usage import Usage
from hundredfold_cli.stack.deployment import Deployment

EVENT_OVERHEAD_BYTES = 26
"""Counted with each log event.
https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html (2026-11)"""

FUNCTIONS = ("infer-batch", "plan-ingest", "summarize-ingest")
_EARLIER_MS, _LATER_MS = 5_000, 60_000

_START = re.compile(r"START RequestId: (\S+)")
_REPORT = re.compile(
    r"REPORT RequestId: (?P<request>\S+)\s+Duration: (?P<duration>[\d.]+) ms\s+"
    r"Billed Duration: (?P<billed>[\d.]+) ms\s+Memory Size: (?P<memory>\d+) MB"
)


@dataclass(frozen=True, slots=True)
class Invocations:
    """What one function's invocations for an ingest came to.

    `billed_ms` is all that is billed; `start_ms` the part of it that environments took to start, where the REPORT
    lines tell (since August 2025 Lambda bills it, and counts it into the billed duration).
    """

    count: int = 0
    billed_ms: float = 0.0
    start_ms: float = 0.0
    memory_mb: int = 0
    log_bytes: int = 0


def read_invocations(deployment: Deployment, ingest_id: str, started: str, seconds: float) -> dict[str, Invocations]:
    """Read what each function reported for an ingest that started at `started` (ISO 8601) and took `seconds`.

    An invocation belongs to the ingest if anything it logged names the ingest. One that was ended before it logged
    anything is not found: Lambda's REPORT line does not say what it was for.
    """
    begin = round(datetime.fromisoformat(started).timestamp() * 1000)
    end = begin + round(seconds * 1000)
    return {
        function: add_up(
            read_events(deployment, deployment.log_group(function), begin - _EARLIER_MS, end + _LATER_MS), ingest_id
        )
        for function in FUNCTIONS
    }


def read_events(deployment: Deployment, group: str, begin: int, end: int) -> Iterator[Any]:
    """Read a log group's events of a span of time, in milliseconds since 1970."""
    pages = deployment.logs.get_paginator("filter_log_events")
    for page in pages.paginate(logGroupName=group, startTime=begin, endTime=end):
        yield from page["events"]


def add_up(events: Iterable[Any], ingest_id: str) -> Invocations:
    """Add up the invocations whose log lines name `ingest_id`.

    Within a log stream one environment writes, one invocation after the other: START, its lines, END, REPORT.
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


def with_reports(usage: Usage, reports: dict[str, Invocations]) -> Usage:
    """Put what Lambda reported in place of what the ledger and the assumptions say of it.

    Where no REPORT line tells the start of an environment from the rest (the local stack), what the ledger knows of
    it is taken out of the inference's time, so that nothing is counted twice.
    """
    infer, plan, summarize = (reports[function] for function in FUNCTIONS)
    if not infer.count:
        return usage
    start = infer.start_ms / 1000 or min(usage.init_seconds, infer.billed_ms / 1000)
    return replace(
        usage,
        attempts=infer.count,
        infer_seconds=infer.billed_ms / 1000 - start,
        init_seconds=start,
        infer_memory_mb=infer.memory_mb,
        plan_seconds=plan.billed_ms / 1000 if plan.count else usage.plan_seconds,
        summarize_seconds=summarize.billed_ms / 1000 if summarize.count else usage.summarize_seconds,
        log_bytes=sum(report.log_bytes for report in reports.values()),
    )
