"""The summary of an ingest: every planned record is predicted, rejected or failed."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from hundredfold.accounting.execution_totals import ExecutionTotals
from hundredfold.accounting.model_totals import BaselineOf, ModelTotals
from hundredfold.accounting.prices import PriceList
from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.failures import quote_failure
from hundredfold.ingest import Plan
from hundredfold.summary import ExecutionPart, History, Status, Summary, Totals

NEVER_FINISHED = "never finished"
"""The cause of batches that the ledger has no entry of."""

MOST_KINDS = 20
"""How many kinds of failure a summary lists.

A summary must fit into a state's 256 KiB and an item's 400 KB, however many batches failed.
"""

_MOST_NAMED = 10
"""How many failed batches the cause names by their numbers."""


def summarize(
    ingest_id: str,
    started_at: str,
    finished_at: str,
    plan: Plan | None,
    entries: Iterable[BatchOutcome | BatchFailure],
    failure: Mapping[str, Any] | None,
    *,
    execution: str = "",
    history: History = History(),  # noqa: B008 - frozen
    tolerated_percentage: float = 0.0,
    baseline_of: BaselineOf = lambda _: None,
    price_list: PriceList | None = None,
) -> Summary:
    """Add up the ledger, compare it with the plan, and decide whether the ingest is completed.

    Parameters
    ----------
    started_at, finished_at : of this execution, ISO 8601
    plan : None if the planning itself failed
    entries : the ledger's entries of batches, in any order; they are read once
    failure : the error and cause that ended the ingest, as the state machine caught them, or None
    execution : the name of this execution; empty for the first one, whose name is the ingest's id
    history : what was before this execution
    tolerated_percentage : the share of the batches that may fail, in percent
    baseline_of : returns the baseline of a model version that scored batches, for the drift
    price_list : for the cost; None if there is none for this region
    """
    version = plan.model.version if plan else ""
    current = ExecutionPart(execution or ingest_id, started_at, version)
    by_execution, by_model = ExecutionTotals(history.executions, current), ModelTotals()
    totals = Totals.sum(_add_up(entries, by_execution, by_model))
    executions = by_execution.parts(plan, _seconds(started_at, finished_at), price_list)
    models = by_model.parts(version, baseline_of)
    drifts = [model.drift for model in models if model.drift]
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
        # The tolerance is for batches that failed, not for batches that never finished.
        cause = cause or f"{unfinished} batches were never finished"
    if len(totals.failures) * 100 > tolerated_percentage * batches:
        cause = cause or _too_many_failed(totals.failures, batches, tolerated_percentage)
    if plan and is_over_limit(totals.rejected, plan):
        cause = cause or _too_many_rejected(totals.rejected, plan, totals.reasons)
    return Summary(
        ingest_id=ingest_id,
        status=Status.COMPLETED if cause is None else Status.FAILED,
        records=records,
        predicted=totals.predicted,
        rejected=totals.rejected,
        failed=max(failed, 0),
        batches=batches,
        batches_failed=max(batches - totals.batches_done, 0),
        seconds=round(math.fsum(part.seconds or 0.0 for part in executions), 3),
        started_at=started_at,
        model_version=version,
        source=str(plan.spec) if plan else "",
        reasons=totals.reasons,
        failures=dict(failures.most_common()),
        cause=cause,
        drift=max(drifts, key=lambda drift: drift.largest, default=None),
        usd=_usd(executions),
        written_back=totals.written_back,
        outdated=totals.outdated,
        skipped_objects=plan.skipped_objects if plan else 0,
        began_at=history.began_at or started_at,
        executions=executions,
        models=models if len(models) > 1 else (),
    )


def is_over_limit(rejected: int, plan: Plan) -> bool:
    """Tell whether an ingest has more rejected records than may be. An ingest that rejects all records always has."""
    return rejected > 0 and (rejected >= plan.records or rejected * 100 > plan.max_rejected_percent * plan.records)


def group_failures(entries: Iterable[BatchOutcome | BatchFailure], batches: int) -> dict[str, list[int]]:
    """Group the batches that are not done by cause, the most frequent cause first.

    Parameters
    ----------
    entries : the ledger's entries of batches, in any order
    batches : how many were planned, numbered from 0
    """
    without_entry = set(range(batches))
    groups: dict[str, list[int]] = {}
    for entry in sorted(entries, key=lambda entry: entry.batch):
        without_entry.discard(entry.batch)
        if isinstance(entry, BatchFailure):
            groups.setdefault(_kind(entry), []).append(entry.batch)
    if without_entry:
        groups[NEVER_FINISHED] = sorted(without_entry)
    return dict(sorted(groups.items(), key=lambda group: -len(group[1])))


def _add_up(
    entries: Iterable[BatchOutcome | BatchFailure], by_execution: ExecutionTotals, by_model: ModelTotals
) -> Iterator[BatchOutcome | BatchFailure]:
    """Yield each entry, and add it to the totals on the way."""
    for entry in entries:
        by_execution.add(entry)
        by_model.add(entry)
        yield entry


def _usd(executions: Sequence[ExecutionPart]) -> float | None:
    """Add up what executions cost. Return None if the last one is not known."""
    if executions[-1].usd is None:
        return None
    return round(math.fsum(part.usd or 0.0 for part in executions), 6)


def _cause(failure: Mapping[str, Any] | None) -> str | None:
    if not failure:
        return None
    error, cause = str(failure.get("Error", "")), str(failure.get("Cause", ""))
    return quote_failure(error, cause) or "unknown"


def _too_many_failed(failures: Sequence[BatchFailure], batches: int, tolerated_percentage: float) -> str:
    numbers = [str(failure.batch) for failure in failures]
    if others := len(numbers[_MOST_NAMED:]):
        numbers = [*numbers[:_MOST_NAMED], f"{others:,} more"]
    *first, last = numbers
    names = f"batches {', '.join(first)} and {last}" if first else f"batch {last}"
    return (
        f"{len(failures):,} of {batches:,} batches failed ({names}), more than the {tolerated_percentage:g} % that may"
    )


def _too_many_rejected(rejected: int, plan: Plan, reasons: Mapping[str, int]) -> str:
    counts = ", ".join(f"{count:,} {reason}" for reason, count in reasons.items())
    if rejected >= plan.records:
        return (
            f"{counts}: " + (f"all {rejected:,} records were" if rejected > 1 else "its only record was") + " rejected"
        )
    share = rejected * 100 / plan.records
    return (
        f"{counts}: {rejected:,} of {plan.records:,} records were rejected ({share:.3g} %), more than the "
        f"{plan.max_rejected_percent:g} % that may"
    )


def _kind(failure: BatchFailure) -> str:
    return quote_failure(failure.error, failure.cause)


def _seconds(started_at: str, finished_at: str) -> float:
    # Two services measure these times. Their clocks may differ by more than a short ingest takes.
    return round(
        max(0.0, (datetime.fromisoformat(finished_at) - datetime.fromisoformat(started_at)).total_seconds()), 3
    )
