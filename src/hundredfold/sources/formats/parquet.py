"""Parquet (https://parquet.apache.org/docs/file-format): columns of values, read a few rows at a time.

Values are written as JSON. Numbers, booleans, text and null stay what they are. Dates, times, timestamps, decimals,
NaN and infinities become text, for the signature to convert or reject.
"""

import io
import json
import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from json.encoder import encode_basestring
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.columns import choose_columns, line_template
from hundredfold.sources.format import Format
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.unreadable import unreadable_line

if TYPE_CHECKING:
    import pyarrow as pa

_MAX_ROWS = 1000
"""The rows that are held at once, at most."""
_MAX_ROW_BYTES = 8 * 1024 * 1024
"""The decompressed size of the rows that are held at once, at most."""
_BUFFER_BYTES = 64 * 1024 * 1024
"""The buffers of all columns together; each column gets an equal share, within the two limits below."""
_MAX_COLUMN_BUFFER_BYTES = 4 * 1024 * 1024
_MIN_COLUMN_BUFFER_BYTES = 64 * 1024


def parquet_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read rows as lines of JSON; see `Reader`.

    A row whose text is not UTF-8 becomes a line of `hundredfold.sources.unreadable`. The reader holds a few rows, and
    a buffer for each wanted column.

    Raises
    ------
    InvalidIngestError
        If the object is cut off or damaged, or a wanted column is missing, nested or of durations.
    """
    import pyarrow as pa  # here, since the import takes long and few objects need it
    from pyarrow.parquet import ParquetFile

    damage_errors = (pa.ArrowException, OSError, UnicodeDecodeError)  # the last one for names of columns
    rows = 0
    try:
        parquet = ParquetFile(file, page_checksum_verification=True)
        schema = parquet.schema_arrow
        chosen = choose_columns(schema.names, options, name)
        columns = list(dict.fromkeys(column for column, _ in chosen))
        _check_types(schema, columns, name)
        buffer_bytes = max(_MIN_COLUMN_BUFFER_BYTES, min(_MAX_COLUMN_BUFFER_BYTES, _BUFFER_BYTES // len(columns)))
        with _with_buffer(file, buffer_bytes) as buffered:
            parquet = ParquetFile(
                buffered,
                metadata=parquet.metadata,
                buffer_size=buffer_bytes,
                pre_buffer=False,
                page_checksum_verification=True,  # where the writer wrote checksums
            )
            batches = parquet.iter_batches(_rows_at_once(parquet.metadata), columns=columns, use_threads=False)
            for batch in batches:
                yield from _lines(batch, chosen)
                rows += batch.num_rows
    except damage_errors as error:
        raise InvalidIngestError(
            f"{name} cannot be read as Parquet beyond row {rows:,}: it is cut off, damaged or encrypted "
            f"({type(error).__name__})"
        ) from None


@contextmanager
def _with_buffer(file: BinaryIO, size: int) -> Iterator[BinaryIO]:
    """Give a file a buffer of the size of a column's: columns take turns, and bytes read beyond that are lost."""
    raw = getattr(file, "raw", None)
    if not isinstance(raw, io.RawIOBase):
        yield file
        return
    buffered = io.BufferedReader(raw, size)
    try:
        yield cast("BinaryIO", buffered)
    finally:
        buffered.detach()  # otherwise it closes the file, which the caller owns


def _rows_at_once(metadata: Any) -> int:
    row_bytes = 1
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        if group.num_rows:
            row_bytes = max(row_bytes, group.total_byte_size // group.num_rows)
    return max(1, min(_MAX_ROWS, _MAX_ROW_BYTES // row_bytes))


def _check_types(schema: "pa.Schema", columns: Sequence[str], name: str) -> None:
    import pyarrow as pa

    def is_readable(column_type: Any) -> bool:
        if isinstance(column_type, pa.DictionaryType):
            return is_readable(column_type.value_type)
        if isinstance(column_type, pa.BaseExtensionType):
            return is_readable(column_type.storage_type)
        types = pa.types
        return not (types.is_nested(column_type) or types.is_duration(column_type) or types.is_interval(column_type))

    if refused := [column for column in columns if not is_readable(schema.field(column).type)]:
        types = ", ".join(f"{column!r} ({str(schema.field(column).type)[:60]})" for column in refused)
        raise InvalidIngestError(
            f"{name} has columns with several values a row, or durations, which are not read: {types}; "
            'list the others in "columns"'
        )


def _lines(batch: "pa.RecordBatch", chosen: Sequence[tuple[str, str]]) -> Iterator[bytes]:
    template = line_template(chosen)
    encoded = {column: _encode_column(batch.column(column)) for column, _ in chosen}
    ids = next(encoded[column] for column, field in chosen if field == "id")
    for number, row in enumerate(zip(*(encoded[column] for column, _ in chosen), strict=True)):
        if None in row:
            column, _ = chosen[row.index(None)]
            yield unreadable_line(f"its column {column!r} has bytes that are not UTF-8", _id(ids[number]))
        else:
            yield (template % row).encode()


def _id(encoded: str | None) -> str | None:
    record_id = json.loads(encoded) if encoded else None
    return str(record_id) if isinstance(record_id, str | int) else None


def _encode_column(column: Any) -> list[str | None]:
    """Return a column's values as JSON; None for a value whose bytes are not UTF-8."""
    import pyarrow as pa

    column_type, types = column.type, pa.types
    if types.is_dictionary(column_type):
        return _encode_column(column.dictionary_decode())
    if isinstance(column_type, pa.BaseExtensionType) and not isinstance(column_type, pa.UuidType):
        return _encode_column(column.storage)
    if types.is_string(column_type) or types.is_large_string(column_type) or types.is_string_view(column_type):
        try:
            return _encode_values(column, encode_basestring)
        except UnicodeDecodeError:  # at least one value is not UTF-8; as bytes, each is decoded by itself
            return _encode_values(column.cast(pa.large_binary()), _encode_text)
    if types.is_temporal(column_type):
        return _encode_values(_format_times(column), encode_basestring)
    return _encode_values(column, _encode)


def _format_times(column: Any) -> Any:
    """Return times as text in ISO 8601. Arrow keeps times with a zone in UTC, and so they are written."""
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
            return _encode_text(value)
        case _:  # a decimal or a UUID
            return encode_basestring(str(value))


def _encode_values(column: Any, encode: Callable[[Any], str | None]) -> list[str | None]:
    return ["null" if value is None else encode(value) for value in column.to_pylist()]


def _encode_text(value: bytes) -> str | None:
    try:
        return encode_basestring(value.decode())
    except UnicodeDecodeError:
        return None


FORMAT = Format(
    name="parquet",
    suffixes=(".parquet",),
    description="flat columns of any type but durations",
    read=parquet_lines,
    magic=(b"PAR1",),
    converts=True,
    compresses_inside=True,
)
