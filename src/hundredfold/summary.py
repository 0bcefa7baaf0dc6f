"""The summary of an ingest: its totals, its status, its drift."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from hundredfold.batches import BatchFailure, BatchOutcome


@dataclass(frozen=True, slots=True)
class Stability:
    """How far the distribution of an ingest is from the baseline's.

    Attributes
    ----------
    index : the population stability index; 0 if both are equal
    chance : what the index stays under in almost all ingests without drift, for this number of records
    distance : the Jensen-Shannon distance, 0 to 1
    """

    index: float
    chance: float
    distance: float

    @property
    def beyond_chance(self) -> float:
        """How much of the index chance does not explain."""
        return max(self.index - self.chance, 0.0)


@dataclass(frozen=True, slots=True)
class Accuracy:
    """The share of predictions that are right, as the scores say, without knowing the right labels.

    Attributes
    ----------
    expected : the share, 0 to 1
    low, high : between them it is with 95 % confidence, if scores mean what they meant in the baseline
    baseline : the share in the baseline, whose right labels are known
    """

    expected: float
    low: float
    high: float
    baseline: float


@dataclass(frozen=True, slots=True)
class Drift:
    """How far an ingest is from the model's baseline.

    Attributes
    ----------
    labels, scores : of the predictions
    inputs : of the input that is farthest beyond chance
    input : that input, as field and property
    unseen : of the share of records with an input that is out of range or unknown
    unseen_share : that share, 0 to 1
    rejected : of the share of records that were rejected; a baseline has none
    accuracy : what the scores say of the predictions; None if the baseline came without right labels
    """

    labels: Stability
    scores: Stability
    inputs: Stability
    input: str
    unseen: Stability
    unseen_share: float
    rejected: Stability
    accuracy: Accuracy | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any] | None) -> Self | None:
        """Read the drift of a summary's fields. Return None if there is none, or an older release wrote it."""
        if not data or not isinstance(data.get("labels"), Mapping):
            return None
        parts = {name: Stability(**data[name]) for name in ("labels", "scores", "inputs", "unseen", "rejected")}
        accuracy = Accuracy(**data["accuracy"]) if data.get("accuracy") else None
        return cls(**parts, input=data["input"], unseen_share=data["unseen_share"], accuracy=accuracy)

    @property
    def largest(self) -> float:
        """The largest of what chance does not explain. Rejections have an alarm of their own, and are not in it."""
        return max(part.beyond_chance for part in (self.labels, self.scores, self.inputs, self.unseen))


@dataclass(frozen=True, slots=True)
class ExecutionPart:
    """One execution's part of an ingest.

    Attributes
    ----------
    execution : its name
    started_at : ISO 8601
    model_version : that it scored with
    seconds : how long it took; None until it is summed up
    batches : how many it did
    usd : what it cost, by the ledger and the list prices; None if it is not known
    """

    execution: str
    started_at: str
    model_version: str = ""
    seconds: float | None = None
    batches: int = 0
    usd: float | None = None


@dataclass(frozen=True, slots=True)
class ModelPart:
    """One model version's part of an ingest. `drift` is from its own baseline; None as for a summary."""

    version: str
    batches: int
    predicted: int
    drift: Drift | None = None


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
    seconds : from the start of each execution to its end, added up
    failures : how many batches failed for each error, the most frequent first: the 20 most frequent errors, and a sum
        of all others
    cause : why the ingest as a whole failed, or None
    drift : from the model's baseline; None if there is no baseline, or too few records. Of several models, the largest.
    usd : the cost, by the ledger and the list prices; None if no prices are known
    written_back : how many predictions were written back onto their items
    outdated : how many predictions were not written back, because the item had changed or was gone
    skipped_objects : how many objects of the source only mark a folder
    began_at : when the first execution started; `started_at` is the start of the last one
    executions : every execution, in order. `seconds` and `usd` are their sums.
    models : every model version that scored batches, if a resume has named another
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
    began_at: str = ""
    executions: tuple[ExecutionPart, ...] = ()
    models: tuple[ModelPart, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Reported:
    """What metrics and events have said of an ingest so far, when it was summed up before.

    A later summary reports what has changed since. So whoever adds up metrics counts nothing twice.

    Attributes
    ----------
    completed : whether its completion was announced, by this summary or an earlier one
    """

    status: str
    records: int
    predicted: int
    rejected: int
    failed: int
    batches_failed: int
    seconds: float
    reasons: Mapping[str, int]
    model_version: str = ""
    usd: float | None = None
    drift: Mapping[str, Any] | None = None
    completed: bool = False

    @classmethod
    def of(cls, summary: Mapping[str, Any], *, completed: bool = False) -> Self:
        """Read the figures of a summary's fields.

        Parameters
        ----------
        completed : whether an earlier summary was COMPLETED
        """
        names = [name for name in cls.__slots__ if name in summary and name != "completed"]
        completed = completed or summary["status"] == Status.COMPLETED
        return cls(**{name: summary[name] for name in names}, completed=completed)


@dataclass(frozen=True, slots=True)
class History:
    """What the ledger knows of an ingest from before an execution.

    Attributes
    ----------
    executions : the earlier executions, in order. One that was stopped or lost has no figures.
    reported : None if the ingest was never summed up
    began_at : when the first execution started; empty if this is the first
    """

    executions: tuple[ExecutionPart, ...] = ()
    reported: Reported | None = None
    began_at: str = ""


COMPLETED, FAILED, CORRECTED = "IngestCompleted", "IngestFailed", "IngestCorrected"


@dataclass(frozen=True, slots=True)
class Notification:
    """The news of an ingest's end. `kind` is COMPLETED, FAILED or CORRECTED, and `detail` is the summary as JSON."""

    ingest_id: str
    kind: str
    detail: str
