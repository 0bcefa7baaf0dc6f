"""Columns of exported results: the id, the answer, and with `--join` the record's own fields."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain
from typing import Any

from hundredfold.ingest import Plan
from hundredfold.model.signature import FieldType, Signature
from hundredfold_cli.ingests.answers import flat_answer
from hundredfold_cli.ingests.result_rows import OVERWRITTEN_BY

RECORD_PREFIX = "record_"
"""Put before the name of a record's field that is also the name of a result's column."""


class ColumnType(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"
    JSON = "json"
    """Any value, written as JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of results.

    Attributes
    ----------
    type : None if only the values show it
    optional : whether a row of JSON Lines leaves it out if it has no value
    """

    name: str
    type: ColumnType | None = None
    optional: bool = False


_REJECTION_COLUMNS = (
    Column("record_id", ColumnType.TEXT),
    Column("reason", ColumnType.TEXT),
    Column("detail", ColumnType.TEXT),
    Column("line", ColumnType.INTEGER),
    Column("offset", ColumnType.INTEGER),
    Column("batch", ColumnType.INTEGER),
)
_ID = Column("record_id", ColumnType.TEXT)
_PROVENANCE_COLUMNS = (
    Column("model_version", ColumnType.TEXT),
    Column("predicted_at", ColumnType.TIME),
    Column("batch", ColumnType.INTEGER),
    Column(OVERWRITTEN_BY, ColumnType.INTEGER, optional=True),
)
"""Which model made a prediction, when, and in which batch; and which other batch has replaced it."""

_COLUMN_TYPES = {
    FieldType.TEXT: ColumnType.TEXT,
    FieldType.CATEGORY: ColumnType.TEXT,
    FieldType.NUMBER: ColumnType.NUMBER,
}

type RecordAndPrediction = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A record as its source has it, and its prediction."""


def rejection_columns(plan: Plan) -> Sequence[Column]:
    """Return the columns of an ingest's rejections. An ingest of several objects has one more: the object's name."""
    return _REJECTION_COLUMNS if plan.pinned else (*_REJECTION_COLUMNS, Column("source", ColumnType.TEXT))


def flat_predictions(
    predictions: Iterable[Mapping[str, Any]],
) -> tuple[Iterator[Mapping[str, Any]], Sequence[Column]]:
    """Return predictions with their answers as columns, and all columns.

    One model makes all predictions of an ingest. So the columns of the first prediction are those of all.
    """
    rows = iter(predictions)
    first = _up_to_answer(rows, lambda prediction: prediction)
    columns = (_ID, *_answer_columns(first[-1:]), *_PROVENANCE_COLUMNS)
    absent = {column.name: None for column in columns}
    flat = ({**absent, **prediction, **flat_answer(prediction)} for prediction in chain(first, rows))
    return flat, columns


@dataclass(slots=True)
class JoinedRows:
    """Predictions beside the fields of their records, as rows and columns.

    Attributes
    ----------
    columns : the columns of all rows: the id, the record's fields, the answer, and what made it
    left_out : fields without a column, and how many records have each. The first record does not have them.
    """

    columns: Sequence[Column]
    left_out: dict[str, int] = field(default_factory=dict)
    _rows: Iterator[RecordAndPrediction] = field(default_factory=lambda: iter(()))
    _result_names: frozenset[str] = frozenset()
    _text_names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[RecordAndPrediction], signature: Signature | None) -> "JoinedRows":
        """Find the columns: the fields of the model's signature, and all other fields of the first record."""
        rows = iter(rows)
        taken = _up_to_answer(rows, lambda row: row[1])
        first = taken[:1]
        answer = _answer_columns([prediction for _, prediction in taken[-1:]])
        result_names = frozenset(column.name for column in (_ID, *answer, *_PROVENANCE_COLUMNS))
        known = {field.name: _COLUMN_TYPES[field.type] for field in (signature.fields if signature else ())}
        types: dict[str, ColumnType | None] = {
            **known,
            **{name: known.get(name) for record, _ in first for name in record},
        }
        types.pop("id", None)
        fields = tuple(Column(field_column(name, result_names), type_) for name, type_ in types.items())
        text_names = frozenset(
            field_column(name, result_names) for name, type_ in known.items() if type_ is ColumnType.TEXT
        )
        return cls(
            (_ID, *fields, *answer, *_PROVENANCE_COLUMNS),
            _rows=chain(taken, rows),
            _result_names=result_names,
            _text_names=text_names,
        )

    def rows(self, *, all_fields: bool) -> Iterator[Mapping[str, Any]]:
        """Yield the rows; with `all_fields` each row has all fields of its record, also those without a column."""
        names = [column.name for column in self.columns]
        known = set(names)
        absent = dict.fromkeys(self._result_names)
        for record, prediction in self._rows:
            fields = {field_column(name, self._result_names): value for name, value in record.items() if name != "id"}
            result = {**absent, **prediction, **flat_answer(prediction)}
            for name in fields.keys() - known:
                self.left_out[name] = self.left_out.get(name, 0) + 1
            if all_fields:
                # The id first and the answer last, in the order of the columns.
                fixed = {
                    name: result[name]
                    for name in names
                    if name in self._result_names and (name != OVERWRITTEN_BY or result[name] is not None)
                }
                yield {"record_id": fixed.pop("record_id"), **fields, **fixed}
            else:
                yield {
                    name: result[name] if name in self._result_names else self._field_value(name, fields.get(name))
                    for name in names
                }

    def _field_value(self, name: str, value: Any) -> Any:
        """Return a field's value: as text if the model read it as text, although its source has a number there."""
        return json.dumps(value) if name in self._text_names and isinstance(value, int | float) else value


def field_column(name: str, result_names: frozenset[str]) -> str:
    """Name the column of a record's field, so that it has no other column's name."""
    bare = name
    while bare not in result_names and bare.startswith(RECORD_PREFIX):
        bare = bare.removeprefix(RECORD_PREFIX)
    return f"{RECORD_PREFIX}{name}" if bare in result_names else name


def _up_to_answer[Row](rows: Iterator[Row], prediction_of: Callable[[Row], Mapping[str, Any]]) -> list[Row]:
    """Take rows up to the first that has an answer: a prediction that was replaced has none."""
    taken: list[Row] = []
    for row in rows:
        taken.append(row)
        if OVERWRITTEN_BY not in prediction_of(row):
            break
    return taken


def _answer_columns(first: Sequence[Mapping[str, Any]]) -> Sequence[Column]:
    answer = (flat_answer(first[0]) if first else {}) or {"label": None, "score": None}
    return tuple(Column(name, _answer_type(name, value)) for name, value in answer.items())


def _answer_type(name: str, value: Any) -> ColumnType:
    if not name.endswith("label"):
        return ColumnType.NUMBER
    if isinstance(value, bool):
        return ColumnType.BOOLEAN
    return ColumnType.INTEGER if isinstance(value, int) else ColumnType.TEXT
