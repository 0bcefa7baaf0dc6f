"""Whether a log stream is one environment's: the accounting of calls relies on it."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from hundredfold.batches import BatchOutcome
from hundredfold_cli.deployment_checks.check import Check
from hundredfold_cli.deployment_checks.row import Answer, CannotAskError
from hundredfold_cli.deployment_checks.stage import Stage

LOGS_SECONDS = 60


def judge(streams: Iterable[str], environments: Iterable[str]) -> Answer:
    """Compare the log streams with the environments that the ledger has: as many, and none shared."""
    ours, theirs = set(streams), set(environments)
    seen = f"{len(theirs)} environments by the ledger, {len(ours)} log streams"
    return Answer(seen, len(ours) == len(theirs))


def streams_with_calls(events: Iterable[Any]) -> set[str]:
    """Return the log streams in which a call was reported."""
    reported: dict[str, int] = defaultdict(int)
    for event in events:
        reported[event["logStreamName"]] += event["message"].startswith("REPORT")
    return {stream for stream, reports in reported.items() if reports}


def environments_of(outcomes: Iterable[BatchOutcome]) -> set[str]:
    """Return the environments that an ingest's ledger names."""
    return {outcome.stats.environment for outcome in outcomes if outcome.stats}


def _ask(stage: Stage) -> Answer:
    first = stage.first
    end = first.ended + timedelta(seconds=LOGS_SECONDS)
    events = stage.deployment.log_events("infer-batch", *(round(at.timestamp() * 1000) for at in (first.began, end)))
    streams = streams_with_calls(events)
    if not streams:
        raise CannotAskError("the function's log has no calls of the ingest")
    return judge(streams, environments_of(first.done))


LOG_STREAMS = Check(
    "log-streams",
    "each environment has a log stream of its own",
    "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-view.html",
    _ask,
)
