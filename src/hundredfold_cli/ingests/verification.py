"""Recounting an ingest: every record of the source must have exactly one outcome in the tables and objects."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from hundredfold_cli.ingests.outcomes import BatchRead

_EXAMPLES = 20


@dataclass(slots=True)
class Verification:
    """The counts of a recount. `records = predicted + rejected + failed + missing + doubled`.

    Attributes
    ----------
    failed : records of batches that the ledger does not have as done
    missing : records of done batches that have no outcome
    doubled : records with two outcomes, and records whose prediction was replaced by one of another batch, since a
        record there has the same id
    disagreements : where the recount differs from the ingest's summary, in words
    examples : up to 20 of the records that are missing or doubled, in words
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

    def add_example(self, problem: str) -> None:
        if len(self.examples) < _EXAMPLES:
            self.examples.append(problem)


def verify(batches: Iterable[BatchRead], done: set[int], summary: dict[str, Any]) -> Verification:
    """Recount an ingest.

    Parameters
    ----------
    batches : all of the ingest's batches, read back
    done : the numbers of the batches that the ledger has as done
    summary : the ingest's summary, whose counts must be the same
    """
    recount = Verification()
    for batch in batches:
        number, records = batch.batch.batch, len(batch.lines)
        if batch.batch.records != records:
            recount.disagreements.append(f"batch {number} has {records} records, not those planned")
        recount.records += records
        if number in done:
            _recount_batch(batch, recount)
        else:
            recount.failed += records
    for name in ("records", "predicted", "rejected", "failed"):
        count = getattr(recount, name)
        if summary[name] != count:
            recount.disagreements.append(f"the summary has {summary[name]:,} {name}, recounted {count:,}")
    return recount


def _recount_batch(batch: BatchRead, recount: Verification) -> None:
    number = batch.batch.batch
    scored_ids = {line.record_id for line in batch.lines if line.number not in batch.rejections}
    for line in batch.lines:
        prediction = batch.predictions.get(line.record_id) if line.record_id is not None else None
        if line.number in batch.rejections:
            # Its id may have been predicted for another record: another line of this batch, or another batch.
            if prediction and prediction["batch"] == number and line.record_id not in scored_ids:
                recount.doubled += 1
                recount.add_example(f"line {line.number} is rejected and predicted")
            else:
                recount.rejected += 1
        elif prediction is None:
            recount.missing += 1
            recount.add_example(f"line {line.number} has no outcome")
        elif prediction["batch"] != number:
            recount.doubled += 1
            recount.add_example(f"line {line.number} has an id that batch {prediction['batch']} has too")
        else:
            recount.predicted += 1
