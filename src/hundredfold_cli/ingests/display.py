"""What a person sees of ingests: summary, failures, sample, recount and progress."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from rich.table import Table

from hundredfold.ingest import Plan
from hundredfold.summary import Status, Totals
from hundredfold_cli.ingests.outcomes import BatchRead, record_of
from hundredfold_cli.ingests.verification import Verification
from hundredfold_cli.terminal import err, out, say

_STYLES = {Status.COMPLETED: "bold green", Status.FAILED: "bold red", Status.RUNNING: "bold yellow"}


def print_summary(summary: Mapping[str, Any], predictions_table: str) -> None:
    """Print an ingest's summary for a person."""
    status = Status(summary["status"])
    seconds = float(summary["seconds"])
    scored = int(summary["predicted"]) + int(summary["rejected"])
    resumed = summary.get("resumed", [])
    table = Table(box=SIMPLE, show_header=False, title=f"Ingest {summary['ingest_id']}", title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    rows: dict[str, str] = {
        "status": f"[{_STYLES[status]}]{status}[/]" + (f"  {summary['cause']}" if summary.get("cause") else ""),
        "records in": f"{summary['records']:,}",
        "predicted": f"{summary['predicted']:,}",
        "rejected": _with_counts(summary["rejected"], summary["reasons"]),
        **_written_back(summary),
        "failed": f"{summary['failed']:,}",
        "batches": f"{summary['batches']:,}"
        + (_with_counts(f", {summary['batches_failed']:,} failed", summary["failures"]) if summary["failures"] else ""),
        "seconds": f"{seconds:,.1f}",
        # Of a resumed ingest the seconds are the last execution's, and most records another's.
        "records a second": f"{scored / seconds:,.0f}" if seconds and not resumed else "-",
        **({"resumed": _resumes(resumed)} if resumed else {}),
        "model version": str(summary["model_version"]) or "-",
        "drift": _drift(summary.get("drift")),
        "cost": f"${summary['usd']:.4f} by list prices" if summary.get("usd") is not None else "-",
        "source": str(summary["source"]) or "-",
        "predictions": f"DynamoDB table {predictions_table}",
    }
    if "shadow" in summary:
        rows["shadow"] = _shadow(summary["shadow"])
    for name, value in rows.items():
        table.add_row(name, value)
    out.print(table)


def _written_back(summary: Mapping[str, Any]) -> dict[str, str]:
    written, outdated = summary.get("written_back", 0), summary.get("outdated", 0)
    if not (written or outdated):
        return {}
    return {"written back": f"{written:,}" + (f"  ({outdated:,} items changed or gone since)" if outdated else "")}


def print_failures(failed: Mapping[str, Sequence[int]], ingest_id: str) -> None:
    """Print which batches are not done, by why, and what to do about it."""
    for cause, batches in failed.items():
        out.print(f"  {_ranges(batches)}: {cause}", markup=False, soft_wrap=True)
    if failed:
        say(f"once the cause is mended: hundredfold resume {ingest_id}")


def _ranges(batches: Sequence[int]) -> str:
    """Write ascending numbers as "batch 3" or "batches 0-4, 7"."""
    ranges: list[list[int]] = []
    for batch in batches:
        if ranges and batch == ranges[-1][1] + 1:
            ranges[-1][1] = batch
        else:
            ranges.append([batch, batch])
    parts = [str(first) if first == last else f"{first}-{last}" for first, last in ranges]
    return f"batch{'es' if len(batches) > 1 else ''} {', '.join(parts)}"


def _shadow(told: Mapping[str, Any]) -> str:
    if "error" in told:
        return f"version {told['version']} failed: {told['error']}"
    return f"version {told['version']} disagrees on {told['disagreed']:,} of {told['compared']:,} records"


def _drift(drift: Mapping[str, float] | None) -> str:
    if drift is None:
        return "-"
    indices = ", ".join(f"{name} {drift[name]:.3f}" for name in ("labels", "scores", "inputs"))
    return f"{indices}; {drift['unseen']:.1%} unknown or out of range"


def print_sample(plan: Plan, reads: list[BatchRead]) -> None:
    """Print the prediction of the first record of each of some batches, with the record."""
    table = Table(box=SIMPLE, title="A few predictions", title_justify="left", expand=True)
    table.add_column("id", no_wrap=True)
    table.add_column("prediction", no_wrap=True)
    table.add_column("record", overflow="ellipsis", no_wrap=True, ratio=1)
    for read in reads:
        line = next((line for line in read.lines if line.record_id in read.predictions), None)
        if line and line.record_id:
            prediction = read.predictions[line.record_id]
            fields = {name: value for name, value in record_of(line, plan).items() if name != "id"}
            text = next(iter(fields.values())) if len(fields) == 1 else json.dumps(fields, ensure_ascii=False)
            table.add_row(escape(line.record_id), escape(answer_text(prediction)), escape(str(text)))
    if table.row_count:
        out.print(table)


def answer_text(answer: Mapping[str, Any]) -> str:
    """Return a stored answer in a few words: `positive  0.931`, `21.5`, `colour: red  0.800, size: 2.1`."""
    if "outputs" in answer:
        return ", ".join(f"{name}: {answer_text(one)}" for name, one in sorted(answer["outputs"].items()))
    if "value" in answer:
        return f"{answer['value']:g}"
    return f"{answer['label']}  {answer['score']:.3f}" if "score" in answer else str(answer["label"])


def print_verification(found: Verification, ingest_id: str) -> None:
    """Print a recount for a person."""
    verdict = "[bold green]agrees[/]" if found.ok else "[bold red]does not agree[/]"
    out.print(
        f"Recount of {ingest_id} {verdict}: {found.records:,} records in the source = {found.predicted:,} predicted + "
        f"{found.rejected:,} rejected + {found.failed:,} failed"
        + (f" + {found.missing:,} missing + {found.doubled:,} doubled" if found.missing or found.doubled else ""),
        soft_wrap=True,
    )
    for problem in (*found.disagreements, *found.examples):
        out.print(f"  {problem}", markup=False)


class IngestProgress:
    """A live line on how an ingest goes; a plain line now and then where there is no terminal."""

    def __init__(self, progress: Progress, ingest_id: str) -> None:
        self._progress = progress
        self._task = progress.add_task(ingest_id, total=None, counts="planning")
        self._interactive = progress.console.is_terminal
        self._printed = -1

    def show(self, totals: Totals, records: int, batches: int, seconds: float) -> None:
        """Show how far it has got.

        Parameters
        ----------
        records, batches : how many the plan has
        seconds : since the execution began
        """
        scored = totals.predicted + totals.rejected
        failed_batches = len(totals.failures)
        ended = totals.batches_done + failed_batches
        rate = scored / seconds if seconds else 0.0
        counts = (
            f"{ended:,}/{batches:,} batches  {scored:,}/{records:,} records  {rate:,.0f} records/s  "
            f"{totals.rejected:,} rejected  {failed_batches:,} batches failed"
        )
        self._progress.update(self._task, total=batches, completed=ended, counts=counts)
        if not self._interactive and ended != self._printed:
            self._printed = ended
            self._progress.console.print(f"{seconds:6.1f} s  {counts}", soft_wrap=True)


@contextmanager
def upload_progress(size: int | None) -> Iterator[Callable[[int], None]]:
    """Show how much of `size` bytes is uploaded (None: nobody knows how many); call the context with each piece's."""
    columns = (TextColumn("uploading"), BarColumn(bar_width=30), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("upload", total=size)
        yield lambda piece: progress.update(task, advance=piece)


@contextmanager
def ingest_progress(ingest_id: str) -> Iterator[IngestProgress]:
    """Show the progress of one ingest while the context lasts."""
    columns = (
        SpinnerColumn(),
        BarColumn(bar_width=30),
        TextColumn("{task.fields[counts]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        yield IngestProgress(progress, ingest_id)


def _resumes(resumed: Sequence[Mapping[str, Any]]) -> str:
    times = "once" if len(resumed) == 1 else f"{len(resumed)} times"
    last = resumed[-1]
    return f"{times}, last for {last['batches']:,} batches with model version {last['model_version']}"


def _with_counts(value: object, counts: Mapping[str, int]) -> str:
    shown = f"{value:,}" if isinstance(value, int) else str(value)
    if not counts:
        return shown
    return f"{shown}  ({', '.join(f'{count:,} {name}' for name, count in counts.items())})"
