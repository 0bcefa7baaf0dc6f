"""The summary of an ingest: its totals, its status, its drift."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from hundredfold.batches import BatchFailure, BatchOutcome


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an ingest is from the model's baseline, as population stability indices and a share.

    Attributes
    ----------
    labels, scores : the indices of the predictions
    inputs : the largest index of the inputs
    unseen : the share of records with an input that is out of range or unknown
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
    """The sums over the batches of an ingest so far."""

    batches_done: int = 0
    predicted: int = 0
    rejected: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    failures: tuple[BatchFailure, ...] = ()
    written_back: int = 0
    outdated: int = 0

    @classmethod
    def sum(cls, entries: Iterable[BatchOutcome | BatchFailure]) -> Self:
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
            tuple(sorted(failures, key=lambda failure: failure.batch)),
            written_back,
            outdated,
        )


class Status(StrEnum):
    """The status of an ingest."""

    RUNNING = "RUNNING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of an ingest. Always, `records = predicted + rejected + failed`.

    Attributes
    ----------
    failed : records of batches that are not done: they failed, or never finished
    batches_failed : how many batches these are
    seconds : from the start of the execution to the summary
    failures : how many batches failed for each error, the most frequent first: the 20 most frequent errors, and a sum
        of all others
    cause : why the ingest as a whole failed, or None
    drift : from the model's baseline; None if there is no baseline, or too few records
    usd : the cost, by the ledger and the list prices; None if no prices are known
    written_back : how many predictions were written back onto their items
    outdated : how many predictions were not written back, because the item had changed or was gone
    skipped_objects : how many objects of the source only mark a folder
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
    skipped_objects: int = 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


COMPLETED, FAILED = "IngestCompleted", "IngestFailed"


@dataclass(frozen=True, slots=True)
class Notification:
    """The news that an ingest ended. `kind` is COMPLETED or FAILED, and `detail` is the summary as JSON."""

    ingest_id: str
    kind: str
    detail: str
