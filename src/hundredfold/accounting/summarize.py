"""Summing up an ingest: every record that was planned is predicted, rejected or failed."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from hundredfold.costing import OTHER_MEMORY_MB, PriceList, Taken, bill, uses
from hundredfold.health import Baseline
from hundredfold.ingest import Plan
from hundredfold.outcomes import BatchFailure, BatchOutcome, Status, Summary, Totals

NEVER_FINISHED = "never finished"
"""In place of a cause: nothing was heard of these batches."""

MOST_KINDS = 20
CAUSE_CHARACTERS = 1_000
"""How many kinds of failure a summary tells apart, and how much of a cause it quotes.

A cause may differ from batch to batch (Lambda writes the request's id into that of a timeout), and a summary has to fit
into a state's 256 KiB and an item's 400 KB however many batches failed.
"""


def summarize(
    ingest_id: str,
    started_at: str,
    finished_at: str,
    plan: Plan | None,
    entries: Iterable[BatchOutcome | BatchFailure],
    failure: Mapping[str, Any] | None,
    baseline: Baseline | None = None,
    price_list: PriceList | None = None,
) -> Summary:
    """Add up the ledger and hold it against the plan.

    Parameters
    ----------
    started_at, finished_at : ISO 8601
    plan : None if the planning itself failed
    entries : what the ledger has of each batch
    failure : the error and cause that ended the ingest, as the state machine caught them, or None
    baseline : of the model that scored it, to tell its drift from; None if it has none
    price_list : to tell its cost from, or None
    """
    taken = Taken()
    totals = Totals.of(_through(entries, taken))
    usd = None
    if price_list and plan:
        work = taken.work(plan, other_memory_mb=OTHER_MEMORY_MB)
        usd = round(bill(uses(work), price_list).usd, 6)
    cause = _cause(failure)
    records, batches = (plan.records, plan.batches) if plan else (0, 0)
    failed = records - totals.predicted - totals.rejected
    if cause is None and failed < 0:
        cause = f"the ledger has {-failed} records more than were planned"
    kinds = Counter(_kind(entry) for entry in totals.failures)
    failures = Counter(dict(kinds.most_common(MOST_KINDS)))
    if others := len(totals.failures) - failures.total():
        failures[f"{len(kinds) - MOST_KINDS:,} other causes"] = others
    unfinished = batches - totals.batches_done - len(totals.failures)
    if unfinished > 0:
        failures[NEVER_FINISHED] = unfinished
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
        source=str(plan.origin) if plan else "",
        reasons=totals.reasons,
        failures=dict(failures.most_common()),
        cause=cause,
        drift=baseline.drift(taken.sketch) if baseline and taken.sketch else None,
        usd=usd,
        written_back=totals.written_back,
        outdated=totals.outdated,
    )


def group_failures(entries: Iterable[BatchOutcome | BatchFailure], batches: int) -> dict[str, list[int]]:
    """Name the batches that are not done, by why: those of the most frequent cause first.

    Parameters
    ----------
    entries : what the ledger has of each batch
    batches : how many were planned, numbered from 0
    """
    unheard = set(range(batches))
    groups: dict[str, list[int]] = {}
    for entry in sorted(entries, key=lambda entry: entry.batch):
        unheard.discard(entry.batch)
        if isinstance(entry, BatchFailure):
            groups.setdefault(_kind(entry), []).append(entry.batch)
    if unheard:
        groups[NEVER_FINISHED] = sorted(unheard)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def _through(entries: Iterable[BatchOutcome | BatchFailure], taken: Taken) -> Iterator[BatchOutcome | BatchFailure]:
    """Pass entries on, one at a time, adding up on the way what they took."""
    for entry in entries:
        taken.add(entry)
        yield entry


def _cause(failure: Mapping[str, Any] | None) -> str | None:
    if not failure:
        return None
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    return quoted(error, cause) or "unknown"


def _kind(failure: BatchFailure) -> str:
    return quoted(failure.error, failure.cause)


def quoted(error: str, cause: str) -> str:
    """Return an error and its cause in one line, cut to what a summary quotes."""
    text = f"{error}: {lambda_message(cause)}".strip(": ")
    return text if len(text) <= CAUSE_CHARACTERS else f"{text[:CAUSE_CHARACTERS]}…"


def lambda_message(cause: str) -> str:
    """Return the message of a Lambda error, which Step Functions hands on as JSON with a stack trace."""
    try:
        return str(json.loads(cause)["errorMessage"])
    except (ValueError, TypeError, KeyError):
        return cause


def _seconds(started_at: str, finished_at: str) -> float:
    return round((datetime.fromisoformat(finished_at) - datetime.fromisoformat(started_at)).total_seconds(), 3)
