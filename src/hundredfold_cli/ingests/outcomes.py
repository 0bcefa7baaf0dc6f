"""The outcome of each record, read back from the source, the manifest, the predictions and the rejections.

Everything is read in the order of the source.
"""

import json
from collections.abc import Container, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hundredfold.batches import Batch, BatchOutcome
from hundredfold.errors import SourceMissingError
from hundredfold.inference.decode import Line, read_lines
from hundredfold.ingest import Plan
from hundredfold.keys import rejections_key
from hundredfold.planning.manifest import decode_manifest
from hundredfold.sources.dynamodb.items import KEY_MEMBER
from hundredfold.sources.spec import TableSpec
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.predictions_reader import StoredPrediction

READERS = 8


@dataclass(frozen=True, slots=True)
class BatchRead:
    """A batch that was read back.

    Attributes
    ----------
    lines : its records, as the source has them
    predictions : those stored for its records, by record id; perhaps some of another batch
    rejections : by line number
    """

    batch: Batch
    lines: list[Line]
    predictions: Mapping[str, StoredPrediction]
    rejections: dict[int, dict[str, Any]] = field(default_factory=dict)

    def own_prediction(self, line: Line) -> StoredPrediction | None:
        """Return the prediction that this batch made for a line. None if there is none, or another batch's."""
        prediction = self.predictions.get(line.record_id) if line.record_id is not None else None
        return prediction if prediction and prediction.get("batch") == self.batch.batch else None


def batches_done(deployment: Deployment, ingest_id: str) -> set[int]:
    """Return the numbers of the batches that the ledger has as done."""
    return {entry.batch for entry in deployment.ledger.entries(ingest_id) if isinstance(entry, BatchOutcome)}


def read_manifest(deployment: Deployment, plan: Plan) -> list[Batch]:
    """Read the manifest of an ingest.

    Raises
    ------
    SourceMissingError
        If the work bucket no longer has it.
    """
    content = deployment.work.read(plan.manifest.key)
    if content is None:
        raise SourceMissingError(str(plan.manifest), "there is no such object any more")
    return decode_manifest(content)


def read_batches(deployment: Deployment, plan: Plan, batches: list[Batch]) -> Iterator[BatchRead]:
    """Read batches back, in order, several at a time.

    Raises
    ------
    SourceChangedError, SourceMissingError
        If the source is no longer what the ingest was planned from.
    """
    reader = BatchReader(deployment, plan)
    with ThreadPoolExecutor(READERS) as pool:
        # In slices, so that no more than a few batches wait in memory.
        for first in range(0, len(batches), 4 * READERS):
            yield from pool.map(reader.read, batches[first : first + 4 * READERS])


class BatchReader:
    """Reads batches of one ingest back; several threads may do so at once."""

    def __init__(self, deployment: Deployment, plan: Plan) -> None:
        self._deployment = deployment
        self._plan = plan
        self._rejected = _rejected_batches(deployment, plan)

    def read(self, batch: Batch) -> BatchRead:
        """Read a batch. Raise SourceChangedError or SourceMissingError as `read_batches` does."""
        deployment, plan = self._deployment, self._plan
        content = deployment.sources.read(plan.pinned_of(batch), batch.offset, batch.length)
        lines = read_lines(content, batch, converts=plan.spec.converts)
        ids = list(dict.fromkeys(line.record_id for line in lines if line.record_id is not None))
        predictions = deployment.predictions.read_batch(plan.ingest_id, batch.batch, ids)
        rejected = batch.batch in self._rejected
        rejections = _read_rejections(deployment, plan.ingest_id, batch.batch) if rejected else {}
        return BatchRead(batch, lines, predictions, rejections)


def record_of(line: Line, plan: Plan) -> dict[str, Any]:
    """Return the record in a line that was predicted, as the source has it."""
    record: dict[str, Any] = json.loads(line.content)
    if isinstance(plan.spec, TableSpec):
        record.pop(KEY_MEMBER, None)  # the planner added it, to write back to the item by
    return record


def read_all_rejections(
    deployment: Deployment, plan: Plan, done: Container[int] | None = None
) -> Iterator[dict[str, Any]]:
    """Read all rejections of an ingest, in the order of the source.

    In an ingest of several objects, each rejection names as `source` the object that its line and offset are in.

    Parameters
    ----------
    done : the batches that are done; those of others are left out. None reads all.
    """
    for batch in sorted(_rejected_batches(deployment, plan)):
        if done is None or batch in done:
            yield from _read_rejections(deployment, plan.ingest_id, batch).values()


def _rejected_batches(deployment: Deployment, plan: Plan) -> set[int]:
    folder = rejections_key(plan.ingest_id, 0).rpartition("/")[0] + "/"
    names = (key.removeprefix(folder).removesuffix(".jsonl") for key in deployment.work.keys(folder))
    return {int(name) for name in names if name.isdecimal()}


def _read_rejections(deployment: Deployment, ingest_id: str, batch: int) -> dict[int, dict[str, Any]]:
    content = deployment.work.read(rejections_key(ingest_id, batch)) or b""
    entries = [json.loads(line) for line in content.splitlines()]
    return {entry["line"]: entry for entry in entries}


def write_source_records(deployment: Deployment, plan: Plan, file: Path) -> None:
    """Write the records of an ingest into a file, as its source still has them.

    Raises
    ------
    SourceChangedError, SourceMissingError
        If the source is no longer what the ingest was planned from.
    """
    objects = [plan.pinned] if plan.pinned else dict.fromkeys(map(plan.pinned_of, read_manifest(deployment, plan)))
    with file.open("wb") as records:
        for pinned in objects:
            for chunk in deployment.sources.stream(pinned):
                records.write(chunk)
            records.write(b"\n")
