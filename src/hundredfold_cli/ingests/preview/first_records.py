"""The first records of a source: its columns, their values, and the lines that the planner would make of them."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, BinaryIO

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.content import open_content
from hundredfold.sources.dynamodb.items import Item, item_line
from hundredfold.sources.format_options import DELIMITER, ENCODING
from hundredfold.sources.formats import format_of
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.reading import read_as_lines

MOST_RECORDS = 100
"""How many records are looked at."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"

type OpenFile = Callable[[], BinaryIO]
"""Opens a file or an object at its beginning; it can be sought."""
type _Rows = tuple[list[str], list[dict[str, Any]]]
"""The names of the columns, and the values of each row by column."""


@dataclass(frozen=True, slots=True)
class FirstRecords:
    """The first records of a source.

    Attributes
    ----------
    columns : the names of the columns, fields or attributes
    records : the values of each record by column, as the source has them
    lines : the lines that the planner makes of them; empty if it cannot make any, since a column is missing
    converts : whether the model's signature converts values
    """

    columns: tuple[str, ...]
    records: tuple[Mapping[str, Any], ...]
    lines: tuple[bytes, ...]
    converts: bool

    def values(self, column: str) -> list[Any]:
        """Return the values of a column, without those that are missing."""
        return [value for record in self.records if (value := record.get(column)) is not None and value != ""]


def columns_read(columns: Sequence[str], options: ReadOptions) -> dict[str, str]:
    """Return the column of each field that records get by these options. A field without a column is absent."""
    mapped = {*options.fields, *options.fields.values()}
    fields = {column: column for column in options.columns or columns if column in columns and column not in mapped}
    return fields | {field: column for field, column in options.fields.items() if column in columns}


def read_file(open_file: OpenFile, options: ReadOptions, name: str) -> FirstRecords:
    """Read the first records of a file or an object.

    Parameters
    ----------
    options : with kind and compression
    name : what errors call it

    Raises
    ------
    InvalidIngestError
        If it cannot be read by these options.
    """
    format_ = format_of(options)
    plain = replace(options, fields={}, columns=())
    if format_.name == "parquet":
        columns, records = _parquet_rows(open_file, plain, name)
    elif ENCODING in format_.options:
        columns, records = _delimited_rows(open_file, plain, name)
    else:
        records = [record for record in map(_object, _lines(open_file, plain, name)) if record is not None]
        columns = _names(records)
    can_be_read = "id" in columns_read(columns, options) and set(columns).issuperset(options.fields.values())
    # JSON has no columns. A record that lacks a field is rejected, and the others are read.
    lines = tuple(_lines(open_file, options, name)) if can_be_read or not format_.converts else ()
    return FirstRecords(tuple(columns), tuple(records), lines, format_.converts)


def read_items(pages: Iterable[Sequence[Item]], options: ReadOptions, without: str) -> FirstRecords:
    """Read the first items of a table.

    Parameters
    ----------
    without : the attribute that predictions are written back to
    """
    items = list(islice(chain.from_iterable(pages), MOST_RECORDS))
    records = [json.loads(item_line(item, ReadOptions(), without)) for item in items]
    lines = tuple(item_line(item, options, without) for item in items)
    return FirstRecords(tuple(_names(records)), tuple(records), lines, converts=False)


def _lines(open_file: OpenFile, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Yield the first lines that the planner would make of a source, without blank ones."""
    with open_file() as file:
        yield from islice(filter(bytes.strip, _split(read_as_lines(file, options, name))), MOST_RECORDS)


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    rest = b""
    for number, chunk in enumerate(chunks):
        *lines, rest = (rest + (chunk if number else chunk.removeprefix(_BYTE_ORDER_MARK))).split(b"\n")
        yield from lines
    yield rest


def _object(line: bytes) -> dict[str, Any] | None:
    with suppress(ValueError, RecursionError):
        record = json.loads(line)
        if isinstance(record, dict):
            return record
    return None


def _names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(records)))


def _delimited_rows(open_file: OpenFile, options: ReadOptions, name: str) -> _Rows:
    delimiter = options.delimiter if DELIMITER in format_of(options).options else "\t"
    header: list[str] = []
    records: list[dict[str, Any]] = []
    with open_file() as file, open_content(file, options, name) as content:
        text = io.TextIOWrapper(content, options.encoding, "replace", newline="")
        rows = csv.reader((line.removeprefix("\ufeff") for line in text), delimiter=delimiter)
        with suppress(csv.Error, UnicodeError):  # whoever makes lines of the rows says what is wrong with them
            header = next((row for row in rows if any(map(str.strip, row))), [])
            records += (dict(zip(header, row, strict=False)) for row in islice(filter(any, rows), MOST_RECORDS))
        text.detach()
    return header, records


def _parquet_rows(open_file: OpenFile, options: ReadOptions, name: str) -> _Rows:
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    with open_file() as file, open_content(file, options, name) as content:
        try:
            parquet = ParquetFile(content)
            batch = next(parquet.iter_batches(MOST_RECORDS, use_threads=False), None)
            return list(parquet.schema_arrow.names), batch.to_pylist() if batch is not None else []
        except (pa.ArrowException, OSError):
            raise InvalidIngestError(f"{name} cannot be read as Parquet: it is cut off, damaged or encrypted") from None
