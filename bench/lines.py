"""The lines of a file, as byte ranges."""

from collections.abc import Iterator
from pathlib import Path


def line_offsets(file: Path) -> Iterator[int]:
    """Yield where each line begins, and where the last one ends, in bytes."""
    offset = 0
    yield offset
    with file.open("rb") as lines:
        for line in lines:
            offset += len(line)
            yield offset
