"""The rows of a source object, read through the libraries of its format: json, csv, pyarrow, gzip.

A planner stages such an object as JSON Lines, one line a row. `is_staged_as` compares a row with its line.
"""

import codecs
import csv
import gzip
import io
import json
import math
import re
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, cast

from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions

_CHUNK_BYTES = 1024 * 1024
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_WHITE_SPACE = b" \t\r\n"
_UNREADABLE_MARK = b"!"
_MAX_VALUE_CHARACTERS = 16 * 1024 * 1024
_PARQUET_ROWS = 1000

# Bytes that are no text of the encoding become a character that no text has.
_NO_TEXT, _NO_TEXT_CHARACTER = "hundredfold.no_text", "\udcff"
codecs.register_error(_NO_TEXT, lambda error: (_NO_TEXT_CHARACTER, error.end))  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A row that cannot be read: it has another number of values than there are columns, or bytes that are no text."""


_UNREADABLE = Unreadable()

type Row = bytes | dict[str, Any] | Unreadable
"""A row of a source: JSON as it stands there, or its fields, or one that cannot be read."""


def read_rows(file: BinaryIO, options: ReadOptions) -> Iterator[Row]:
    """Read the rows of an object, in order.

    Parameters
    ----------
    file : the object, from its first byte
    options : with kind and compression

    Raises
    ------
    ValueError, OSError, EOFError
        If the object cannot be read to its end.
    """
    content = _decompressed(file, options.compression or NOT_COMPRESSED)
    match options.kind:
        case "jsonl":
            return _json_lines(content, options)
        case "json":
            return _json_elements(content, options)
        case "csv":
            return _delimited(content, options, options.delimiter)
        case "tsv":
            return _delimited(content, options, "\t")
        case "parquet":
            return _parquet(content, options)
    raise ValueError(f"objects of kind {options.kind} are not verified")


def is_staged_as(row: Row, line: bytes) -> bool:
    """Tell whether a line is what a planner must have staged for a row."""
    match row:
        case Unreadable():
            return line.startswith(_UNREADABLE_MARK)
        case bytes():
            # Within an element, a planner replaces line breaks.
            return _in_one_line(line) == _in_one_line(row)
        case _:
            return _canonical(line) == json.dumps(row, sort_keys=True)


def _in_one_line(text: bytes) -> bytes:
    return text.replace(b"\n", b" ").replace(b"\r", b" ").strip(b" \t")


def as_line(row: Row) -> bytes:
    """Return a row as a line of JSON Lines."""
    match row:
        case Unreadable():
            return _UNREADABLE_MARK
        case bytes():
            return row.replace(b"\n", b" ")
        case _:
            return json.dumps(row).encode()


def _decompressed(file: BinaryIO, compression: str) -> BinaryIO:
    match compression:
        case "gzip":
            return cast("BinaryIO", gzip.open(file))
        case "zstd":
            import pyarrow as pa  # here, since the import takes long and few objects need it

            return cast("BinaryIO", pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd"))
        case _:
            return file


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(_CHUNK_BYTES), b"")


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield lines without their line feeds. Only a line feed ends a line."""
    held: list[bytes] = []
    first = True
    for chunk in _chunks(file):
        start = chunk.removeprefix(_BYTE_ORDER_MARK) if first else chunk
        first = False
        *finished, rest = start.split(b"\n")
        for part in finished:
            yield b"".join([*held, part])
            held.clear()
        held.append(rest)
    if last := b"".join(held):
        yield last


def _selects(options: ReadOptions) -> bool:
    return bool(options.fields or options.columns)


def _select(record: Mapping[str, Any], options: ReadOptions) -> dict[str, Any]:
    """Return the fields of a record that the options ask for, under their names."""
    renamed = {field: record[column] for field, column in options.fields.items() if column in record}
    taken_away = set(options.fields) | set(options.fields.values())
    kept = {
        name: value
        for name, value in record.items()
        if name not in taken_away and (not options.columns or name in options.columns)
    }
    return kept | renamed


def _parse(text: bytes) -> Any:
    """Parse JSON as it is written, with numbers of any size."""
    return json.loads(text.decode(), parse_int=_integer)


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads
        return -math.inf if digits.startswith("-") else math.inf


def _canonical(line: bytes) -> str | None:
    try:
        return json.dumps(_parse(line), sort_keys=True)
    except (ValueError, RecursionError):
        return None


def _selected(text: bytes, options: ReadOptions) -> Row:
    if not _selects(options):
        return text
    try:
        record = _parse(text)
        return _select(record, options) if isinstance(record, dict) else text
    except (ValueError, RecursionError):
        return text


def _json_lines(file: BinaryIO, options: ReadOptions) -> Iterator[Row]:
    return (_selected(line, options) for line in _lines(file))


_OUTSIDE_STRINGS = re.compile(rb'["\[\]{},]')
_IN_STRINGS = re.compile(rb'["\\]')
_DEPTHS = {b"[": 1, b"{": 1, b"]": -1, b"}": -1}


class _Structure:
    """Finds the brackets and commas of JSON that comes in chunks: those outside of strings."""

    def __init__(self) -> None:
        self._in_string = self._after_backslash = False

    def tokens(self, chunk: bytes) -> Iterator[tuple[int, bytes]]:
        position = int(self._after_backslash)
        self._after_backslash = False
        while token := (_IN_STRINGS if self._in_string else _OUTSIDE_STRINGS).search(chunk, position):
            position = token.end()
            match token[0]:
                case b'"':
                    self._in_string = not self._in_string
                case b"\\":
                    self._after_backslash = position == len(chunk)
                    position += 1
                case other:
                    yield token.start(), other


def _json_elements(file: BinaryIO, options: ReadOptions) -> Iterator[Row]:
    """Yield the elements of an array. Brackets, commas and quotes alone divide it, however deep an element is."""
    for number, text in enumerate(_split_array(_chunks(file))):
        element = text.strip(_WHITE_SPACE)
        if element or number:
            yield _selected(element, options)


def _split_array(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what lies between the brackets and commas of an array; once b"" for an empty array."""
    structure = _Structure()
    depth = 0
    held: list[bytes] = []
    for chunk in chunks:
        start = 0
        for position, token in structure.tokens(chunk):
            before, depth = depth, depth + _DEPTHS.get(token, 0)
            if not before or not depth or (depth == 1 and token == b","):
                if before:
                    yield b"".join([*held, chunk[start:position]])
                if not depth:
                    return
                held.clear()
                start = position + 1
        held.append(chunk[start:])
    if depth:
        raise EOFError("the array has no end")


def _delimited(file: BinaryIO, options: ReadOptions, delimiter: str) -> Iterator[Row]:
    csv.field_size_limit(_MAX_VALUE_CHARACTERS)
    lines = iter(io.TextIOWrapper(file, options.encoding, _NO_TEXT, newline=""))
    first = next(lines, "").removeprefix("\ufeff")
    rows = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    # A line of white space only is no row.
    rows_with_content = (row for row in rows if any(len(row) > 1 or value.strip() for value in row))
    header = next(rows_with_content, [])
    for row in rows_with_content:
        record = _select(dict(zip(header, row, strict=False)), options)
        unreadable = len(row) != len(header) or any(_NO_TEXT_CHARACTER in value for value in record.values())
        yield Unreadable() if unreadable else record


def _parquet(file: BinaryIO, options: ReadOptions) -> Iterator[Row]:
    from pyarrow.parquet import ParquetFile  # here, since the import takes long and few objects need it

    with tempfile.TemporaryFile() as copy:
        for chunk in _chunks(file):
            copy.write(chunk)
        copy.seek(0)
        parquet = ParquetFile(copy, page_checksum_verification=True)
        names = parquet.schema_arrow.names
        wanted = list(dict.fromkeys(_select({name: name for name in names}, options).values()))
        for batch in parquet.iter_batches(_PARQUET_ROWS, columns=wanted, use_threads=False):
            columns = [_values(column) for column in batch.columns]
            for values in zip(*columns, strict=True):
                record = dict(zip(batch.schema.names, values, strict=True))
                yield Unreadable() if _UNREADABLE in values else _select(record, options)


def _values(column: Any) -> list[Any]:
    """Return the values of a column as JSON has them: numbers, booleans and null as they are, all else as text."""
    import pyarrow as pa

    if isinstance(column, pa.DictionaryArray):
        return _values(column.dictionary_decode())
    if isinstance(column, pa.ExtensionArray) and not isinstance(column.type, pa.UuidType):
        return _values(column.storage)
    types = pa.types
    if types.is_timestamp(column.type) and column.type.tz:
        utc = column.view(pa.timestamp(column.type.unit)).cast(pa.string())
        return [None if text is None else f"{text}Z" for text in utc.to_pylist()]
    if types.is_temporal(column.type):
        return list(column.cast(pa.string()).to_pylist())
    if types.is_string(column.type) or types.is_large_string(column.type) or types.is_string_view(column.type):
        column = column.cast(pa.large_binary())  # each value is decoded by itself
    return [_plain(value) for value in column.to_pylist()]


def _plain(value: Any) -> Any:
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case bytes():
            try:
                return value.decode()
            except UnicodeDecodeError:
                return _UNREADABLE
        case _:  # a decimal or a UUID
            return str(value)
