"""CSV and TSV: rows of values, the first of them the columns' names, quoted as in RFC 4180."""

import codecs
import csv
import io
from collections.abc import Iterator
from json.encoder import encode_basestring
from operator import itemgetter
from typing import BinaryIO

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.formats.columns import choose_columns, line_template
from hundredfold.sources.formats.unreadable import unreadable_line
from hundredfold.sources.spec import Kind, ReadOptions

MOST_ROW_CHARACTERS = 16 * 1024 * 1024
"""The longest row. What is longer is taken for a quote that never ends."""

# Bytes that are no text of the encoding become a lone surrogate, which text can hold, and UTF-8 cannot.
_NO_TEXT = "hundredfold.no_text"
codecs.register_error(_NO_TEXT, lambda error: ("\udcff", error.end))  # type: ignore[attr-defined]

csv.field_size_limit(MOST_ROW_CHARACTERS)  # the row's limit is reached first


def delimited_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read rows as lines of JSON, whose values are all text; see `read_as_lines`.

    Blank rows are none. A row with more or fewer values than there are columns, or with bytes that are no text of the
    encoding, is a line of `hundredfold.unreadable`.

    Raises
    ------
    InvalidIngestError
        If the columns are not those that are wanted, a quote never ends, or what follows its end is no delimiter:
        where the next row begins is not known then.
    """
    rows = _Rows(file, options, name)
    header = next(rows, None)
    if header is None:
        return
    chosen = choose_columns(header, options, name)
    indexes = [header.index(column) for column, _ in chosen]
    of_id = next(header.index(column) for column, field in chosen if field == "id")
    pick = itemgetter(*indexes, of_id)  # the id once more: it makes a tuple of a single value too
    template = line_template(chosen)
    for row in rows:
        if len(row) != len(header):
            yield unreadable_line(f"it has {len(row)} values, and there are {len(header)} columns")
            continue
        *values, record_id = pick(row)
        try:
            yield (template % tuple(map(encode_basestring, values))).encode()
        except UnicodeEncodeError:
            unread = next(column for (column, _), value in zip(chosen, values, strict=True) if not _is_text(value))
            detail = f"its column {unread!r} has bytes that are not {options.encoding}"
            yield unreadable_line(detail, record_id)


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Rows:
    """The rows that are not blank, the header among them, held to their limit."""

    def __init__(self, file: BinaryIO, options: ReadOptions, name: str) -> None:
        self._text = io.TextIOWrapper(file, options.encoding, _NO_TEXT, newline="")
        self._characters = 0
        self._read = -1
        self._name = name
        delimiter = "\t" if options.kind is Kind.TSV else options.delimiter
        self._rows = csv.reader(self._lines(), delimiter=delimiter, strict=True)

    def __iter__(self) -> Iterator[list[str]]:
        return self

    def __next__(self) -> list[str]:
        try:
            for row in self._rows:
                self._characters = 0
                if row:
                    self._read += 1
                    return row
        except csv.Error as error:
            raise self._unreadable(str(error)) from None
        except UnicodeError:
            raise InvalidIngestError(f"{self._name} is not {self._text.encoding}; state its encoding") from None
        raise StopIteration

    def _lines(self) -> Iterator[str]:
        """Yield line by line, as they are broken in the file; a row has several if a quoted value has."""
        line = self._text.readline(MOST_ROW_CHARACTERS).removeprefix("\ufeff")
        while line:
            self._characters += len(line)
            if self._characters >= MOST_ROW_CHARACTERS:
                raise self._unreadable(f"longer than {MOST_ROW_CHARACTERS:,} characters")
            yield line
            line = self._text.readline(MOST_ROW_CHARACTERS)

    def _unreadable(self, why: str) -> InvalidIngestError:
        which = f"row {self._read + 1:,}" if self._read >= 0 else "the row with the columns' names"
        return InvalidIngestError(
            f"{self._name} cannot be read beyond {which}: {why}. Is there a quote that never ends, or one inside a "
            "value that is not doubled?"
        )
