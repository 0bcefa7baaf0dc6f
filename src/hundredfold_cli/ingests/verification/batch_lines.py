"""Which lines of an object are in which batch."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hundredfold.batches import Batch
from hundredfold_cli.ingests.verification.pinned_lines import PinnedLine


@dataclass(frozen=True, slots=True)
class BatchLines:
    """The lines of a batch, in order; or, without a batch, a line that is in none."""

    batch: Batch | None
    lines: Sequence[PinnedLine]


def divide_lines(lines: Iterator[PinnedLine], batches: Sequence[Batch]) -> Iterator[BatchLines]:
    """Divide an object's lines as its batches say.

    Parameters
    ----------
    batches : of this object, in the order of the manifest

    Yields
    ------
    BatchLines
        One for each batch, in order, and one for each line between them.
    """
    remaining = iter(batches)
    batch = next(remaining, None)
    inside: list[PinnedLine] = []
    for line in lines:
        while batch and _is_behind(line, batch, inside):
            yield BatchLines(batch, inside)
            batch, inside = next(remaining, None), []
        if batch and _is_inside(line, batch):
            inside.append(line)
        else:
            yield BatchLines(None, [line])
    while batch:
        yield BatchLines(batch, inside)
        batch, inside = next(remaining, None), []


def range_faults(read: BatchLines) -> list[str]:
    """Return where a batch's entry in the manifest differs from its lines."""
    batch, lines = read.batch, read.lines
    if batch is None:
        return []
    faults = []
    if len(lines) != batch.records:
        faults.append(f"has {batch.records} records, and the source has {len(lines)} there")
    if lines:
        first, last = lines[0], lines[-1]
        if first.number != batch.line:
            faults.append(f"begins with line {batch.line}, and that is line {first.number}")
        if first.offset is not None and (first.offset, last.end) != (batch.offset, batch.offset + batch.length):
            faults.append("is not the range from its first record to the end of its last")
    return faults


def _is_behind(line: PinnedLine, batch: Batch, inside: Sequence[PinnedLine]) -> bool:
    if line.offset is None:
        return len(inside) == batch.records
    return line.offset >= batch.offset + batch.length


def _is_inside(line: PinnedLine, batch: Batch) -> bool:
    if line.offset is None or line.end is None:
        return line.number >= batch.line
    return line.offset >= batch.offset and line.end <= batch.offset + batch.length
