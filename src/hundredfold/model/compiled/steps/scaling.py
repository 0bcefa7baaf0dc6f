"""Scaling of columns. Pure Python: each value takes the operations of scikit-learn in the same order, so to the bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Self

from hundredfold.model.compiled.data import Data, Dense, Sparse, numbers, table
from hundredfold.model.compiled.step import Transformer
from hundredfold.model.compiled.values import Values


@dataclass(frozen=True, slots=True)
class Shift(Transformer):
    """Subtracts a number from each column and divides by another: StandardScaler, RobustScaler.

    Attributes
    ----------
    subtract, divide : a number for each column, or None
    """

    kind: ClassVar[str] = "shift"
    subtract: list[float] | None
    divide: list[float] | None

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `subtract` and `divide`."""
        return cls(*(values.floats(name) if values.has(name) else None for name in ("subtract", "divide")))

    def transform(self, data: Data) -> Data:
        """Shift each row. Columns that are left out can't be shifted."""
        if isinstance(data, Sparse):
            if self.subtract is not None:
                raise ValueError("columns that are left out can't be shifted")
            if self.divide is None:
                return data
            factors = [1 / number for number in self.divide]
            scaled: list[tuple[Sequence[int], Sequence[float]]] = [
                (columns, [number * factors[column] for column, number in zip(columns, row, strict=True)])
                for columns, row in data.rows
            ]
            return Sparse(scaled, data.width)
        rows = numbers(data, missing=True)
        if self.subtract is not None:
            subtract = self.subtract
            rows = [[value - number for value, number in zip(row, subtract, strict=True)] for row in rows]
        if self.divide is not None:
            divide = self.divide
            rows = [[value / number for value, number in zip(row, divide, strict=True)] for row in rows]
        return Dense(rows)


@dataclass(frozen=True, slots=True)
class Stretch(Transformer):
    """Multiplies each column by a number and adds another: MinMaxScaler.

    Attributes
    ----------
    multiply, add : a number for each column
    limits : the least and the largest value, if values are clipped
    """

    kind: ClassVar[str] = "stretch"
    multiply: list[float]
    add: list[float]
    limits: list[float]

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `multiply`, `add` and `limits`."""
        limits = values.floats("limits")
        if len(limits) not in {0, 2}:
            raise ValueError("there must be two limits or none")
        return cls(values.floats("multiply"), values.floats("add"), limits)

    def transform(self, data: Data) -> Dense:
        """Stretch each row."""
        if isinstance(data, Sparse):
            raise ValueError("columns that are left out can't be stretched")  # noqa: TRY004 - as scikit-learn
        multiply, add = self.multiply, self.add
        rows = [
            [value * factor + number for value, factor, number in zip(row, multiply, add, strict=True)]
            for row in numbers(data, missing=True)
        ]
        if self.limits:
            least, most = self.limits
            # This order keeps NaN.
            rows = [[least if value < least else most if value > most else value for value in row] for row in rows]
        return Dense(rows)


@dataclass(frozen=True, slots=True)
class Fill(Transformer):
    """Puts a number where one is missing: SimpleImputer.

    Attributes
    ----------
    fill : a number for each column; None for a column that is dropped
    flags : the columns for which a column is added that says whether the value was missing
    """

    kind: ClassVar[str] = "fill"
    fill: list[float | None]
    flags: list[int]

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `fill`, `dropped` and `flags`."""
        dropped = set(values.integers("dropped"))
        fill = [None if column in dropped else number for column, number in enumerate(values.floats("fill"))]
        return cls(fill, values.integers("flags"))

    def transform(self, data: Data) -> Dense:
        """Fill each row."""
        if isinstance(data, Sparse):
            raise ValueError("columns that are left out can't be filled")  # noqa: TRY004 - as scikit-learn
        rows = numbers(data, missing=True)
        return Dense([[*self._filled(row), *(float(row[c] != row[c]) for c in self.flags)] for row in rows])

    def _filled(self, row: Sequence[float]) -> list[float]:
        return [
            number if value != value else value
            for value, number in zip(row, self.fill, strict=True)
            if number is not None
        ]


@dataclass(frozen=True, slots=True)
class FillText(Transformer):
    """Puts a string where one is missing: SimpleImputer over categories.

    Attributes
    ----------
    fill : a string for each column
    """

    kind: ClassVar[str] = "fill_text"
    fill: list[str]

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `fill`."""
        return cls(values.items("fill"))

    def transform(self, data: Data) -> Dense:
        """Fill each row."""
        return Dense(
            [
                [text if value != value else value for value, text in zip(row, self.fill, strict=True)]
                for row in table(data)
            ]
        )
