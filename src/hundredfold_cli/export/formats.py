"""Formats of exported results: JSON Lines, CSV and Parquet."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, BinaryIO, TextIO

from hundredfold_cli.export.columns import Column

type Row = Mapping[str, Any]


class Format(StrEnum):
    """How results are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


def write_rows(rows: Iterable[Row], columns: Sequence[Column] | None, format_: Format, file: BinaryIO) -> int:
    """Write rows, and return how many there were.

    Parameters
    ----------
    columns : the columns of all rows. None writes each row with its own names, which only JSON Lines can do.

    Raises
    ------
    InvalidIngestError
        If a column of Parquet gets a value of another type.
    """
    counter = _RowCounter(rows)
    if format_ is Format.PARQUET:
        # Imported here, since that takes longer than most commands do.
        from hundredfold_cli.export.parquet import write_parquet

        write_parquet(counter, columns or (), file)
        return counter.count
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    try:
        if format_ is Format.CSV:
            _write_csv(counter, columns or (), text)
        else:
            _write_jsonl(counter, columns, text)
    finally:
        text.detach()  # flushes, and leaves the file open
    return counter.count


class _RowCounter:
    """Passes rows on, and counts them."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row


def _write_jsonl(rows: Iterable[Row], columns: Sequence[Column] | None, file: TextIO) -> None:
    for row in rows:
        members = row if columns is None else _members(row, columns)
        file.write(json.dumps(members, ensure_ascii=False) + "\n")


def _members(row: Row, columns: Sequence[Column]) -> Row:
    values = ((column, row[column.name]) for column in columns)
    return {column.name: value for column, value in values if value is not None or not column.optional}


def _write_csv(rows: Iterable[Row], columns: Sequence[Column], file: TextIO) -> None:
    writer = csv.writer(file)
    writer.writerow(column.name for column in columns)
    for row in rows:
        writer.writerow(_cell(row[column.name]) for column in columns)


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value
