"""The values of one step in a compiled model, read by type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from hundredfold.model.compiled.form import Array


@dataclass(frozen=True, slots=True)
class Values:
    """What the form says of one step. Each method raises KeyError or TypeError if a value is not there.

    Attributes
    ----------
    mapping : the values by name
    read_step : makes a step of another mapping
    """

    mapping: Mapping[str, Any]
    read_step: Callable[[Mapping[str, Any]], Any]

    def floats(self, name: str) -> list[float]:
        """Return an array of one dimension as a list of floats."""
        return self._array(name, 1).values.tolist()

    def integers(self, name: str) -> list[int]:
        """Return an array of one dimension as a list of integers."""
        return self._array(name, 1).values.tolist()

    def matrix(self, name: str) -> list[list[float]]:
        """Return an array of two dimensions as lists, one for each row."""
        return self._array(name, 2).rows()

    def array(self, name: str) -> Array:
        """Return an array as it is."""
        return self._array(name, None)

    def number(self, name: str) -> float:
        """Return one number."""
        return float(self.mapping[name])

    def integer(self, name: str) -> int:
        """Return one integer."""
        return int(self._typed(name, int))

    def flag(self, name: str) -> bool:
        """Return true or false."""
        return bool(self._typed(name, bool))

    def text(self, name: str) -> str:
        """Return one string."""
        return str(self._typed(name, str))

    def items(self, name: str) -> list[Any]:
        """Return a list."""
        values: list[Any] = self._typed(name, list)
        return values

    def has(self, name: str) -> bool:
        """Return whether there is such a value."""
        return self.mapping.get(name) is not None

    def steps(self, name: str) -> list[Any]:
        """Return the steps of a list."""
        return [self.read_step(step) for step in self.items(name)]

    def _array(self, name: str, dimensions: int | None) -> Array:
        numbers: Array = self._typed(name, Array)
        if dimensions is not None and len(numbers.shape) != dimensions:
            raise TypeError(f"{name} must have {dimensions} dimensions")
        return numbers

    def _typed(self, name: str, kind: type) -> Any:
        value = self.mapping[name]
        if type(value) is not kind:
            raise TypeError(f"{name} must be a {kind.__name__}")
        return value
