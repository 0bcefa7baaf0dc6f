"""The answer to a check, and the row that comes of it."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hundredfold.errors import HundredfoldError


class CannotAskError(HundredfoldError):
    """A check has no answer here; the message says why. It does not count as a difference."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was seen.

    Attributes
    ----------
    seen : in words
    agrees : whether it is as expected
    """

    seen: str
    agrees: bool


class Verdict(StrEnum):
    """What became of a check."""

    AS_EXPECTED = "as expected"
    DIFFERS = "differs"
    NOT_ASKED = "not asked"


@dataclass(frozen=True, slots=True)
class Row:
    """A check and its answer. `seen` is why, if it was not asked."""

    name: str
    expected: str
    seen: str
    verdict: Verdict
    source: str

    def as_dict(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "expected": self.expected,
            "seen": self.seen,
            "verdict": self.verdict.value,
            "source": self.source,
        }


def differs(rows: Iterable[Row]) -> bool:
    """Tell whether any row is not as expected."""
    return any(row.verdict is Verdict.DIFFERS for row in rows)
