"""Recounting an ingest: every record of the source must have exactly one outcome in the tables and objects."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from hundredfold_cli.ingests.outcomes import BatchRead

_EXAMPLES = 20


@dataclass(slots=True)
class Verification:
    """What was found. `records = predicted + rejected + failed + missing + doubled`.

    Attributes
    ----------
    failed : records of batches that the ledger does not have as done
    missing : records of batches that are done, without an outcome
    doubled : records with two outcomes, or whose id another batch's record has too, which took its place
    disagreements : where the recount differs from the ingest's summary, in words
    examples : up to 20 of the records that are missing or doubled
    """

    records: int = 0
    predicted: int = 0
    rejected: int = 0
    failed: int = 0
    missing: int = 0
    doubled: int = 0
    disagreements: list[str] = field(default_factory=list)
    examples: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not (self.missing or self.doubled or self.disagreements)

    def as_dict(self) -> dict[str, Any]:
        return {"ok": self.ok, **asdict(self)}

    def note(self, problem: str) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(problem)


def verify(batches: Iterable[BatchRead], done: set[int], summary: dict[str, Any]) -> Verification:
    """Recount an ingest.

    Parameters
    ----------
    batches : all of the ingest's batches, read back
    done : the batches that the ledger has as done
    summary : the ingest's summary, whose counts must be the same
    """
    found = Verification()
    for read in batches:
        if read.batch.records != len(read.lines):
            found.disagreements.append(f"batch {read.batch.batch} has {len(read.lines)} records, not those planned")
        found.records += len(read.lines)
        if read.batch.batch in done:
            _verify_batch(read, found)
        else:
            found.failed += len(read.lines)
    for name in ("records", "predicted", "rejected", "failed"):
        if summary[name] != getattr(found, name):
            found.disagreements.append(f"the summary has {summary[name]:,} {name}, recounted {getattr(found, name):,}")
    return found


def _verify_batch(read: BatchRead, found: Verification) -> None:
    number = read.batch.batch
    scored = {line.record_id for line in read.lines if line.number not in read.rejections}
    for line in read.lines:
        prediction = read.predictions.get(line.record_id) if line.record_id is not None else None
        if line.number in read.rejections:
            # Its id may have been predicted for another record: another line of this batch, or another batch.
            if prediction and prediction["batch"] == number and line.record_id not in scored:
                found.doubled += 1
                found.note(f"line {line.number} is rejected and predicted")
            else:
                found.rejected += 1
        elif prediction is None:
            found.missing += 1
            found.note(f"line {line.number} has no outcome")
        elif prediction["batch"] != number:
            found.doubled += 1
            found.note(f"line {line.number} has an id that batch {prediction['batch']} has too")
        else:
            found.predicted += 1
