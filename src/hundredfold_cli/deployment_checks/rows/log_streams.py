"""Whether a log stream is one environment's: the accounting of calls relies on it."""

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
    in_logs, in_ledger = set(streams), set(environments)
    seen = f"{len(in_ledger)} environments by the ledger, {len(in_logs)} log streams"
    return Answer(seen, len(in_logs) == len(in_ledger))


def streams_of(events: Iterable[Any], ingest_id: str) -> set[str]:
    """Return the log streams in which a line names an ingest. Every call names it first of all."""
    return {event["logStreamName"] for event in events if ingest_id in event["message"]}


def environments_of(outcomes: Iterable[BatchOutcome]) -> set[str]:
    """Return the environments that an ingest's ledger names."""
    return {outcome.stats.environment for outcome in outcomes if outcome.stats}


def _ask(stage: Stage) -> Answer:
    first = stage.first
    end = first.ended + timedelta(seconds=LOGS_SECONDS)
    events = stage.deployment.log_events("infer-batch", *(round(at.timestamp() * 1000) for at in (first.began, end)))
    streams = streams_of(events, first.ingest_id)
    if not streams:
        raise CannotAskError("the function's log has no calls of the ingest")
    return judge(streams, environments_of(first.done))


LOG_STREAMS = Check(
    "log-streams",
    "each environment has a log stream of its own",
    "https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-loggroups.html",
    _ask,
    not_local="each of its log streams is of one call",
)
