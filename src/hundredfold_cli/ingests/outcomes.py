"""Reading back what became of each record: from the source and the manifest, the predictions table and the
rejections, in the order of the source."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
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
    """A batch as it can be read back: its lines, and what was stored for them."""

    batch: Batch
    lines: list[Line]
    predictions: dict[str, dict[str, Any]]
    rejections: dict[int, dict[str, Any]] = field(default_factory=dict)


def read_manifest(deployment: Deployment, plan: Plan) -> list[Batch]:
    """Read an ingest's manifest; raises SourceMissingError if the work bucket has it no longer."""
    content = deployment.work.read(plan.manifest.key)
    if content is None:
        raise SourceMissingError(str(plan.manifest), "there is no such object any more")
    return decode_manifest(content)


def read_batches(deployment: Deployment, plan: Plan, batches: list[Batch]) -> Iterator[BatchRead]:
    """Read batches back, in order, several at a time."""
    rejected = _rejected_batches(deployment, plan)

    def read(batch: Batch) -> BatchRead:
        content = deployment.sources.read(plan.pinned_of(batch), batch.offset, batch.length)
        lines = read_lines(content, batch, converts=plan.spec.converts)
        ids = list(dict.fromkeys(line.record_id for line in lines if line.record_id is not None))
        rejections = _read_rejections(deployment, plan.ingest_id, batch.batch) if batch.batch in rejected else {}
        return BatchRead(batch, lines, deployment.predictions.read(plan.ingest_id, ids), rejections)

    with ThreadPoolExecutor(_READERS) as pool:
        # In slices, so that no more than a few batches wait in memory.
        for first in range(0, len(batches), 4 * _READERS):
            yield from pool.map(read, batches[first : first + 4 * _READERS])


def read_all_predictions(deployment: Deployment, plan: Plan) -> Iterator[dict[str, Any]]:
    """Read all predictions of an ingest, in the order of the source."""
    return (prediction for _, prediction in _read_all_predicted(deployment, plan))


def read_all_joined(deployment: Deployment, plan: Plan) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Read all records that were predicted, as their source has them, each with its prediction, in its order."""
    for line, prediction in _read_all_predicted(deployment, plan):
        yield record_of(line, plan), prediction


def record_of(line: Line, plan: Plan) -> dict[str, Any]:
    """Return the record of a line that was predicted, as its source has it."""
    record: dict[str, Any] = json.loads(line.content)
    if isinstance(plan.spec, TableSpec):
        record.pop(KEY_MEMBER, None)  # which is there to write back by, and no attribute of the item
    return record


def _read_all_predicted(deployment: Deployment, plan: Plan) -> Iterator[tuple[Line, dict[str, Any]]]:
    for read in read_batches(deployment, plan, read_manifest(deployment, plan)):
        for line in read.lines:
            if line.number not in read.rejections and line.record_id in read.predictions:
                yield line, read.predictions[line.record_id]


def read_prediction(deployment: Deployment, ingest_id: str, record_id: str) -> dict[str, Any] | None:
    """Look up one record's prediction."""
    return deployment.predictions.read(ingest_id, [record_id]).get(record_id)


def find_rejection(deployment: Deployment, plan: Plan, record_id: str) -> dict[str, Any] | None:
    """Search an ingest's rejections for a record."""
    return next((entry for entry in read_all_rejections(deployment, plan) if entry["record_id"] == record_id), None)


def read_all_rejections(deployment: Deployment, plan: Plan) -> Iterator[dict[str, Any]]:
    """Read all rejections of an ingest, in the order of the source.

    Of an ingest of several objects, each says as `source` which of them its line and offset are in.
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
