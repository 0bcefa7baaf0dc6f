"""Writing rows as Parquet, in row groups."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow.parquet import ParquetWriter

from hundredfold.errors import InvalidIngestError
from hundredfold_cli.ingests.columns import Column, Type

GROUP_ROWS, GROUP_CHARACTERS = 10_000, 16_000_000
"""The most of a row group, which is held in memory: a group ends with the row that reaches either."""
_LARGEST = 2**63 - 1

_ARROW: Mapping[Type, pa.DataType] = {
    Type.TEXT: pa.string(),
    Type.NUMBER: pa.float64(),
    Type.INTEGER: pa.int64(),
    Type.BOOLEAN: pa.bool_(),
    Type.TIME: pa.timestamp("ms", tz="UTC"),
    Type.JSON: pa.string(),
}


def write_parquet(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], file: BinaryIO) -> None:
    """Write all rows.

    A column whose type is not known has that of its values in the first row group; numbers and text together, and
    anything nested, are written as JSON.

    Raises
    ------
    InvalidIngestError
        If a later value is of another type; the message names the record and the column.
    """
    groups = _groups(rows)
    group = next(groups, [])
    types = {column.name: column.type or _type_of([row[column.name] for row in group]) for column in columns}
    schema = pa.schema([pa.field(name, _ARROW[type_]) for name, type_ in types.items()])
    with ParquetWriter(file, schema, compression="zstd") as writer:
        while group:
            arrays = [pa.array([_value(row, *column) for row in group], _ARROW[column[1]]) for column in types.items()]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            group.clear()  # before the next one is read
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


def _type_of(values: Iterable[Any]) -> Type:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return Type.BOOLEAN
    if kinds == {int}:
        return Type.INTEGER
    if kinds and kinds <= {int, float}:
        return Type.NUMBER
    return Type.TEXT if kinds <= {str} else Type.JSON


def _value(row: Mapping[str, Any], name: str, type_: Type) -> Any:
    value = row[name]
    if value is None:
        return None
    if type_ is Type.JSON:
        return json.dumps(value, ensure_ascii=False)
    try:
        return _READ[type_](value)
    except (ValueError, TypeError, OverflowError):
        raise InvalidIngestError(
            f"record {row['record_id']}: its {name} is no {type_}, as that of the first records is, and a column of "
            "Parquet has one type; --format jsonl takes them as they are"
        ) from None


def _text(value: Any) -> str:
    return str(value) if isinstance(value, str) else _refuse()


def _number(value: Any) -> float:
    """Also of text: what CSV holds is text, which the signature reads as a number."""
    return float(value) if not isinstance(value, bool) else _refuse()


def _integer(value: Any) -> int:
    return int(value) if type(value) is int and abs(value) <= _LARGEST else _refuse()


def _boolean(value: Any) -> bool:
    return value if isinstance(value, bool) else _refuse()


def _refuse() -> Any:
    raise ValueError


_READ: Mapping[Type, Callable[[Any], Any]] = {
    Type.TEXT: _text,
    Type.NUMBER: _number,
    Type.INTEGER: _integer,
    Type.BOOLEAN: _boolean,
    Type.TIME: datetime.fromisoformat,
}
