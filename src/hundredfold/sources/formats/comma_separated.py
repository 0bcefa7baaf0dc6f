"""CSV: rows of values, the first row with the columns' names, quoted as in RFC 4180."""

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from json.encoder import encode_basestring
from operator import itemgetter
from typing import BinaryIO

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.columns import choose_columns, line_template
from hundredfold.sources.format import Format
from hundredfold.sources.format_options import DELIMITER, ENCODING
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.unreadable import unreadable_line

MAX_ROW_CHARACTERS = 16 * 1024 * 1024
"""The longest row. A longer one is most likely a quote that never ends."""

# Bytes that are not text of the encoding become a lone surrogate, which a string can hold and UTF-8 cannot.
_UNDECODABLE = "hundredfold.undecodable"
codecs.register_error(_UNDECODABLE, lambda error: ("\udcff", error.end))  # type: ignore[attr-defined]

csv.field_size_limit(MAX_ROW_CHARACTERS)  # a row reaches its own limit first


def delimited_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read rows as lines of JSON, whose values are all text; see `Reader`.

    Blank rows are skipped. A row becomes a line of `hundredfold.sources.unreadable` if it has more or fewer values than
    there are columns, or bytes that are not text of the encoding.

    Raises
    ------
    InvalidIngestError
        If a wanted column is missing, a quote never ends, or text follows the end of a quote: nobody knows then where
        the next row begins.
    """
    with closing(_Rows(file, options, name)) as rows:
        yield from _row_lines(rows, options, name)


def is_binary(head: bytes, options: ReadOptions) -> bool:
    """Tell whether the first bytes cannot be columns' names. A null byte in the first record is that record's fault."""
    header = head.lstrip().partition(b"\n")[0]
    return b"\0" in header and b"\0" not in ",".encode(options.encoding)


def _row_lines(rows: "_Rows", options: ReadOptions, name: str) -> Iterator[bytes]:
    header = next(rows, None)
    if header is None:
        return
    chosen = choose_columns(header, options, name)
    indexes = [header.index(column) for column, _ in chosen]
    id_index = next(header.index(column) for column, field in chosen if field == "id")
    pick = itemgetter(*indexes, id_index)  # with two indexes or more, it returns a tuple
    template = line_template(chosen)
    for row in rows:
        if len(row) != len(header):
            yield unreadable_line(f"it has {len(row)} values, and there are {len(header)} columns")
            continue
        *values, record_id = pick(row)
        try:
            yield (template % tuple(map(encode_basestring, values))).encode()
        except UnicodeEncodeError:
            column = next(column for (column, _), value in zip(chosen, values, strict=True) if not _is_text(value))
            yield unreadable_line(f"its column {column!r} has bytes that are not {options.encoding}", record_id)


def _is_blank(row: Sequence[str]) -> bool:
    """Tell whether a row is a line of white space only, which JSON Lines skips too."""
    return len(row) == 1 and not row[0].strip()


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Rows:
    """The rows that are not blank, with the header, each within the limit."""

    def __init__(self, file: BinaryIO, options: ReadOptions, name: str) -> None:
        self._text = io.TextIOWrapper(file, options.encoding, _UNDECODABLE, newline="")
        self._characters = 0
        self._rows_read = -1  # the header does not count
        self._name = name
        self._rows = csv.reader(self._lines(), delimiter=options.delimiter, strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        try:
            for row in self._rows:
                self._characters = 0
                if row and not _is_blank(row):
                    self._rows_read += 1
                    return row
        except csv.Error as error:
            raise self._unreadable(str(error)) from None
        except UnicodeError:
            raise InvalidIngestError(f"{self._name} is not {self._text.encoding}; set its encoding") from None
        raise StopIteration

    def close(self) -> None:
        """Let go of the file, which the caller owns."""
        self._text.detach()

    def _lines(self) -> Iterator[str]:
        """Yield the lines of the file; a row has several lines if a quoted value has."""
        line = self._text.readline(MAX_ROW_CHARACTERS).removeprefix("\ufeff")
        while line:
            self._characters += len(line)
            if self._characters >= MAX_ROW_CHARACTERS:
                raise self._unreadable(f"longer than {MAX_ROW_CHARACTERS:,} characters")
            yield line
            line = self._text.readline(MAX_ROW_CHARACTERS)

    def _unreadable(self, why: str) -> InvalidIngestError:
        last_row = f"row {self._rows_read + 1:,}" if self._rows_read >= 0 else "the row with the columns' names"
        return InvalidIngestError(
            f"{self._name} cannot be read beyond {last_row}: {why}. Is there a quote that never ends, or one inside a "
            "value that is not doubled?"
        )


FORMAT = Format(
    name="csv",
    suffixes=(".csv",),
    description="rows of values, the first row with the columns' names; quoted as in RFC 4180, "
    "also with line breaks inside quotes",
    read=delimited_lines,
    is_binary=is_binary,
    options=(DELIMITER, ENCODING),
    converts=True,
)
