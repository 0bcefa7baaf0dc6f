"""An ingest in memory, as the commands that read results find it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.ingest import Model, Plan
from hundredfold.keys import manifest_key, rejections_key
from hundredfold.planning.batching import cut_batches
from hundredfold.planning.manifest import encode_groups, encode_manifest
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.read_options import PLAIN_JSON_LINES
from hundredfold.sources.spec import ObjectsSpec
from tests.unit.fakes import MemoryLedger, MemorySources, MemoryWork

SOURCE = ObjectLocation("records", "reviews.jsonl")


@dataclass
class StoredPredictions:
    """Fulfils `PredictionsReader` for the item layout."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    scans: int = 0

    def read_batch(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> Mapping[str, dict[str, Any]]:
        return {record_id: self.items[record_id] for record_id in record_ids if record_id in self.items}

    def read_record(self, ingest_id: str, record_id: str) -> dict[str, Any] | None:
        assert record_id, "DynamoDB takes no empty key"
        return self.items.get(record_id)

    def read_all(self, ingest_id: str) -> Iterator[dict[str, Any]]:
        self.scans += 1
        yield from self.items.values()

    def scanned_bytes(self, ingest_id: str) -> int:
        return 0


class StoredIngest:
    """An ingest of lines in batches of two. All are predicted, unless they are rejected.

    Parameters
    ----------
    rejected : by line number, from 1: the reason and the record id, or None
    failed : the batches that are not done
    """

    def __init__(
        self,
        lines: Sequence[bytes],
        rejected: Mapping[int, tuple[str, str | None]] | None = None,
        failed: Sequence[int] = (),
    ) -> None:
        content = b"".join(line + b"\n" for line in lines)
        self.sources = MemorySources({SOURCE: content})
        self.work = MemoryWork()
        self.ledger = MemoryLedger()
        self.predictions = StoredPredictions()
        batches = list(cut_batches([content], max_records=2, max_bytes=10_000))
        manifest = b"".join(encode_manifest(encode_groups(batches, group_batches=25)))
        self.work.objects[manifest_key("i1")] = manifest
        for batch in batches:
            rejections = []
            for line in range(batch.line, batch.line + batch.records):
                if rejected and line in rejected:
                    offset = sum(len(before) + 1 for before in lines[: line - 1])
                    reason, record_id = rejected[line]
                    rejections.append(
                        {"line": line, "offset": offset, "batch": batch.batch, "reason": reason, "record_id": record_id}
                    )
                else:
                    self._predict(json.loads(lines[line - 1])["id"], batch.batch)
            if rejections:
                text = "".join(f"{json.dumps(rejection)}\n" for rejection in rejections)
                self.work.objects[rejections_key("i1", batch.batch)] = text.encode()
            predicted = batch.records - len(rejections)
            self.ledger.batches["i1", batch.batch] = (
                BatchFailure(batch.batch, "Error", "cause")
                if batch.batch in failed
                else BatchOutcome(batch.batch, batch.records, predicted, len(rejections))
            )
        self.plan = Plan(
            ingest_id="i1",
            spec=ObjectsSpec(SOURCE.bucket, SOURCE.key, options=PLAIN_JSON_LINES),
            pinned=self.sources.pin(SOURCE),
            source_bytes=len(content),
            manifest=ObjectLocation("work", manifest_key("i1")),
            batches=len(batches),
            records=len(lines),
            model=Model("arn:function:7", "7"),
        )

    @property
    def deployment(self) -> Any:
        keys = self.work.objects
        work = SimpleNamespace(
            read=self.work.read, keys=lambda prefix: iter(sorted(key for key in keys if key.startswith(prefix)))
        )
        return SimpleNamespace(
            sources=self.sources, work=work, ledger=self.ledger, predictions=self.predictions, endpoint=None
        )

    def _predict(self, record_id: str, batch: int) -> None:
        self.predictions.items[record_id] = {
            "record_id": record_id, "ingest_id": "i1", "label": "good", "score": 0.75, "model_version": "7",
            "predicted_at": "t0", "batch": batch,
        }  # fmt: skip


def record(record_id: object) -> bytes:
    return json.dumps({"id": record_id, "text": f"text of {record_id}"}).encode()
