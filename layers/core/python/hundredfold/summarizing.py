"""Summing up an ingest: every record that was planned is predicted, rejected or failed."""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from hundredfold.ingest import Plan
from hundredfold.outcomes import BatchFailure, BatchOutcome, Status, Summary, Totals


def summarize(
    ingest_id: str,
    started_at: str,
    finished_at: str,
    plan: Plan | None,
    entries: Iterable[BatchOutcome | BatchFailure],
    failure: Mapping[str, Any] | None,
) -> Summary:
    """Add up the ledger and hold it against the plan.

    Parameters
    ----------
    started_at, finished_at : ISO 8601
    plan : None if the planning itself failed
    entries : what the ledger has of each batch
    failure : the error and cause that ended the ingest, as the state machine caught them, or None
    """
    totals = Totals.of(entries)
    cause = _cause(failure)
    records, batches = (plan.records, plan.batches) if plan else (0, 0)
    failed = records - totals.predicted - totals.rejected
    if cause is None and failed < 0:
        cause = f"the ledger has {-failed} records more than were planned"
    failures = Counter(_kind(entry) for entry in totals.failures)
    unfinished = batches - totals.batches_done - len(totals.failures)
    if unfinished > 0:
        failures["never finished"] = unfinished
        # The tolerance is for batches that failed. One that nothing was heard of is no part of it.
        cause = cause or f"{unfinished} batches were never finished"
    return Summary(
        ingest_id=ingest_id,
        status=Status.COMPLETED if cause is None else Status.FAILED,
        records=records,
        predicted=totals.predicted,
        rejected=totals.rejected,
        failed=max(failed, 0),
        batches=batches,
        batches_failed=max(batches - totals.batches_done, 0),
        seconds=_seconds(started_at, finished_at),
        started_at=started_at,
        model_version=plan.model.version if plan else "",
        source=str(plan.source.location) if plan else "",
        reasons=totals.reasons,
        failures=dict(failures.most_common()),
        cause=cause,
    )


def _cause(failure: Mapping[str, Any] | None) -> str | None:
    if not failure:
        return None
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    return f"{error}: {lambda_message(cause)}".strip(": ") or "unknown"


def _kind(failure: BatchFailure) -> str:
    return f"{failure.error}: {lambda_message(failure.cause)}".strip(": ")


def lambda_message(cause: str) -> str:
    """Return the message of a Lambda error, which Step Functions hands on as JSON with a stack trace."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause


def _seconds(started_at: str, finished_at: str) -> float:
    return round((datetime.fromisoformat(finished_at) - datetime.fromisoformat(started_at)).total_seconds(), 3)
