"""The data that steps hand on: texts, rows of values, or rows with their zeros left out."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dense:
    """Rows with a value for every column: numbers, or the records' own values."""

    rows: Sequence[Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Sparse:
    """Rows of (columns, numbers). A column that a row does not name is 0.

    Attributes
    ----------
    width : the number of columns
    """

    rows: Sequence[tuple[Sequence[int], Sequence[float]]]
    width: int

    @property
    def is_finite(self) -> bool:
        """Whether all numbers are finite."""
        return all(all(map(math.isfinite, row)) for _, row in self.rows)


type Data = Sequence[str] | Dense | Sparse


def texts(data: Data) -> Sequence[str]:
    """Return data as texts. Raise ValueError if it is a table, or a value is no string."""
    if isinstance(data, Dense | Sparse) or not all(type(text) is str for text in data):
        raise ValueError("texts are expected")
    return data


def table(data: Data) -> Sequence[Sequence[Any]]:
    """Return data as dense rows. Zeros that were left out are filled in."""
    if isinstance(data, Dense):
        return data.rows
    if not isinstance(data, Sparse):
        return [(text,) for text in data]
    rows = []
    for columns, numbers in data.rows:
        row = [0.0] * data.width
        for column, number in zip(columns, numbers, strict=True):
            row[column] = number
        rows.append(row)
    return rows


def numbers(data: Data, *, missing: bool = False, infinite: bool = False) -> Sequence[Sequence[float]]:
    """Return data as dense rows of numbers.

    Parameters
    ----------
    missing : whether NaN may be in them
    infinite : whether infinities may be in them

    Raises
    ------
    ValueError
        If a value is no number, or one that the step does not take. scikit-learn raises it too.
    """
    rows = table(data)
    try:
        if all(all(map(math.isfinite, row)) for row in rows):
            return rows
    except TypeError:
        rows = [[math.nan if value is None else float(value) for value in row] for row in rows]
    for row in rows:
        if not missing and any(map(math.isnan, row)):
            raise ValueError("a number is missing")
        if not infinite and any(map(math.isinf, row)):
            raise ValueError("a number is infinite")
    return rows
