"""Columns of exported results: the answers', and beside them the records' own fields."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain, islice
from typing import Any

from hundredfold.ingest import Plan
from hundredfold.model.signature import FieldType, Signature
from hundredfold_cli.ingests.answers import columns_of

OWN = "record_"
"""Before the name of a record's own field that an answer's column has too."""


class Type(StrEnum):
    """What a column holds."""

    TEXT = "text"
    NUMBER = "number"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    TIME = "time"
    JSON = "json"
    """Anything, written as JSON."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of results; `type` is None if only the values tell it."""

    name: str
    type: Type | None = None


_REJECTION = (
    Column("record_id", Type.TEXT),
    Column("reason", Type.TEXT),
    Column("detail", Type.TEXT),
    Column("line", Type.INTEGER),
    Column("offset", Type.INTEGER),
    Column("batch", Type.INTEGER),
)
_ID = Column("record_id", Type.TEXT)
_REST = (Column("model_version", Type.TEXT), Column("predicted_at", Type.TIME), Column("batch", Type.INTEGER))

type Joined = tuple[Mapping[str, Any], Mapping[str, Any]]
"""A record as its source has it, and its prediction."""


def rejection_columns(plan: Plan) -> Sequence[Column]:
    """Return the columns of an ingest's rejections; of several objects each has the one that its line is in."""
    return _REJECTION if plan.pinned else (*_REJECTION, Column("source", Type.TEXT))


def answers(predictions: Iterable[Mapping[str, Any]]) -> tuple[Iterator[Mapping[str, Any]], Sequence[Column]]:
    """Return predictions with their answers as columns, and all columns.

    All predictions of an ingest are one model's, so the first one tells the columns of all.
    """
    rows = iter(predictions)
    first = list(islice(rows, 1))
    flat = ({**prediction, **columns_of(prediction)} for prediction in chain(first, rows))
    return flat, (_ID, *_answer_columns(first), *_REST)


@dataclass(slots=True)
class Join:
    """Predictions beside their records' own fields, as rows and columns.

    Attributes
    ----------
    columns : of all rows: the id, the fields, the answer, and the rest
    left_out : fields that have no column, since the first record has not got them, and of how many records
    """

    columns: Sequence[Column]
    left_out: dict[str, int] = field(default_factory=dict)
    _rows: Iterator[Joined] = field(default_factory=lambda: iter(()))
    _taken: frozenset[str] = frozenset()
    _texts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, rows: Iterable[Joined], signature: Signature | None) -> "Join":
        """Find out the columns: fields of the model's signature, and whatever the first record has beside them."""
        rows = iter(rows)
        first = list(islice(rows, 1))
        answer = _answer_columns([prediction for _, prediction in first])
        taken = frozenset(column.name for column in (_ID, *answer, *_REST))
        known = {one.name: _TYPES[one.type] for one in (signature.fields if signature else ())}
        fields: dict[str, Type | None] = {**known, **{name: known.get(name) for record, _ in first for name in record}}
        fields.pop("id", None)
        own = tuple(Column(own_column(name, taken), type_) for name, type_ in fields.items())
        texts = frozenset(own_column(name, taken) for name, type_ in known.items() if type_ is Type.TEXT)
        return cls((_ID, *own, *answer, *_REST), _rows=chain(first, rows), _taken=taken, _texts=texts)

    def rows(self, *, all_fields: bool) -> Iterator[Mapping[str, Any]]:
        """Yield the rows; with `all_fields` each with all fields of its record, whether they have a column or not."""
        names = [column.name for column in self.columns]
        known = set(names)
        for record, prediction in self._rows:
            own = {own_column(name, self._taken): value for name, value in record.items() if name != "id"}
            answer = {**prediction, **columns_of(prediction)}
            for name in own.keys() - known:
                self.left_out[name] = self.left_out.get(name, 0) + 1
            if all_fields:
                # The id first and the answer last, as where there are columns.
                fixed = {name: answer[name] for name in names if name in self._taken}
                yield {"record_id": fixed.pop("record_id"), **own, **fixed}
            else:
                yield {name: answer[name] if name in self._taken else self._own(name, own.get(name)) for name in names}

    def _own(self, name: str, value: Any) -> Any:
        """Return a field's value; one that is a number, of Parquet, is text where the model was given it as text."""
        return json.dumps(value) if name in self._texts and isinstance(value, int | float) else value


def own_column(name: str, taken: frozenset[str]) -> str:
    """Name the column of a record's own field, so that no two fields have one, and none has an answer's."""
    bare = name
    while bare not in taken and bare.startswith(OWN):
        bare = bare.removeprefix(OWN)
    return f"{OWN}{name}" if bare in taken else name


_TYPES = {FieldType.TEXT: Type.TEXT, FieldType.CATEGORY: Type.TEXT, FieldType.NUMBER: Type.NUMBER}


def _answer_columns(first: Sequence[Mapping[str, Any]]) -> Sequence[Column]:
    answer = columns_of(first[0]) if first else {"label": None, "score": None}
    return tuple(Column(name, Type.TEXT if name.endswith("label") else Type.NUMBER) for name in answer)
