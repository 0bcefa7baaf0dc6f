"""The result of a verification: counts, problems, and what could not be verified."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

SHOWN = 20
"""How many problems of one store are kept in words. All are counted."""


class Store(StrEnum):
    """Where a problem is."""

    SOURCE = "source"
    PLAN = "plan"
    MANIFEST = "manifest"
    STAGED = "staged"
    LEDGER = "ledger"
    PREDICTIONS = "predictions"
    REJECTIONS = "rejections"
    SUMMARY = "summary"
    INDEX = "index"
    CARD = "card"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is not as it must be, in words. It never has any content of a record but its id."""

    store: Store
    what: str


@dataclass(slots=True)
class Verification:
    """The result of a verification.

    Every record of the source has one outcome: `records = predicted + rejected + failed + missing + doubled +
    overwritten`.

    Attributes
    ----------
    failed : records of batches that the ledger does not have as done
    missing : records without an outcome: of batches that are done, or of no batch
    doubled : records that are predicted and rejected
    overwritten : records whose prediction was replaced by that of another batch's record, since both have one id
    extra : stored outcomes of no record
    predicted_again : how many records were predicted once more, to compare their answers; None if none
    problems : up to SHOWN of each store; `counts` has how many there are
    not_verified : what could not be verified, and why
    """

    records: int = 0
    predicted: int = 0
    rejected: int = 0
    failed: int = 0
    missing: int = 0
    doubled: int = 0
    overwritten: int = 0
    extra: int = 0
    predicted_again: int | None = None
    problems: list[Problem] = field(default_factory=list)
    counts: Counter[Store] = field(default_factory=Counter)
    not_verified: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.counts

    def add(self, store: Store, what: str) -> None:
        """Add a problem."""
        self.counts[store] += 1
        if self.counts[store] <= SHOWN:
            self.problems.append(Problem(store, what))

    def compare(self, store: Store, what: str, stored: object, expected: object) -> None:
        """Add a problem if something is stored otherwise than expected."""
        if stored != expected:
            self.add(store, f"{what} is {short(stored)}, and should be {short(expected)}")

    def leave_out(self, what: str) -> None:
        """Note something that could not be verified, once."""
        if what not in self.not_verified:
            self.not_verified.append(what)

    def as_dict(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "records": self.records,
            "predicted": self.predicted,
            "rejected": self.rejected,
            "failed": self.failed,
            "missing": self.missing,
            "doubled": self.doubled,
            "overwritten": self.overwritten,
            "extra": self.extra,
            "predicted_again": self.predicted_again,
            "problem_counts": {store.value: count for store, count in self.counts.items()},
            "problems": [{"store": problem.store.value, "what": problem.what} for problem in self.problems],
            "not_verified": self.not_verified,
        }


def short(value: object) -> str:
    """Return a value as a message has it."""
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else repr(value)
    return text if len(text) <= 100 else f"{text[:100]}…"
