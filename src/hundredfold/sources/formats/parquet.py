"""Parquet: columns of values, read a few rows at a time.

Values are written as JSON: numbers, true and false, text and null as they are; dates, times, timestamps, decimals and
what is no finite number as text, for the signature to convert or reject.
"""

import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.formats.columns import choose_columns, line_template
from hundredfold.sources.formats.unreadable import unreadable_line
from hundredfold.sources.spec import ReadOptions

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_ROWS = 1000
_MOST_BYTES = 8 * 1024 * 1024
"""Of the rows that are held at once, unpacked."""
_BUFFERED_BYTES = 64 * 1024 * 1024
"""Of all columns together, packed; each has its share of it, within the two limits that follow."""
_MOST_BUFFER = 4 * 1024 * 1024
_LEAST_BUFFER = 64 * 1024


def parquet_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read rows as lines of JSON; see `read_as_lines`. A row with bytes that are no UTF-8 is one of
    `hundredfold.unreadable`.

    Memory is that of a few rows, and of a part of each wanted column.

    Raises
    ------
    InvalidIngestError
        If it is cut off or damaged, its columns are not those that are wanted, or a wanted one is nested.
    """
    import pyarrow as pa  # only now: importing it takes a while
    from pyarrow.parquet import ParquetFile

    damaged = (pa.ArrowException, OSError)
    rows = 0
    try:
        opened = ParquetFile(file)
        schema = opened.schema_arrow
        chosen = choose_columns(schema.names, options, name)
        columns = list(dict.fromkeys(column for column, _ in chosen))
        _check_types(schema, columns, name)
        share = max(_LEAST_BUFFER, min(_MOST_BUFFER, _BUFFERED_BYTES // len(columns)))
        with _buffered_by(share, file) as buffered:
            opened = ParquetFile(buffered, metadata=opened.metadata, buffer_size=share, pre_buffer=False)
            batches = opened.iter_batches(_rows_at_once(opened.metadata), columns=columns, use_threads=False)
            for batch in batches:
                yield from _lines(batch, chosen)
                rows += batch.num_rows
    except damaged as error:
        raise InvalidIngestError(
            f"{name} cannot be read as Parquet beyond row {rows:,}: it is cut off, damaged or encrypted "
            f"({type(error).__name__})"
        ) from None


@contextmanager
def _buffered_by(size: int, file: BinaryIO) -> Iterator[BinaryIO]:
    """Read as much at once as a column's buffer takes: columns take turns, and what is read beyond is lost."""
    raw = getattr(file, "raw", None)
    if not isinstance(raw, io.RawIOBase):
        yield file
        return
    buffered = io.BufferedReader(raw, size)
    try:
        yield cast("BinaryIO", buffered)
    finally:
        buffered.detach()  # else it would close the file, which is not its own


def _rows_at_once(metadata: Any) -> int:
    largest = 1
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.num_rows:
            largest = max(largest, group.total_byte_size // group.num_rows)
    return max(1, min(_MOST_ROWS, _MOST_BYTES // largest))


def _check_types(schema: "pa.Schema", columns: Sequence[str], name: str) -> None:
    import pyarrow as pa

    def is_read(kind: Any) -> bool:
        if isinstance(kind, pa.DictionaryType):
            return is_read(kind.value_type)
        if isinstance(kind, pa.BaseExtensionType):
            return is_read(kind.storage_type)
        return not (pa.types.is_nested(kind) or pa.types.is_duration(kind) or pa.types.is_interval(kind))

    if unread := [column for column in columns if not is_read(schema.field(column).type)]:
        kinds = ", ".join(f"{column!r} ({str(schema.field(column).type)[:60]})" for column in unread)
        raise InvalidIngestError(
            f"{name} has columns with several values a row, or durations, which are not read: {kinds}; "
            'list the others in "columns"'
        )


def _lines(batch: "pa.RecordBatch", chosen: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    template = line_template(chosen)
    encoded = {column: _encoded(batch.column(column)) for column, _ in chosen}
    ids = next(encoded[column] for column, field in chosen if field == "id")
    for number, row in enumerate(zip(*(encoded[column] for column, _ in chosen), strict=True)):
        if None in row:
            unread, _ = chosen[row.index(None)]
            yield unreadable_line(f"its column {unread!r} has bytes that are not UTF-8", _id(ids[number]))
        else:
            yield (template % row).encode()


def _id(encoded: str | None) -> str | None:
    record_id = json.loads(encoded) if encoded else None
    return str(record_id) if isinstance(record_id, str | int) else None


def _encoded(column: Any) -> list[str | None]:
    """Return a column's values as JSON, None for those that are no text and should be."""
    import pyarrow as pa

    kind, types = column.type, pa.types
    if types.is_dictionary(kind):
        return _encoded(column.dictionary_decode())
    if isinstance(kind, pa.BaseExtensionType) and not isinstance(kind, pa.UuidType):
        return _encoded(column.storage)
    if types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        try:
            return _each(column, encode_basestring)
        except UnicodeDecodeError:  # of one value; told apart below
            return _each(column.cast(pa.large_binary()), _text)
    if types.is_temporal(kind):
        return _each(_as_text(column), encode_basestring)
    return _each(column, _encode)


def _as_text(column: Any) -> Any:
    """Write times as ISO 8601 does; those of a time zone in UTC, as Arrow keeps them, with no table of zones."""
    import pyarrow as pa

    if not pa.types.is_timestamp(column.type) or column.type.tz is None:
        return column.cast(pa.large_string())
    utc = column.view(pa.timestamp(column.type.unit)).cast(pa.large_string()).to_pylist()
    return pa.array([text and f"{text}Z" for text in utc], pa.large_string())


def _encode(value: Any) -> str | None:
    match value:
        case bool() | int():
            return json.dumps(value)
        case float():
            return repr(value) if math.isfinite(value) else f'"{value}"'
        case bytes():
            return _text(value)
        case _:  # a decimal or a UUID
            return encode_basestring(str(value))


def _each(column: Any, encode: Callable[[Any], str | None]) -> list[str | None]:
    return ["null" if value is None else encode(value) for value in column.to_pylist()]


def _text(value: bytes) -> str | None:
    try:
        return encode_basestring(value.decode())
    except UnicodeDecodeError:
        return None
