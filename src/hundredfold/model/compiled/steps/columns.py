"""Steps that hold others, and the choice of columns. Pure Python: they only hand data on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from hundredfold.model.compiled.data import Data, Dense, Sparse, table
from hundredfold.model.compiled.step import Transformer
from hundredfold.model.compiled.values import Values


@dataclass(frozen=True, slots=True)
class Chain(Transformer):
    """Applies transformers one after another: Pipeline of transformers. Without any, data passes through."""

    kind: ClassVar[str] = "chain"
    steps: list[Transformer]

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `steps`."""
        return cls(read_transformers(values, "steps"))

    def transform(self, data: Data) -> Data:
        """Apply each step."""
        for step in self.steps:
            data = step.transform(data)
        return data


@dataclass(frozen=True, slots=True)
class Part:
    """Some columns and what is done to them.

    Attributes
    ----------
    columns : the positions of the columns; None for all data as it is
    single : whether the transformer takes one column of texts, and not a table
    """

    columns: list[int] | None
    single: bool
    step: Transformer


@dataclass(frozen=True, slots=True)
class Parts(Transformer):
    """Applies transformers side by side and joins what they make: ColumnTransformer, FeatureUnion."""

    kind: ClassVar[str] = "parts"
    parts: list[Part]

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `parts`: each has a `step`, and `columns` and `single` if it does not take all data."""
        parts = []
        for mapping in values.items("parts"):
            part = Values(mapping, values.read_step)
            step = values.read_step(mapping["step"])
            if not isinstance(step, Transformer):
                raise TypeError("a part must be a transformer")
            columns = part.integers("columns") if part.has("columns") else None
            parts.append(Part(columns, columns is not None and part.flag("single"), step))
        return cls(parts)

    def transform(self, data: Data) -> Data:
        """Apply each part."""
        rows = [] if all(part.columns is None for part in self.parts) else table(data)
        return joined([part.step.transform(_chosen(part, rows, data)) for part in self.parts])


def _chosen(part: Part, rows: Sequence[Sequence[Any]], data: Data) -> Data:
    if part.columns is None:
        return data
    if part.single:
        (column,) = part.columns
        return [row[column] for row in rows]
    columns = part.columns
    return Dense([[row[column] for column in columns] for row in rows])


@dataclass(frozen=True, slots=True)
class Choose(Transformer):
    """Keeps some columns: SelectKBest.

    Attributes
    ----------
    columns : the columns that are kept, ascending
    width : the number of columns before
    """

    kind: ClassVar[str] = "choose"
    columns: list[int]
    width: int

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `columns` and `width`."""
        return cls(values.integers("columns"), values.integer("width"))

    def transform(self, data: Data) -> Data:
        """Keep the columns of each row."""
        if not isinstance(data, Sparse):
            return Dense([[row[column] for column in self.columns] for row in table(data)])
        places = {column: place for place, column in enumerate(self.columns)}
        rows: list[tuple[Sequence[int], Sequence[float]]] = []
        for columns, numbers in data.rows:
            kept = [(places[c], number) for c, number in zip(columns, numbers, strict=True) if c in places]
            rows.append(([place for place, _ in kept], [number for _, number in kept]))
        return Sparse(rows, len(self.columns))


def joined(parts: Sequence[Data]) -> Data:
    """Join data side by side. If zeros are left out in one part, they are left out in all."""
    if len(parts) == 1:
        return parts[0]
    if not any(isinstance(part, Sparse) for part in parts):
        tables = [table(part) for part in parts]
        return Dense([[value for row in rows for value in row] for rows in zip(*tables, strict=True)])
    sparse = [part if isinstance(part, Sparse) else _without_zeros(table(part)) for part in parts]
    rows: list[tuple[Sequence[int], Sequence[float]]] = []
    for pairs in zip(*(part.rows for part in sparse), strict=True):
        columns: list[int] = []
        numbers: list[float] = []
        offset = 0
        for part, (part_columns, part_numbers) in zip(sparse, pairs, strict=True):
            columns += [offset + column for column in part_columns] if offset else part_columns
            numbers += part_numbers
            offset += part.width
        rows.append((columns, numbers))
    return Sparse(rows, sum(part.width for part in sparse))


def _without_zeros(rows: Sequence[Sequence[Any]]) -> Sparse:
    kept = [[(column, float(number)) for column, number in enumerate(row) if number != 0] for row in rows]
    width = len(rows[0]) if rows else 0
    return Sparse([([column for column, _ in row], [number for _, number in row]) for row in kept], width)


def read_transformers(values: Values, name: str) -> list[Transformer]:
    """Read a list of steps, all of them transformers."""
    steps = values.steps(name)
    if not all(isinstance(step, Transformer) for step in steps):
        raise TypeError(f"{name} must be transformers")
    return steps
