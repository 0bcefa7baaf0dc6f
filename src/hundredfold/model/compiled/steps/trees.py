"""Trees and their ensembles, by flat arrays.

One tree is walked in Python: a record takes less than a microsecond. Many trees are walked at once with NumPy, level by
level. Sums are in scikit-learn's order, so answers are the same to the bit.
"""

import math
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from hundredfold.model.compiled.data import Data, Sparse, numbers, table
from hundredfold.model.compiled.form import Array
from hundredfold.model.compiled.scores import logistic, softmax
from hundredfold.model.compiled.step import Classifier, Regressor, largest
from hundredfold.model.compiled.values import Values

MOST_TREES_IN_PYTHON = 4
"""Up to this number of trees, Python takes about as long as NumPy for a batch of 100, and NumPy need not be imported.

Measured with trees of depth 12 over 30 columns, CPU: one tree 0.31 ms (NumPy 0.33), three 0.5 (0.4), ten 1.3 (0.5), a
hundred 22 (2.4). The import of NumPy takes 85 ms.
"""


@dataclass(frozen=True, slots=True)
class Trees:
    """Trees over the same columns. A node's children come after it; a leaf is its own child.

    Attributes
    ----------
    roots : the first node of each tree, ascending
    columns, thresholds : of each node. A record goes left if its number is at most the threshold
    left, right : the children of each node
    missing_left : 1 for a node where a record without the number goes left
    leaves : the numbers of each node; one row a node
    single : whether numbers are rounded to single precision first
    missing, infinite : whether numbers may be missing or infinite
    width : the number of columns
    """

    roots: list[int]
    columns: Array
    thresholds: Array
    left: Array
    right: Array
    missing_left: Array
    leaves: Array
    single: bool
    missing: bool
    infinite: bool
    width: int

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read the trees. Raise ValueError if a walk could leave them or never end."""
        names = ("columns", "thresholds", "left", "right", "missing_left", "leaves")
        columns, thresholds, left, right, missing_left, leaves = (values.array(name) for name in names)
        roots, width = values.integers("roots"), values.integer("width")
        nodes = len(columns.values)
        lengths = {len(numbers.values) for numbers in (thresholds, left, right, missing_left)} | {leaves.shape[0]}
        if lengths != {nodes} or not roots or not all(0 <= root < nodes for root in roots):
            raise ValueError("the trees' arrays differ in length")
        if not all(0 <= column < width for column in columns.values):
            raise ValueError("a tree reads a column that is not there")
        for node, (lower, upper) in enumerate(zip(left.values, right.values, strict=True)):
            if not (node == lower == upper or (node < lower < nodes and node < upper < nodes)):
                raise ValueError("a tree's children must come after their parent")
        single, missing, infinite = (values.flag(name) for name in ("single", "missing", "infinite"))
        return cls(roots, columns, thresholds, left, right, missing_left, leaves, single, missing, infinite, width)

    @property
    def outputs(self) -> int:
        """How many numbers each leaf has."""
        return self.leaves.shape[1]

    def rows(self, data: Data) -> Sequence[Sequence[float]]:
        """Return the rows as trees compare them. Raise ValueError for a number that the trees do not take."""
        if isinstance(data, Sparse):
            if self.infinite:
                raise ValueError("rows with all columns are expected")
            if data.width != self.width:
                raise ValueError(f"there are {data.width} columns where {self.width} are expected")
            rows = table(data)
        else:
            rows = numbers(data, missing=self.missing, infinite=self.infinite)
        if rows and len(rows[0]) != self.width:
            raise ValueError(f"there are {len(rows[0])} columns where {self.width} are expected")
        if not self.single:
            return rows
        rounded = [array("f", row) for row in rows]
        if any(math.isinf(number) for row in rounded for number in row):
            raise ValueError("a number is too large for single precision")
        return rounded


class Walk:
    """Walks trees, in Python or with NumPy."""

    def __init__(self, trees: Trees) -> None:
        self.trees = trees
        self._python = len(trees.roots) <= MOST_TREES_IN_PYTHON
        if self._python:
            self._nodes = list(
                zip(
                    trees.columns.values,
                    trees.thresholds.values,
                    trees.left.values,
                    trees.right.values,
                    trees.missing_left.values,
                    strict=True,
                )
            )
            self._leaves = trees.leaves.rows()
        else:
            self._arrays = _arrays(trees)

    def sums(self, data: Data, start: Sequence[float], factor: float = 1.0) -> list[list[float]]:
        """Add up the trees' numbers for each record, one tree after another.

        Parameters
        ----------
        start : what the sums begin with. The trees take turns over these numbers if leaves have one number each
        factor : by which the trees' numbers are multiplied
        """
        rows = self.trees.rows(data)
        if not rows:
            return []
        return self._in_python(rows, start, factor) if self._python else self._with_numpy(rows, start, factor)

    def _in_python(self, rows: Sequence[Sequence[float]], start: Sequence[float], factor: float) -> list[list[float]]:
        nodes, leaves, roots, outputs = self._nodes, self._leaves, self.trees.roots, self.trees.outputs
        result = []
        for row in rows:
            total = list(start)
            for number, root in enumerate(roots):
                node = root
                while True:
                    column, threshold, left, right, missing_left = nodes[node]
                    if left == node:
                        break
                    value = row[column]
                    if value <= threshold:
                        node = left
                    elif value > threshold or not missing_left:
                        node = right
                    else:
                        node = left
                if outputs == 1:
                    total[number % len(start)] += factor * leaves[node][0]
                else:
                    total = [sum_ + factor * leaf for sum_, leaf in zip(total, leaves[node], strict=True)]
            result.append(total)
        return result

    def _with_numpy(self, rows: Sequence[Sequence[float]], start: Sequence[float], factor: float) -> list[list[float]]:
        import numpy as np

        columns, thresholds, left, right, missing_left, leaves, roots, has_missing_left = self._arrays
        matrix = np.asarray(rows, dtype=np.float64)
        flat, width, height = matrix.ravel(), matrix.shape[1], matrix.shape[0]
        offsets = np.arange(height, dtype=np.intp) * width
        nodes = np.repeat(roots[:, None], height, axis=1)
        while True:
            value = flat[columns[nodes] + offsets]
            lower = value <= thresholds[nodes]
            if has_missing_left:
                lower |= np.isnan(value) & missing_left[nodes]
            following = np.where(lower, left[nodes], right[nodes])
            if np.array_equal(following, nodes):
                break
            nodes = following
        numbers_ = leaves[nodes] * factor  # trees x records x outputs
        turns = len(start) if leaves.shape[1] == 1 else 1
        numbers_ = numbers_.reshape(len(roots) // turns, turns, height, leaves.shape[1])
        first = np.asarray(start, dtype=np.float64).reshape(1, turns, 1, len(start) // turns)
        begin = np.broadcast_to(first, (1, *numbers_.shape[1:]))
        # A cumulative sum adds one after another. A plain sum may add in pairs, which rounds otherwise.
        total = np.cumsum(np.concatenate([begin, numbers_]), axis=0)[-1]  # turns x records x outputs
        rows_: list[list[float]] = total.transpose(1, 0, 2).reshape(height, -1).tolist()
        return rows_


def _arrays(trees: Trees) -> tuple[Any, ...]:
    import numpy as np

    def of(numbers: Array, kind: Any) -> Any:
        return np.array(numbers.values, dtype=kind)

    missing_left = of(trees.missing_left, bool)
    return (
        of(trees.columns, np.intp),
        of(trees.thresholds, np.float64),
        of(trees.left, np.intp),
        of(trees.right, np.intp),
        missing_left,
        of(trees.leaves, np.float64).reshape(trees.leaves.shape),
        np.array(trees.roots, dtype=np.intp),
        bool(missing_left.any()),
    )


class ForestClassifier(Classifier):
    """DecisionTreeClassifier, RandomForestClassifier, ExtraTreesClassifier: the mean of the trees' probabilities."""

    kind: ClassVar[str] = "forest_classifier"

    def __init__(self, trees: Trees) -> None:
        self._walk = Walk(trees)

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read the trees."""
        return cls(Trees.read(values))

    def response(self, data: Data) -> list[Sequence[float]]:
        """Return the probabilities; of two classes, those of the second."""
        return [row[1:] if len(row) == 2 else row for row in self._probabilities(data)]

    def predict(self, data: Data) -> list[tuple[int, float | None]]:
        """Return the most probable class."""
        return [(label, row[label]) for row in self._probabilities(data) for label in (largest(row),)]

    def _probabilities(self, data: Data) -> list[list[float]]:
        trees = self._walk.trees
        count = len(trees.roots)
        return [[total / count for total in row] for row in self._walk.sums(data, [0.0] * trees.outputs)]


class ForestRegressor(Regressor):
    """DecisionTreeRegressor, RandomForestRegressor, ExtraTreesRegressor: the mean of the trees' numbers."""

    kind: ClassVar[str] = "forest_regressor"

    def __init__(self, trees: Trees) -> None:
        self._walk = Walk(trees)

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read the trees."""
        return cls(Trees.read(values))

    def predict(self, data: Data) -> list[float]:
        """Return the mean for each record."""
        count = len(self._walk.trees.roots)
        return [total / count for (total,) in self._walk.sums(data, [0.0])]


class BoostedClassifier(Classifier):
    """GradientBoostingClassifier, HistGradientBoostingClassifier.

    Parameters
    ----------
    start : what the sums begin with: one number for two classes, else one for each class
    factor : the learning rate, if the leaves do not hold it already
    from_zero : whether a sum of 0 means the second of two classes
    """

    kind: ClassVar[str] = "boosted_classifier"

    def __init__(self, trees: Trees, start: list[float], factor: float, *, from_zero: bool) -> None:
        self._walk, self._start, self._factor, self._from_zero = Walk(trees), start, factor, from_zero

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read the trees, `start`, `factor` and `from_zero`."""
        trees, start = Trees.read(values), values.floats("start")
        if not start or len(trees.roots) % len(start) or trees.outputs != 1:
            raise ValueError("the trees do not fit the classes")
        return cls(trees, start, values.number("factor"), from_zero=values.flag("from_zero"))

    def response(self, data: Data) -> list[Sequence[float]]:
        """Return the sums."""
        return list(self._walk.sums(data, self._start, self._factor))

    def predict(self, data: Data) -> list[tuple[int, float | None]]:
        """Return the class of the largest sum."""
        rows = self._walk.sums(data, self._start, self._factor)
        if len(self._start) > 1:
            return [(label, softmax(row)[label]) for row in rows for label in (largest(row),)]
        return [self._of_two(total) for (total,) in rows]

    def _of_two(self, total: float) -> tuple[int, float]:
        second = logistic(total)
        if total > 0 or (self._from_zero and total == 0):
            return 1, second
        return 0, 1.0 - second


class BoostedRegressor(Regressor):
    """GradientBoostingRegressor, HistGradientBoostingRegressor.

    Parameters
    ----------
    start : what the sum begins with
    factor : the learning rate, if the leaves do not hold it already
    exponential : whether the sum is the logarithm of the answer
    """

    kind: ClassVar[str] = "boosted_regressor"

    def __init__(self, trees: Trees, start: float, factor: float, *, exponential: bool) -> None:
        self._walk, self._start, self._factor, self._exponential = Walk(trees), start, factor, exponential

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read the trees, `start`, `factor` and `exponential`."""
        return cls(
            Trees.read(values), values.number("start"), values.number("factor"), exponential=values.flag("exponential")
        )

    def predict(self, data: Data) -> list[float]:
        """Return the sum for each record, or its exponential."""
        totals = [total for (total,) in self._walk.sums(data, [self._start], self._factor)]
        return [math.exp(total) for total in totals] if self._exponential else totals
