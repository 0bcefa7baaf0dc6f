"""What a person sees of an ingest: its summary, its failures, a few predictions, and a recount."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from hundredfold.ingest import Plan
from hundredfold.summary import Status
from hundredfold_cli.console import out, say
from hundredfold_cli.ingests.answers import answer_text
from hundredfold_cli.ingests.outcomes import BatchRead, record_of
from hundredfold_cli.ingests.rejections import RejectionGroup
from hundredfold_cli.ingests.verification.findings import Verification

_REJECTION_GROUPS = 5
"""How many causes of rejections are printed."""

_STYLES = {Status.COMPLETED: "bold green", Status.FAILED: "bold red", Status.RUNNING: "bold yellow"}


def print_summary(summary: Mapping[str, Any], predictions_table: str) -> None:
    """Print an ingest's summary."""
    status = Status(summary["status"])
    seconds = float(summary["seconds"])
    scored = int(summary["predicted"]) + int(summary["rejected"])
    resumes = summary.get("resumed", [])
    table = Table(box=SIMPLE, show_header=False, title=f"Ingest {summary['ingest_id']}", title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows: dict[str, str] = {
        "status": f"[{_STYLES[status]}]{status}[/]"
        + (f"  {escape(str(summary['cause']))}" if summary.get("cause") else ""),
        **_progress(summary, running=status is Status.RUNNING),
        "records in": f"{summary['records']:,}",
        "predicted": f"{summary['predicted']:,}",
        "rejected": _with_counts(summary["rejected"], summary["reasons"]),
        **_written_back(summary),
        **_skipped(summary),
        **({} if status is Status.RUNNING else _ended(summary, scored / seconds if seconds else None)),
        "seconds": f"{seconds:,.1f}",
        **({"resumed": _resumes_text(resumes)} if resumes else {}),
        **_executions(summary.get("executions", [])),
        "model version": str(summary["model_version"]) or "-",
        "drift": escape(_drift_text(summary.get("drift"))),
        **_accuracy_text(summary.get("drift")),
        **{f"  version {part['version']}": _model_text(part) for part in summary.get("models", [])},
        "cost": f"${summary['usd']:.4f} by list prices" if summary.get("usd") is not None else "-",
        "source": escape(str(summary["source"])) or "-",
        "predictions": f"DynamoDB table {predictions_table}",
    }
    if "verified" in summary:
        rows["verified"] = escape(_verified_text(summary["verified"], summary["ingest_id"]))
    if "shadow" in summary:
        rows["shadow"] = escape(_shadow_text(summary["shadow"]))
    for name, value in rows.items():
        table.add_row(name, value)
    out.print(table)


def print_executions(summary: Mapping[str, Any]) -> None:
    """Print what each execution of an ingest did and cost by the ledger, if there are several."""
    for name, text in _executions(summary.get("executions", [])).items():
        out.print(f"{name.strip()}: {text}", soft_wrap=True, markup=False)


def print_failures(failed: Mapping[str, Sequence[int]], ingest_id: str) -> None:
    """Print which batches are not done, grouped by cause, and the command that does them.

    Parameters
    ----------
    failed : the numbers of the batches, ascending, by cause
    """
    for cause, batches in failed.items():
        out.print(f"  {batch_ranges(batches)}: {cause}", markup=False, soft_wrap=True)
    if failed:
        say(f"mend the cause, and then run: hundredfold resume {ingest_id}")


def print_rejections(groups: Sequence[RejectionGroup], ingest_id: str, *, complete: bool) -> None:
    """Print why so many records were rejected that the ingest failed, and what to do.

    Parameters
    ----------
    groups : the most frequent first
    complete : whether these are all rejections, and not only the first ones
    """
    out.print(f"[bold red]Rejected[/]{'' if complete else ', of the first rejections'}:")
    for group in groups[:_REJECTION_GROUPS]:
        out.print(f"  {group}", markup=False, soft_wrap=True)
    if groups[_REJECTION_GROUPS:]:
        out.print(f"  and {len(groups) - _REJECTION_GROUPS:,} more causes")
    say(f"list them with: hundredfold results {ingest_id} --rejected")
    say(f"accept them with: hundredfold resume {ingest_id} --max-rejected PERCENT")


def print_sample(plan: Plan, batches: Sequence[BatchRead]) -> None:
    """Print the first prediction of each of some batches, with its record."""
    table = Table(box=SIMPLE, title="A few predictions", title_justify="left", expand=True)
    table.add_column("id", overflow="fold")
    table.add_column("prediction", overflow="fold")
    table.add_column("record", overflow="ellipsis", no_wrap=True, ratio=1)
    for batch in batches:
        predicted = ((line, prediction) for line in batch.lines if (prediction := batch.own_prediction(line)))
        for line, prediction in islice(predicted, 1):
            fields = {name: value for name, value in record_of(line, plan).items() if name != "id"}
            text = next(iter(fields.values())) if len(fields) == 1 else json.dumps(fields, ensure_ascii=False)
            table.add_row(escape(str(line.record_id)), escape(answer_text(prediction)), escape(str(text)))
    if table.row_count:
        out.print(table)


def print_verification(verification: Verification, ingest_id: str) -> None:
    """Print the result of a verification."""
    verdict = "[bold green]agrees[/]" if verification.ok else "[bold red]does not agree[/]"
    counts = {
        "predicted": verification.predicted,
        "rejected": verification.rejected,
        "failed": verification.failed,
        **{name: count for name in ("missing", "doubled", "overwritten") if (count := getattr(verification, name))},
    }
    out.print(
        f"Recount of {ingest_id} {verdict}: {verification.records:,} records in the source = "
        + " + ".join(f"{count:,} {name}" for name, count in counts.items())
        + (f"; {verification.extra:,} outcomes of no record" if verification.extra else ""),
        soft_wrap=True,
    )
    if verification.predicted_again is not None:
        out.print(f"  {verification.predicted_again:,} records were predicted again")
    for store, count in verification.counts.items():
        problems = [problem for problem in verification.problems if problem.store is store]
        out.print(f"  {store}: {count:,} problem{'s' if count > 1 else ''}", markup=False)
        for problem in problems:
            out.print(f"    {problem.what}", markup=False, soft_wrap=True)
        if count > len(problems):
            out.print(f"    and {count - len(problems):,} more")
    if verification.not_verified:
        out.print("  not verified:")
        for what in verification.not_verified:
            out.print(f"    {what}", markup=False, soft_wrap=True)


def _skipped(summary: Mapping[str, Any]) -> dict[str, str]:
    skipped = summary.get("skipped_objects", 0)
    return {"skipped": f"{skipped:,} empty objects that mark folders"} if skipped else {}


def _written_back(summary: Mapping[str, Any]) -> dict[str, str]:
    written, outdated = summary.get("written_back", 0), summary.get("outdated", 0)
    if not (written or outdated):
        return {}
    return {"written back": f"{written:,}" + (f"  ({outdated:,} items changed or gone since)" if outdated else "")}


def batch_ranges(batches: Sequence[int]) -> str:
    """Write ascending numbers as "batch 3" or "batches 0-4, 7"."""
    ranges: list[list[int]] = []
    for batch in batches:
        if ranges and batch == ranges[-1][1] + 1:
            ranges[-1][1] = batch
        else:
            ranges.append([batch, batch])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return f"batch{'es' if len(batches) > 1 else ''} {', '.join(texts)}"


def _shadow_text(shadow: Mapping[str, Any]) -> str:
    if "error" in shadow:
        return f"version {shadow['version']} failed: {shadow['error']}"
    return f"version {shadow['version']} disagrees on {shadow['disagreed']:,} of {shadow['compared']:,} records"


def _verified_text(verified: Mapping[str, Any], ingest_id: str) -> str:
    at = str(verified["at"]).replace("T", " ")
    if verified["ok"]:
        return f"{at}: agrees"
    overwritten = f", {verified['overwritten']:,} records overwritten" if verified["overwritten"] else ""
    return f"{at}: {verified['problems']:,} problems{overwritten}; hundredfold verify {ingest_id} shows them"


def _drift_text(drift: Mapping[str, Any] | None) -> str:
    if drift is None or not isinstance(drift["labels"], Mapping):  # an older release has numbers
        return "-"
    indices = ", ".join(_index_text(name, drift) for name in ("labels", "scores", "inputs"))
    return f"{indices}; {drift['unseen_share']:.1%} unknown or out of range"


def _index_text(name: str, drift: Mapping[str, Any]) -> str:
    index, chance = drift[name]["index"], drift[name]["chance"]
    text = f"{name} {index:.3f}"
    if index <= chance:
        return text
    where = f", {drift['input']}" if name == "inputs" else ""
    return f"{text} (chance: under {chance:.3f}{where})"


def _accuracy_text(drift: Mapping[str, Any] | None) -> dict[str, str]:
    accuracy = drift.get("accuracy") if drift else None
    if not accuracy:
        return {}
    text = (
        f"about {accuracy['expected']:.1%} ({accuracy['low']:.1%} to {accuracy['high']:.1%}) by the scores alone; "
        f"{accuracy['baseline']:.1%} in the baseline"
    )
    return {"accuracy": text}


def _resumes_text(resumes: Sequence[Mapping[str, Any]]) -> str:
    times = "once" if len(resumes) == 1 else f"{len(resumes)} times"
    last = resumes[-1]
    return f"{times}, last for {last['batches']:,} batches with model version {last['model_version']}"


def _progress(summary: Mapping[str, Any], *, running: bool) -> dict[str, str]:
    """Return the rows of an ingest that runs: how far it is, and when it will end."""
    if not running:
        return {}
    progress = summary.get("progress")
    if not progress:
        return {"done": "it is being planned"}
    done, batches = progress["batches_done"], progress["batches"]
    failed = f", {progress['batches_failed']:,} failed so far" if progress["batches_failed"] else ""
    rows = {"done": f"{done:,} of {batches:,} batches ({done / batches:.0%}){failed}" if batches else "no batches"}
    if progress["records_a_second"]:
        left = timedelta(seconds=round(progress["seconds_left"]))
        rows["records a second"] = f"{progress['records_a_second']:,.0f}"
        rows["will end"] = f"in about {left}, at {progress['ends_at'][11:19]} UTC"
    return rows


def _ended(summary: Mapping[str, Any], rate: float | None) -> dict[str, str]:
    failed = summary["failures"] and _with_counts(f", {summary['batches_failed']:,} failed", summary["failures"])
    return {
        "failed": f"{summary['failed']:,}",
        "batches": f"{summary['batches']:,}{failed or ''}",
        "records a second": "-" if rate is None else f"{rate:,.0f}",
    }


def _executions(executions: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return a row for each execution, if there are several. Seconds and cost of the ingest are their sums."""
    if len(executions) < 2:
        return {}
    rows = {}
    for number, part in enumerate(executions, start=1):
        usd = f", ${part['usd']:.4f}" if part.get("usd") is not None else ""
        model = f" with version {part['model_version']}" if part["batches"] else ""
        rows[f"  execution {number}"] = f"{part['batches']:,} batches{model} in {part['seconds'] or 0:,.1f} s{usd}"
    return rows


def _model_text(part: Mapping[str, Any]) -> str:
    return f"{part['predicted']:,} predicted in {part['batches']:,} batches; drift {_drift_text(part.get('drift'))}"


def _with_counts(value: object, counts: Mapping[str, int]) -> str:
    text = f"{value:,}" if isinstance(value, int) else str(value)
    if not counts:
        return text
    return f"{text}  ({escape(', '.join(f'{count:,} {name}' for name, count in counts.items()))})"
