"""Projections onto components. With NumPy: a batch takes a million products, which Python would take too long for."""

from collections.abc import Sequence
from typing import ClassVar, Self

from hundredfold.model.compiled.data import Data, Dense, Sparse, numbers
from hundredfold.model.compiled.form import Array
from hundredfold.model.compiled.step import Transformer
from hundredfold.model.compiled.values import Values


class Project(Transformer):
    """TruncatedSVD and PCA without whitening.

    Parameters
    ----------
    components : one row a column of the input
    subtract : what the input's projection is shifted by, one number a component
    """

    kind: ClassVar[str] = "project"

    def __init__(self, components: Array, subtract: Sequence[float]) -> None:
        import numpy as np

        self._components = np.array(components.values, dtype=float).reshape(components.shape)
        self._subtract = np.array(subtract, dtype=float)

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `components` and `subtract`."""
        return cls(values.array("components"), values.floats("subtract"))

    def transform(self, data: Data) -> Dense:
        """Project each row."""
        import numpy as np

        components = self._components
        if isinstance(data, Sparse):
            if data.width != len(components):
                raise ValueError(f"there are {data.width} columns where {len(components)} are expected")
            projected = [np.asarray(row) @ components[np.asarray(columns, dtype=np.intp)] for columns, row in data.rows]
            return Dense((np.array(projected) - self._subtract).tolist())
        return Dense((np.array(numbers(data)) @ components - self._subtract).tolist())
