"""The outcome of each record, read back from the source, the manifest, the predictions table and the rejections.

Everything is read in the order of the source.
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hundredfold.batches import Batch
from hundredfold.errors import SourceMissingError
from hundredfold.inference.decode import Line, read_lines
from hundredfold.ingest import Plan
from hundredfold.keys import rejections_key
from hundredfold.planning.manifest import decode_manifest
from hundredfold.sources.dynamodb.items import KEY_MEMBER
from hundredfold.sources.spec import TableSpec
from hundredfold_cli.stack.deployment import Deployment

_READERS = 8


@dataclass(frozen=True, slots=True)
class BatchRead:
    """A batch that was read back.

    Attributes
    ----------
    lines : its records, as the source has them
    predictions : those stored for its records, by record id
    rejections : by line number
    """

    batch: Batch
    lines: list[Line]
    predictions: dict[str, dict[str, Any]]
    rejections: dict[int, dict[str, Any]] = field(default_factory=dict)


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
    rejected = _rejected_batches(deployment, plan)

    def read(batch: Batch) -> BatchRead:
        content = deployment.sources.read(plan.pinned_of(batch), batch.offset, batch.length)
        lines = read_lines(content, batch, converts=plan.spec.converts)
        ids = list(dict.fromkeys(line.record_id for line in lines if line.record_id is not None))
        rejections = _read_rejections(deployment, plan.ingest_id, batch.batch) if batch.batch in rejected else {}
        predictions = deployment.predictions.read_batch(plan.ingest_id, batch.batch, ids)
        return BatchRead(batch, lines, dict(predictions), rejections)

    with ThreadPoolExecutor(_READERS) as pool:
        # In slices, so that no more than a few batches wait in memory.
        for first in range(0, len(batches), 4 * _READERS):
            yield from pool.map(read, batches[first : first + 4 * _READERS])


def read_all_predictions(deployment: Deployment, plan: Plan) -> Iterator[dict[str, Any]]:
    """Read all predictions of an ingest, in the order of the source."""
    return (prediction for _, prediction in _read_all_predicted(deployment, plan))


def read_all_joined(deployment: Deployment, plan: Plan) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Read all predictions of an ingest, each after its record as the source has it."""
    for line, prediction in _read_all_predicted(deployment, plan):
        yield record_of(line, plan), prediction


def record_of(line: Line, plan: Plan) -> dict[str, Any]:
    """Return the record in a line that was predicted, as the source has it."""
    record: dict[str, Any] = json.loads(line.content)
    if isinstance(plan.spec, TableSpec):
        record.pop(KEY_MEMBER, None)  # the planner added it, to write back to the item by
    return record


def _read_all_predicted(deployment: Deployment, plan: Plan) -> Iterator[tuple[Line, dict[str, Any]]]:
    for batch in read_batches(deployment, plan, read_manifest(deployment, plan)):
        for line in batch.lines:
            if line.number not in batch.rejections and line.record_id in batch.predictions:
                yield line, batch.predictions[line.record_id]


def read_prediction(deployment: Deployment, ingest_id: str, record_id: str) -> dict[str, Any] | None:
    """Look up one record's prediction."""
    return deployment.predictions.read_record(ingest_id, record_id)


def find_rejection(deployment: Deployment, plan: Plan, record_id: str) -> dict[str, Any] | None:
    """Search an ingest's rejections for a record."""
    return next((entry for entry in read_all_rejections(deployment, plan) if entry["record_id"] == record_id), None)


def read_all_rejections(deployment: Deployment, plan: Plan) -> Iterator[dict[str, Any]]:
    """Read all rejections of an ingest, in the order of the source.

    In an ingest of several objects, each rejection names as `source` the object that its line and offset are in.
    """
    for batch in sorted(_rejected_batches(deployment, plan)):
        yield from _read_rejections(deployment, plan.ingest_id, batch).values()


def _rejected_batches(deployment: Deployment, plan: Plan) -> set[int]:
    folder = rejections_key(plan.ingest_id, 0).rpartition("/")[0] + "/"
    return {int(key.removeprefix(folder).removesuffix(".jsonl")) for key in deployment.work.keys(folder)}


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
