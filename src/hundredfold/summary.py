"""What became of an ingest: its totals, its status, its summary."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from hundredfold.batches import BatchFailure, BatchOutcome


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an ingest is from the model's baseline: population stability indices, and a share.

    Attributes
    ----------
    labels, scores : index of the predictions
    inputs : the largest index of what is measured of the inputs
    unseen : share of records with an input that is out of range or unknown
    """

    labels: float
    scores: float
    inputs: float
    unseen: float

    @property
    def largest(self) -> float:
        return max(self.labels, self.scores, self.inputs)


@dataclass(frozen=True, slots=True)
class Totals:
    """The sums over the batches of an ingest, as far as they have got."""

    batches_done: int = 0
    predicted: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[BatchFailure, ...] = ()
    written_back: int = 0
    outdated: int = 0

    @classmethod
    def of(cls, entries: Iterable[BatchOutcome | BatchFailure]) -> Self:
        """Add up the ledger's entries of one ingest."""
        batches = predicted = rejected = written_back = outdated = 0
        reasons: Counter[str] = Counter()
        failures: list[BatchFailure] = []
        for entry in entries:
            if isinstance(entry, BatchFailure):
                failures.append(entry)
                continue
            batches += 1
            predicted += entry.predicted
            rejected += entry.rejected
            written_back += entry.written_back
            outdated += entry.outdated
            reasons.update(entry.reasons)
        return cls(
            batches,
            predicted,
            rejected,
            dict(reasons.most_common()),
            tuple(sorted(failures, key=lambda f: f.batch)),
            written_back,
            outdated,
        )


class Status(StrEnum):
    """How an ingest stands."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of an ingest. `records = predicted + rejected + failed`, always.

    Attributes
    ----------
    failed : records of the batches that are not complete: given up, or never finished
    batches_failed : how many batches that are
    seconds : from the start of the execution to the summary
    failures : the error and the number of batches that were given up for it, the most frequent first; those of the
        20 most frequent, and the rest in one sum
    cause : why the ingest as a whole failed, or None
    drift : how far it is from the model's baseline; None if there is none, or too few records to tell
    usd : what it cost by the ledger and the list prices; None where no prices are known
    written_back, outdated : of the predictions of a table's items, how many were written back onto them, and how many
        were not since the item had changed or gone; both 0 if nothing is written back
    """

    ingest_id: str
    status: Status
    records: int
    predicted: int
    rejected: int
    failed: int
    batches: int
    batches_failed: int
    seconds: float
    started_at: str
    model_version: str
    source: str
    reasons: Mapping[str, int]
    failures: Mapping[str, int]
    cause: str | None = None
    drift: Drift | None = None
    usd: float | None = None
    written_back: int = 0
    outdated: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


COMPLETED, FAILED = "IngestCompleted", "IngestFailed"


@dataclass(frozen=True, slots=True)
class Notification:
    """That an ingest ended: `kind` is COMPLETED or FAILED, `detail` its summary as JSON."""

    ingest_id: str
    kind: str
    detail: str
