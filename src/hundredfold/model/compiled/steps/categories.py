"""Categories to columns. Pure Python: each value is one look-up in a dict."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from hundredfold.model.compiled.data import Data, Dense, Sparse, table
from hundredfold.model.compiled.form import Array
from hundredfold.model.compiled.step import Transformer
from hundredfold.model.compiled.values import Values

_MISSING = object()


@dataclass(frozen=True, slots=True)
class Categories:
    """The categories of one column.

    Attributes
    ----------
    positions : of each category
    textual : whether the categories are strings; if not, they are numbers
    """

    positions: dict[Any, int]
    textual: bool

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `texts` or `numbers`. NaN among the numbers is the category of missing values."""
        if values.has("texts"):
            return cls({text: position for position, text in enumerate(values.items("texts"))}, True)
        listed = values.floats("numbers")
        return cls({_MISSING if math.isnan(n) else n: position for position, n in enumerate(listed)}, False)

    def position(self, value: Any) -> int | None:
        """Return the position of a value's category, or None. Raise ValueError if the value is of another type."""
        if self.textual:
            return self.positions.get(value)
        number = math.nan if value is None else float(value)
        if math.isinf(number):
            raise ValueError("a category is infinite")
        return self.positions.get(_MISSING if math.isnan(number) else number)


@dataclass(frozen=True, slots=True)
class OneHot(Transformer):
    """Makes a column of each category: OneHotEncoder.

    Attributes
    ----------
    columns : the categories of each column
    places : the output column of each category of each column; -1 for none
    unknown : for each column the output column of an unknown category; -1 for none, -2 if it is refused
    width : the number of output columns
    sparse : whether zeros are left out
    """

    kind: ClassVar[str] = "one_hot"
    columns: list[Categories]
    places: list[list[int]]
    unknown: list[int]
    width: int
    sparse: bool

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `columns`, `places`, `unknown`, `width` and `sparse`."""
        places = [_integers(numbers) for numbers in values.items("places")]
        return cls(
            read_columns(values),
            places,
            values.integers("unknown"),
            values.integer("width"),
            values.flag("sparse"),
        )

    def transform(self, data: Data) -> Data:
        """Encode each row."""
        rows: list[tuple[Sequence[int], Sequence[float]]] = []
        for row in table(data):
            filled = []
            for value, categories, places, unknown in zip(row, self.columns, self.places, self.unknown, strict=True):
                position = categories.position(value)
                place = unknown if position is None else places[position]
                if place >= 0:
                    filled.append(place)
                elif place == _REFUSED:
                    raise ValueError("a category is unknown")
            rows.append((filled, [1.0] * len(filled)))
        encoded = Sparse(rows, self.width)
        return encoded if self.sparse else Dense(table(encoded))


_REFUSED = -2


@dataclass(frozen=True, slots=True)
class Ordinal(Transformer):
    """Makes a number of each category: OrdinalEncoder.

    Attributes
    ----------
    columns : the categories of each column
    codes : the number of each category of each column
    unknown : the number of an unknown category, or None if it is refused
    """

    kind: ClassVar[str] = "ordinal"
    columns: list[Categories]
    codes: list[list[float]]
    unknown: float | None

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `columns`, `codes` and `unknown`, an array of one number or none."""
        codes = [_floats(numbers) for numbers in values.items("codes")]
        unknown = values.floats("unknown")
        return cls(read_columns(values), codes, unknown[0] if unknown else None)

    def transform(self, data: Data) -> Dense:
        """Encode each row."""
        rows = []
        for row in table(data):
            encoded = []
            for value, categories, codes in zip(row, self.columns, self.codes, strict=True):
                position = categories.position(value)
                if position is not None:
                    encoded.append(codes[position])
                elif self.unknown is None:
                    raise ValueError("a category is unknown")
                else:
                    encoded.append(self.unknown)
            rows.append(encoded)
        return Dense(rows)


def read_columns(values: Values) -> list[Categories]:
    """Read the categories of each column."""
    return [Categories.read(Values(column, values.read_step)) for column in values.items("columns")]


def _integers(numbers: Array) -> list[int]:
    return numbers.values.tolist()


def _floats(numbers: Array) -> list[float]:
    return numbers.values.tolist()
