"""Summing up an ingest: every record that was planned is predicted, rejected or failed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from hundredfold.accounting.bill import bill
from hundredfold.accounting.prices import PriceList
from hundredfold.accounting.usage import OTHER_MEMORY_MB, UsageTotals, usage_lines
from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.failures import quote_failure
from hundredfold.ingest import Plan
from hundredfold.model.drift import Baseline
from hundredfold.summary import Status, Summary, Totals

NEVER_FINISHED = "never finished"
"""In place of a cause: nothing was heard of these batches."""

MOST_KINDS = 20
"""How many kinds of failure a summary tells apart.

A summary has to fit into a state's 256 KiB and an item's 400 KB, however many batches failed.
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
    taken = UsageTotals()
    totals = Totals.of(_through(entries, taken))
    usd = None
    if price_list and plan:
        work = taken.work(plan, other_memory_mb=OTHER_MEMORY_MB)
        usd = round(bill(usage_lines(work), price_list).usd, 6)
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
        source=str(plan.spec) if plan else "",
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


def _through(
    entries: Iterable[BatchOutcome | BatchFailure], taken: UsageTotals
) -> Iterator[BatchOutcome | BatchFailure]:
    """Pass entries on, one at a time, adding up on the way what they took."""
    for entry in entries:
        taken.add(entry)
        yield entry


def _cause(failure: Mapping[str, Any] | None) -> str | None:
    if not failure:
        return None
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    return quote_failure(error, cause) or "unknown"


def _kind(failure: BatchFailure) -> str:
    return quote_failure(failure.error, failure.cause)


def _seconds(started_at: str, finished_at: str) -> float:
    return round((datetime.fromisoformat(finished_at) - datetime.fromisoformat(started_at)).total_seconds(), 3)
