"""Texts to sparse counts and weights. Pure Python: a batch of 100 sentences takes less than scikit-learn's."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter, mul
from typing import ClassVar, Self

from hundredfold.model.compiled.analyzer import Analyze, read_analyzer
from hundredfold.model.compiled.data import Data, Sparse, table, texts
from hundredfold.model.compiled.step import Transformer
from hundredfold.model.compiled.values import Values

_after_first = itemgetter(slice(1, None))

_HASHED_TERMS_KEPT = 65_536  # terms repeat, and the hash of one takes microseconds


@dataclass(frozen=True, slots=True)
class CountTerms(Transformer):
    """Counts the terms of a vocabulary: CountVectorizer.

    Attributes
    ----------
    columns : the column of each term
    binary : whether each count is 1
    """

    kind: ClassVar[str] = "count_terms"
    analyze: Analyze
    columns: dict[str, int]
    binary: bool

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `vocabulary`, the terms in the order of their columns, `binary`, and the analyzer's values."""
        terms = values.items("vocabulary")
        analyze = read_analyzer(values, single=all(map(len, map(_after_first, terms))))
        return cls(analyze, dict(zip(terms, range(len(terms)), strict=True)), values.flag("binary"))

    def transform(self, data: Data) -> Sparse:
        """Count the terms of each text."""
        analyze, get, binary = self.analyze, self.columns.get, self.binary
        rows: list[tuple[Sequence[int], Sequence[float]]] = []
        for text in texts(data):
            # Most terms stand once in a text, so the counting of the rest is worth a test.
            columns = [column for column in map(get, analyze(text)) if column is not None]
            distinct = dict.fromkeys(columns, 1.0)
            if len(distinct) < len(columns):
                if not binary:
                    for column in columns:
                        distinct[column] += 1.0
                    rows.append((list(distinct), [count - 1.0 for count in distinct.values()]))
                    continue
                columns = list(distinct)
            rows.append((columns, [1.0] * len(columns)))
        return Sparse(rows, len(self.columns))


@dataclass(frozen=True, slots=True)
class WeighTerms(Transformer):
    """Weighs counts by how rare a term is, and scales each row: TfidfTransformer.

    Attributes
    ----------
    weights : of each column, or None
    norm : `l1`, `l2`, `max` or `none`
    logarithmic : whether a count n becomes 1 + log(n)
    """

    kind: ClassVar[str] = "weigh_terms"
    weights: list[float] | None
    norm: str
    logarithmic: bool

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `weights`, `norm` and `logarithmic`."""
        weights = values.floats("weights") if values.has("weights") else None
        return cls(weights, _checked_norm(values.text("norm")), values.flag("logarithmic"))

    def transform(self, data: Data) -> Sparse:
        """Weigh each row."""
        weights, norm = self.weights, self.norm
        sparse = data if isinstance(data, Sparse) else _sparse(data)
        rows: list[tuple[Sequence[int], Sequence[float]]] = []
        for columns, counts in sparse.rows:
            if weights is not None and counts.count(1.0) == len(counts):
                # In two of five sentences no term comes again. Then counts and their logarithms are 1.
                rows.append((columns, scaled([weights[column] for column in columns], norm)))
                continue
            weighed: Sequence[float] = counts
            if self.logarithmic:
                weighed = [1.0 if count == 1.0 else math.log(count) + 1.0 for count in weighed]
            if weights is not None:
                weighed = list(map(mul, weighed, map(weights.__getitem__, columns)))
            rows.append((columns, scaled(weighed, norm)))
        return Sparse(rows, sparse.width)


@dataclass(frozen=True, slots=True)
class HashTerms(Transformer):
    """Counts terms in the column that their hash names: HashingVectorizer.

    Attributes
    ----------
    width : the number of columns
    binary : whether each count is 1
    signed : whether a term counts -1 if its hash is negative
    norm : `l1`, `l2`, `max` or `none`
    """

    kind: ClassVar[str] = "hash_terms"
    analyze: Analyze
    width: int
    binary: bool
    signed: bool
    norm: str

    @classmethod
    def read(cls, values: Values) -> Self:
        """Read `width`, `binary`, `signed`, `norm`, and the analyzer's values."""
        width = values.integer("width")
        if width < 1:
            raise ValueError("width must be positive")
        norm = _checked_norm(values.text("norm"))
        return cls(read_analyzer(values), width, values.flag("binary"), values.flag("signed"), norm)

    def transform(self, data: Data) -> Sparse:
        """Count the terms of each text."""
        rows: list[tuple[Sequence[int], Sequence[float]]] = []
        for text in texts(data):
            counts: dict[int, float] = {}
            for term in self.analyze(text):
                hashed = hash_term(term)
                sign = -1.0 if self.signed and hashed < 0 else 1.0
                column = abs(hashed) % self.width
                counts[column] = counts.get(column, 0.0) + sign
            # Terms of opposite sign leave an entry of 0, which binary counts as 1.
            numbers = [1.0] * len(counts) if self.binary else list(counts.values())
            rows.append((list(counts), scaled(numbers, self.norm)))
        return Sparse(rows, self.width)


def scaled(numbers: Sequence[float], norm: str) -> Sequence[float]:
    """Divide a row's numbers by its norm. A row of zeros stays."""
    match norm:
        case "l2":
            length = math.sqrt(math.sumprod(numbers, numbers))
        case "l1":
            length = 0.0
            for number in numbers:
                length += abs(number)
        case "max":
            length = max(map(abs, numbers), default=0.0)
        case _:
            return numbers
    return [number / length for number in numbers] if length else numbers


@lru_cache(maxsize=_HASHED_TERMS_KEPT)
def hash_term(term: str) -> int:
    """Return MurmurHash3 (x86, 32 bits, seed 0) of a term's UTF-8 as a signed integer.

    https://github.com/aappleby/smhasher/blob/master/src/MurmurHash3.cpp
    """
    content = term.encode()
    length = len(content)
    value = 0
    whole = length & ~3
    for start in range(0, whole, 4):
        block = int.from_bytes(content[start : start + 4], "little") * 0xCC9E2D51 & 0xFFFFFFFF
        block = (block << 15 | block >> 17) * 0x1B873593 & 0xFFFFFFFF
        value ^= block
        value = ((value << 13 | value >> 19) & 0xFFFFFFFF) * 5 + 0xE6546B64 & 0xFFFFFFFF
    if length > whole:
        block = int.from_bytes(content[whole:], "little") * 0xCC9E2D51 & 0xFFFFFFFF
        value ^= (block << 15 | block >> 17) * 0x1B873593 & 0xFFFFFFFF
    value ^= length
    value = (value ^ value >> 16) * 0x85EBCA6B & 0xFFFFFFFF
    value = (value ^ value >> 13) * 0xC2B2AE35 & 0xFFFFFFFF
    value ^= value >> 16
    return value - 0x100000000 if value & 0x80000000 else value


def _sparse(data: Data) -> Sparse:
    rows = table(data)
    width = len(rows[0]) if rows else 0
    kept = [[(column, number) for column, number in enumerate(row) if number] for row in rows]
    return Sparse([([column for column, _ in row], [number for _, number in row]) for row in kept], width)


def _checked_norm(norm: str) -> str:
    if norm not in {"l1", "l2", "max", "none"}:
        raise ValueError(f"there is no norm {norm}")
    return norm
