"""Checks of an ingest's summary: every field is computed again, or compared with what Step Functions knows."""

import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from hundredfold.accounting.model_totals import BaselineOf
from hundredfold.accounting.prices import prices_or_none
from hundredfold.accounting.summarize import is_over_limit, summarize
from hundredfold.batches import BatchOutcome
from hundredfold.ingest import Plan, resume_name
from hundredfold.summary import ExecutionPart, History, Status
from hundredfold_cli.ingests.executions import has_summary, resume_number
from hundredfold_cli.ingests.verification.answers import parse_time
from hundredfold_cli.ingests.verification.executions import Execution, Executions
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.shapes import LedgerEntry

_RECOUNTED = ("records", "predicted", "rejected", "failed")
_RECOMPUTED = (
    "ingest_id", "batches", "batches_failed", "model_version", "source", "reasons", "failures", "written_back",
    "outdated", "skipped_objects",
)  # fmt: skip
_OF_OUTPUT = (
    "status", "records", "predicted", "rejected", "failed", "batches", "seconds", "model_version", "cause",
)  # fmt: skip
_ENDED_BY_SUMMARY = frozenset({"SUCCEEDED", "FAILED"})
_MILLISECOND = timedelta(milliseconds=1)
_CLOCKS_DIFFER = timedelta(seconds=10)
"""How far the clocks of Lambda and of Step Functions may be apart: an ingest's seconds are measured with both."""


def check_summary(
    item: Mapping[str, Any],
    plan: Plan,
    recounted: Mapping[str, int],
    entries: Iterable[LedgerEntry],
    executions: Executions,
    baseline_of: BaselineOf,
    region: str,
    verification: Verification,
) -> None:
    """Check the summary of an ingest.

    Parameters
    ----------
    item : of the ingest in the ledger
    recounted : records, predicted, rejected and failed, as they must be
    baseline_of : returns the baseline of a model version
    region : whose prices the cost is computed with
    """
    last = executions.last
    resumes = item.get("resumed") or []
    execution = str(item.get("execution"))
    number = resume_number(execution)
    verification.compare(
        Store.SUMMARY, "execution", execution, resume_name(plan.ingest_id, number) if number else plan.ingest_id
    )
    if not has_summary(item, executions.last_name):
        if last and last.status == "SUCCEEDED":
            verification.add(Store.SUMMARY, f"execution {last.name} succeeded, and the ledger has no summary of it")
        else:
            verification.leave_out("the ledger has no summary: the last execution was lost or ended before it")
        return
    for name in _RECOUNTED:
        verification.compare(Store.SUMMARY, name, item.get(name), recounted[name])
    entries = list(entries)
    _recompute(item, plan, entries, baseline_of, region, verification)
    _check_status(item, plan, entries, verification)
    if last is None:
        verification.leave_out("Step Functions has forgotten the execution: start, duration and cause are not known")
    else:
        _check_execution(item, last, verification)
    for resume in resumes:
        if not isinstance(resume, dict) or parse_time(resume.get("started_at")) is None:
            verification.add(Store.SUMMARY, "a resume in it is malformed")


def _recompute(
    item: Mapping[str, Any],
    plan: Plan,
    entries: list[LedgerEntry],
    baseline_of: BaselineOf,
    region: str,
    verification: Verification,
) -> None:
    """Compute the summary once more from the ledger."""
    started, seconds = parse_time(item.get("started_at")), _last_seconds(item)
    if started is None or seconds is None or seconds < 0:
        verification.add(Store.SUMMARY, "started_at is no time, or seconds is no number")
        return
    try:
        parts = msgspec.convert(item.get("executions") or [], list[ExecutionPart])
    except msgspec.ValidationError as error:
        verification.add(Store.SUMMARY, f"its executions are malformed: {error}")
        return
    ended = started + timedelta(seconds=seconds)
    price_list = prices_or_none(region)
    computed = summarize(
        str(item.get("ingest_id")),
        started.isoformat(),
        ended.isoformat(),
        plan,
        [entry.outcome for entry in entries],
        None,
        execution=str(item.get("execution")),
        history=History(tuple(parts[:-1]), began_at=str(item.get("began_at", ""))),
        baseline_of=baseline_of,
        price_list=price_list,
    ).as_dict()
    computed["ingest_id"] = plan.ingest_id
    for name in _RECOMPUTED:
        verification.compare(Store.SUMMARY, name, item.get(name, 0), computed[name])
    if all(baseline_of(version or plan.model.version) for version in _sketched_versions(entries)):
        verification.compare(Store.SUMMARY, "drift", item.get("drift"), computed["drift"])
        verification.compare(Store.SUMMARY, "models", item.get("models") or [], list(computed["models"]))
    if parts:
        _check_parts(item, parts, computed, verification)
    elif "began_at" in item:
        verification.add(Store.SUMMARY, "its executions are gone")
    if any((done_at := parse_time(entry.done_at)) and done_at > ended for entry in entries):
        # A batch may be delivered twice. The later invocation replaces the figures of the earlier one.
        verification.leave_out("a batch was done again after the summary: the cost could not be computed as it was")
    elif price_list and price_list.dated > started.date().isoformat():
        verification.leave_out("the price list is newer than the ingest: the cost could not be computed as it was")
    else:
        verification.compare(Store.SUMMARY, "usd", item.get("usd"), computed["usd"])


def _check_parts(
    item: Mapping[str, Any], parts: list[ExecutionPart], computed: Mapping[str, Any], verification: Verification
) -> None:
    """Check the executions in a summary: their sum, and of the last one what can be computed again."""
    verification.compare(Store.SUMMARY, "seconds", item.get("seconds"), computed["seconds"])
    if parts[-1].usd is not None:
        usd = round(math.fsum(part.usd or 0.0 for part in parts), 6)
        verification.compare(Store.SUMMARY, "usd", item.get("usd"), usd)
    last = computed["executions"][-1]
    for name in ("execution", "model_version", "batches"):
        verification.compare(Store.SUMMARY, f"{name} of its last execution", getattr(parts[-1], name), last[name])
    if parse_time(parts[-1].started_at) != parse_time(item.get("started_at")):
        verification.add(Store.SUMMARY, "its last execution started at another time than started_at")
    if parse_time(parts[0].started_at) != parse_time(item.get("began_at")):
        verification.add(Store.SUMMARY, "its first execution started at another time than began_at")


def _last_seconds(item: Mapping[str, Any]) -> float | None:
    """Return how long the last execution took. A summary of an older release has only that."""
    executions = item.get("executions")
    last = executions[-1] if isinstance(executions, list) and executions else item
    seconds = last.get("seconds") if isinstance(last, Mapping) else None
    return float(seconds) if isinstance(seconds, float | int) else None


def _sketched_versions(entries: Iterable[LedgerEntry]) -> set[str]:
    outcomes = (entry.outcome for entry in entries)
    return {outcome.model_version for outcome in outcomes if isinstance(outcome, BatchOutcome) and outcome.sketch}


def _check_status(item: Mapping[str, Any], plan: Plan, entries: list[LedgerEntry], verification: Verification) -> None:
    status, cause = item.get("status"), item.get("cause")
    if status not in {Status.COMPLETED, Status.FAILED}:
        verification.add(Store.SUMMARY, f"status is {status!r}")
    if (status == Status.FAILED) != bool(cause):
        verification.add(Store.SUMMARY, "an ingest has a cause if it failed, and only then")
    if status == Status.COMPLETED and len(entries) < plan.batches:
        verification.add(Store.SUMMARY, "the ingest is COMPLETED, and batches of it were never finished")
    rejected = sum(entry.outcome.rejected for entry in entries if isinstance(entry.outcome, BatchOutcome))
    if status == Status.COMPLETED and is_over_limit(rejected, plan):
        verification.add(Store.SUMMARY, "the ingest is COMPLETED, and more of its records were rejected than may be")


def _check_execution(item: Mapping[str, Any], last: Execution, verification: Verification) -> None:
    """Compare a summary with the execution that made it."""
    started, seconds = parse_time(item.get("started_at")), _last_seconds(item)
    if started and abs(started - last.started) > _MILLISECOND:
        verification.compare(Store.SUMMARY, "started_at", item.get("started_at"), last.started.isoformat())
    if last.status not in _ENDED_BY_SUMMARY or last.stopped is None:
        return  # it was stopped after it had written the summary
    if last.status == "SUCCEEDED" and isinstance(last.output, dict):
        for name in _OF_OUTPUT:
            verification.compare(
                Store.SUMMARY, f"{name}, which the execution returned,", item.get(name), last.output.get(name)
            )
    elif last.error == "IngestFailed":
        verification.compare(Store.SUMMARY, "status, as the execution ended,", item.get("status"), Status.FAILED.value)
        verification.compare(Store.SUMMARY, "cause, as the execution ended,", item.get("cause"), last.cause)
        if started and seconds is not None and not _within(started + timedelta(seconds=seconds), last):
            verification.add(Store.SUMMARY, "seconds is longer than the execution was")


def _within(time: datetime, execution: Execution) -> bool:
    return execution.stopped is None or execution.started <= time <= execution.stopped + _CLOCKS_DIFFER
