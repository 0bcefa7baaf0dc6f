"""What came of each fault: a row for each, printed at the end of `make faults`."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """One fault.

    Attributes
    ----------
    injected : how often it happened
    first : how the ingest's first execution ended
    resumes : how many more executions it took
    lost : records without an outcome at the end
    doubled : records with two outcomes at the end
    seconds : how long it all took
    """

    fault: str
    injected: int
    first: str
    resumes: int
    end: str
    lost: int
    doubled: int
    seconds: float


def render(rows: Iterable[Row]) -> str:
    """Write the matrix as text."""
    rows = list(rows)
    header = ("fault", "injected", "first execution", "resumes", "end", "lost", "doubled", "seconds")
    table = [
        (
            row.fault,
            str(row.injected),
            row.first,
            str(row.resumes),
            row.end,
            str(row.lost),
            str(row.doubled),
            f"{row.seconds:.1f}",
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in [header, *table]) for column in range(len(header))]
    right = {1, 3, 5, 6, 7}

    def line(cells: tuple[str, ...]) -> str:
        padded = (
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        )
        return "  ".join(padded).rstrip()

    lost, doubled = sum(row.lost for row in rows), sum(row.doubled for row in rows)
    end = f"{len(rows)} faults, {lost} records lost, {doubled} doubled, {sum(row.seconds for row in rows):.0f} s"
    return "\n".join([line(header), line(tuple("─" * width for width in widths)), *map(line, table), "", end])
