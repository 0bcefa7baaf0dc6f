"""Progress bars: of an upload, and of an ingest."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

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

from hundredfold.summary import Totals
from hundredfold_cli.console import err


class IngestProgress:
    """A live progress bar of one ingest. Without a terminal it prints a plain line now and then."""

    def __init__(self, progress: Progress, ingest_id: str) -> None:
        self._progress = progress
        self._task = progress.add_task(ingest_id, total=None, counts="planning")
        self._interactive = progress.console.is_terminal
        self._printed = -1

    def show(self, totals: Totals, records: int, batches: int, seconds: float) -> None:
        """Show how far the ingest has got.

        Parameters
        ----------
        totals : what the ledger has of its batches
        records, batches : how many are planned
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
    """Show the progress of an upload while the context lasts. Call what it yields with the bytes of each chunk.

    Parameters
    ----------
    size : in bytes; None if it is not known
    """
    columns = (TextColumn("uploading"), BarColumn(bar_width=30), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as progress:
        task = progress.add_task("upload", total=size)
        yield lambda chunk_bytes: progress.update(task, advance=chunk_bytes)


@contextmanager
def ingest_progress(ingest_id: str) -> Iterator[IngestProgress]:
    """Show the progress of an ingest while the context lasts."""
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
