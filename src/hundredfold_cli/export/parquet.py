"""Results as Parquet, written in row groups."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from hundredfold.errors import InvalidIngestError
from hundredfold_cli.export.columns import Column, ColumnType

GROUP_ROWS, GROUP_CHARACTERS = 10_000, 16_000_000
"""The largest row group. A group is held in memory, and ends with the row that reaches either limit."""
_LARGEST_INTEGER = 2**63 - 1

_ARROW: Mapping[ColumnType, pa.DataType] = {
    ColumnType.TEXT: pa.string(),
    ColumnType.NUMBER: pa.float64(),
    ColumnType.INTEGER: pa.int64(),
    ColumnType.BOOLEAN: pa.bool_(),
    ColumnType.TIME: pa.timestamp("ms", tz="UTC"),
    ColumnType.JSON: pa.string(),
}


def write_parquet(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], file: BinaryIO) -> None:
    """Write all rows.

    A column of unknown type gets the type of its values in the first row group. Numbers mixed with text, and nested
    values, are written as JSON.

    Raises
    ------
    InvalidIngestError
        If a later value has another type. The message names the record and the column.
    """
    groups = _groups(rows)
    group = next(groups, [])
    types = {column.name: column.type or _type_of([row[column.name] for row in group]) for column in columns}
    schema = pa.schema([pa.field(name, _ARROW[type_]) for name, type_ in types.items()])
    with ParquetWriter(file, schema, compression="zstd") as writer:
        while group:
            arrays = [
                pa.array([_value(row, name, type_) for row in group], _ARROW[type_]) for name, type_ in types.items()
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            group.clear()  # to free its memory before the next group is read
            group = next(groups, [])


def _groups(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    group: list[Mapping[str, Any]] = []
    characters = 0
    for row in rows:
        group.append(row)
        characters += sum(len(value) if isinstance(value, str) else 8 for value in row.values())
        if len(group) >= GROUP_ROWS or characters >= GROUP_CHARACTERS:
            yield group
            group, characters = [], 0
    if group:
        yield group


def _type_of(values: Iterable[Any]) -> ColumnType:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return ColumnType.BOOLEAN
    if kinds == {int}:
        return ColumnType.INTEGER
    if kinds and kinds <= {int, float}:
        return ColumnType.NUMBER
    return ColumnType.TEXT if kinds <= {str} else ColumnType.JSON


def _value(row: Mapping[str, Any], name: str, type_: ColumnType) -> Any:
    value = row[name]
    if value is None:
        return None
    if type_ is ColumnType.JSON:
        return json.dumps(value, ensure_ascii=False)
    try:
        return _CONVERTERS[type_](value)
    except (ValueError, TypeError, OverflowError):
        raise InvalidIngestError(
            f"record {row['record_id']}: its {name} is no {type_}, and the first records have one there. "
            "A Parquet column has one type; write this ingest with --format jsonl or csv"
        ) from None


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else _unfit()


def _number(value: Any) -> float:
    """Return a number; also from text, since the fields of a CSV source are text."""
    return float(value) if not isinstance(value, bool) else _unfit()


def _integer(value: Any) -> int:
    return int(value) if type(value) is int and abs(value) <= _LARGEST_INTEGER else _unfit()


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else _unfit()


def _unfit() -> Any:
    raise ValueError


_CONVERTERS: Mapping[ColumnType, Callable[[Any], Any]] = {
    ColumnType.TEXT: _text,
    ColumnType.NUMBER: _number,
    ColumnType.INTEGER: _integer,
    ColumnType.BOOLEAN: _boolean,
    ColumnType.TIME: datetime.fromisoformat,
}
