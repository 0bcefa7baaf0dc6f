"""Makes objects of every format, and reads them."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.object_names import options_for_name
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.reading import read_as_lines


class SlowFile(io.RawIOBase):
    """A file that gives a few bytes at a time, as a network may."""

    def __init__(self, content: bytes, max_bytes: int) -> None:
        super().__init__()
        self._content = io.BytesIO(content)
        self._max_bytes = max_bytes

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._content.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(memoryview(buffer)[: self._max_bytes])


def read(content: bytes, name: str, **options: Any) -> bytes:
    """Read an object of this name and content as JSON Lines."""
    return b"".join(read_as_lines(io.BytesIO(content), options_for_name(ReadOptions(**options), name), name))


def records(content: bytes, name: str, **options: Any) -> list[Any]:
    """Read the records of an object."""
    return [json.loads(line) for line in read(content, name, **options).splitlines()]


def refused(content: bytes, name: str, **options: Any) -> str:
    """Return the error that an object is refused with; it has one line and names the object."""
    with pytest.raises(InvalidIngestError) as error:
        read(content, name, **options)
    assert "\n" not in str(error.value)
    assert name in str(error.value)
    return str(error.value)


def as_csv(rows: Sequence[Sequence[str]], delimiter: str = ",", end: str = "\r\n") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def as_parquet(columns: Mapping[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table(dict(columns)), out, **options)
    return out.getvalue()


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, "zstd", asbytes=True))
