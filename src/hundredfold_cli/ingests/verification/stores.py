"""Reads what is stored of an ingest as it is, and finds what is malformed, out of place, or there twice."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from hundredfold.aws.attributes import plain_item
from hundredfold.aws.errors import mapped_errors
from hundredfold.batches import LEDGER_SHARDS, Batch
from hundredfold.ingest import Plan
from hundredfold.sources.objects import PinnedObject
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.shapes import (
    GroupShape,
    LedgerEntry,
    MalformedError,
    ManifestShape,
    RejectionShape,
    read_entry,
    read_shape,
)
from hundredfold_cli.stack.deployment import Deployment

_BUSY = "DynamoDB did not answer about the ledger"
_PARTITIONS = "partitions"
_NAME = re.compile(r"(?P<batch>0|[1-9][0-9]*)(\.(?P<part>[1-9][0-9]*))?", re.ASCII)
"""The sort key of a batch, or of a further part of its packed predictions."""


@dataclass(frozen=True, slots=True)
class StoredLedger:
    """The ledger of an ingest's batches.

    Attributes
    ----------
    entries : by batch
    parts : further parts of packed predictions: batch and number, from 1
    """

    entries: dict[int, LedgerEntry] = field(default_factory=dict)
    parts: set[tuple[int, int]] = field(default_factory=set)


def read_ledger(deployment: Deployment, ingest_id: str, verification: Verification) -> StoredLedger:
    """Read the ledger's entries of batches."""
    ledger = StoredLedger()
    pages = deployment.dynamodb.get_paginator("query")
    for shard in range(LEDGER_SHARDS):
        with mapped_errors(_BUSY):
            for page in pages.paginate(
                TableName=deployment.ledger_table,
                KeyConditionExpression="ledger_key = :key",
                ExpressionAttributeValues={":key": {"S": f"{ingest_id}#{shard}"}},
                ConsistentRead=True,
            ):
                for item in page["Items"]:
                    _add_entry(ledger, shard, plain_item(item), verification)
    for batch, entry in ledger.entries.items():
        for number in range(1, entry.parts):
            if (batch, number) not in ledger.parts:
                verification.add(Store.LEDGER, f"part {number} of batch {batch} is gone")
    return ledger


def _add_entry(ledger: StoredLedger, shard: int, item: dict[str, Any], verification: Verification) -> None:
    name = str(item["entry"])
    numbers = _NAME.fullmatch(name)
    if not numbers:
        verification.add(Store.LEDGER, f"entry {name[:80]!r} is of no batch")
        return
    batch = int(numbers["batch"])
    if batch % LEDGER_SHARDS != shard:
        verification.add(Store.LEDGER, f"an entry of batch {batch} is under #{shard}")
    elif numbers["part"]:
        ledger.parts.add((batch, int(numbers["part"])))  # perhaps of an earlier attempt that had more parts
    else:
        try:
            ledger.entries[batch] = read_entry(batch, item)
        except MalformedError as error:
            verification.add(Store.LEDGER, f"the entry of batch {batch} is malformed: {error}")


def find_stray_entries(deployment: Deployment, ingest_id: str, verification: Verification) -> None:
    """Scan the ledger for entries of an ingest under keys that it does not have."""
    expected = {f"{ingest_id}#{shard}" for shard in (*range(LEDGER_SHARDS), _PARTITIONS)}
    pages = deployment.dynamodb.get_paginator("scan").paginate(
        TableName=deployment.ledger_table,
        FilterExpression="begins_with(ledger_key, :prefix)",
        ExpressionAttributeValues={":prefix": {"S": f"{ingest_id}#"}},
        ConsistentRead=True,
    )
    with mapped_errors(_BUSY):
        for page in pages:
            for item in page["Items"]:
                if item["ledger_key"]["S"] not in expected:
                    verification.add(
                        Store.LEDGER, f"entry {item['entry']['S'][:80]!r} is under {item['ledger_key']['S'][:120]!r}"
                    )


def read_manifest(deployment: Deployment, plan: Plan, verification: Verification) -> list[Batch]:
    """Read the manifest, and compare it with the plan. Batches that are malformed or there twice are left out."""
    content = deployment.work.read(plan.manifest.key)
    if content is None:
        verification.add(Store.MANIFEST, f"{plan.manifest} is gone")
        return []
    if hashlib.sha256(content).hexdigest() != plan.manifest_sha256:
        verification.add(Store.MANIFEST, "it is not the manifest that was planned: its SHA-256 is another one")
    try:
        values = json.loads(content)
        if not isinstance(values, list):
            raise MalformedError("it is no array")
    except ValueError as error:
        verification.add(Store.MANIFEST, f"it is malformed: {error}")
        return []
    verification.compare(Store.PLAN, "the number of groups", plan.groups, len(values))
    batches: dict[int, Batch] = {}
    for value in _entries(values, verification):
        try:
            shape = read_shape(value, ManifestShape)
        except MalformedError as error:
            verification.add(Store.MANIFEST, f"entry {len(batches)} is malformed: {error}")
            continue
        if shape.batch in batches:
            verification.add(Store.MANIFEST, f"batch {shape.batch} is there twice")
            continue
        if shape.shard != shape.batch % LEDGER_SHARDS:
            verification.add(Store.MANIFEST, f"batch {shape.batch} has the shard {shape.shard}")
        if bool(shape.pinned) == bool(plan.pinned):
            verification.add(Store.MANIFEST, f"batch {shape.batch} and the plan both name an object, or neither does")
            continue
        batches[shape.batch] = _to_batch(shape)
    verification.compare(Store.PLAN, "the number of batches", plan.batches, len(batches))
    verification.compare(
        Store.PLAN, "the number of records", plan.records, sum(batch.records for batch in batches.values())
    )
    return list(batches.values())


def _entries(groups: list[Any], verification: Verification) -> Iterator[Any]:
    """Yield the entries of all groups of the manifest."""
    for number, value in enumerate(groups):
        try:
            yield from read_shape(value, GroupShape).batches
        except MalformedError as error:
            verification.add(Store.MANIFEST, f"group {number} is malformed: {error}")


def _to_batch(shape: ManifestShape) -> Batch:
    pinned = PinnedObject(**msgspec.structs.asdict(shape.pinned)) if shape.pinned else None
    return Batch(shape.batch, shape.shard, shape.offset, shape.length, shape.records, shape.line, shape.again, pinned)


@dataclass(slots=True)
class Rejections:
    """The rejections of an ingest.

    Attributes
    ----------
    batches : those that have an object of rejections
    """

    deployment: Deployment
    ingest_id: str
    verification: Verification
    batches: set[int] = field(default_factory=set)

    @property
    def _folder(self) -> str:
        return f"ingests/{self.ingest_id}/rejected/"

    def list(self) -> None:
        """List the objects."""
        for key in self.deployment.work.keys(self._folder):
            name = key.removeprefix(self._folder).removesuffix(".jsonl")
            if key != f"{self._folder}{name}.jsonl" or not name.isdecimal() or f"{int(name):08d}" != name:
                self.verification.add(Store.REJECTIONS, f"object {key[-80:]!r} is of no batch")
            else:
                self.batches.add(int(name))

    def read(self, batch: int) -> bytes:
        """Read the object of a batch; empty if it has none."""
        if batch not in self.batches:
            return b""
        return self.deployment.work.read(f"{self._folder}{batch:08d}.jsonl") or b""

    def decode(self, batch: int, content: bytes) -> dict[int, RejectionShape]:
        """Return the rejections in an object, by line. What is malformed or there twice is a problem, and left out."""
        rejections: dict[int, RejectionShape] = {}
        for rejection in self._shapes(batch, content):
            if rejection.line in rejections:
                self.verification.add(Store.REJECTIONS, f"batch {batch} rejects line {rejection.line} twice")
            elif (rejection.ingest_id, rejection.batch) != (self.ingest_id, batch):
                self.verification.add(
                    Store.REJECTIONS, f"batch {batch} has a rejection of another batch or ingest, line {rejection.line}"
                )
            else:
                rejections[rejection.line] = rejection
        if batch in self.batches and not rejections:
            self.verification.add(Store.REJECTIONS, f"batch {batch} has an object without a rejection")
        return rejections

    def _shapes(self, batch: int, content: bytes) -> Iterator[RejectionShape]:
        for number, line in enumerate(content.splitlines(), start=1):
            try:
                yield read_shape(json.loads(line), RejectionShape)
            except ValueError as error:
                self.verification.add(Store.REJECTIONS, f"batch {batch}, rejection {number} is malformed: {error}")
