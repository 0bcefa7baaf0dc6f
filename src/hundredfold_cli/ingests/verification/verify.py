"""Verifies an ingest: reads its source again, and compares every store with it, both ways."""

import re
from array import array
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import batched
from typing import Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.batches import Batch, BatchOutcome
from hundredfold.errors import InvalidIngestError, SourceChangedError, SourceMissingError
from hundredfold.ingest import Plan
from hundredfold.keys import manifest_key
from hundredfold.layout import Layout
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.spec import TableSpec
from hundredfold_cli.errors import IngestNotFoundError
from hundredfold_cli.ingests.executions import has_summary
from hundredfold_cli.ingests.verification.answers import parse_time
from hundredfold_cli.ingests.verification.batch_check import BatchCheck, BatchResult, ReadBatch, Taken
from hundredfold_cli.ingests.verification.batch_lines import BatchLines, divide_lines, range_faults
from hundredfold_cli.ingests.verification.executions import Executions, read_executions, wait_for_end
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.index_check import IndexCheck
from hundredfold_cli.ingests.verification.judge import Judgement, judge, parse_line
from hundredfold_cli.ingests.verification.models import ModelVersions
from hundredfold_cli.ingests.verification.object_stream import find_object
from hundredfold_cli.ingests.verification.plan_check import check_plan, read_plan
from hundredfold_cli.ingests.verification.shapes import LedgerEntry
from hundredfold_cli.ingests.verification.source_lines import ObjectLines, SourceLines
from hundredfold_cli.ingests.verification.stores import Rejections, find_stray_entries, read_ledger, read_manifest
from hundredfold_cli.ingests.verification.summary_check import check_summary
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.predictions_reader import ItemPredictions, StoredPrediction

_READERS = 8
_BATCHES_AT_ONCE = 4 * _READERS
"""How many batches wait in memory."""
_CLOCKS_DIFFER = timedelta(minutes=5)
_DAMAGED = (ValueError, LookupError, TypeError)
"""What reading raises if packed predictions are damaged."""
_SHADOW = re.compile(r"\.shadow-[1-9]\d*$")

type Answered = tuple[Judgement, StoredPrediction | None]
"""A record that the model was called with, and its prediction; None if it was rejected for what the model did."""


def verify_ingest(
    deployment: Deployment, ingest_id: str, *, scan: bool, offer: Callable[[Answered], None] | None = None
) -> Verification:
    """Verify an ingest that has ended.

    Parameters
    ----------
    scan : whether to scan the tables for what belongs to no record
    offer : called with each record that the model was called with, to predict it again; None if that is not wanted

    Raises
    ------
    IngestNotFoundError
        If neither the ledger nor Step Functions knows it.
    InvalidIngestError
        If it still runs, or was never planned.
    """
    item = deployment.ledger.ingest(ingest_id) or {}
    executions = wait_for_end(lambda: read_executions(deployment, ingest_id, item), item)
    if executions.running:
        raise InvalidIngestError(f"ingest {ingest_id} is still running; verify it when it has ended")
    verification = Verification()
    ledger = read_ledger(deployment, ingest_id, verification)
    if "plan" not in item:
        if ledger.entries or deployment.work.read(manifest_key(ingest_id)) is not None:
            verification.add(Store.LEDGER, "the ingest's own entry, or the plan in it, is gone")
            return verification
        if executions.last is None and not item:
            raise IngestNotFoundError(ingest_id)
        raise InvalidIngestError(f"ingest {ingest_id} was never planned, so there is nothing to recount")
    plan = read_plan(item, verification)
    if plan:
        check_plan(deployment, ingest_id, plan, executions, verification)
        if ledger.parts and plan.layout is not Layout.PACKED:
            verification.add(Store.LEDGER, "there are parts of packed predictions, and the plan has another layout")
        run = _Run(deployment, ingest_id, plan, item, executions, ledger.entries, verification, offer)
        run.check(scan=scan)
    return verification


@dataclass(slots=True)
class _Run:
    """One verification.

    Attributes
    ----------
    recounted : records, predicted, rejected and failed, as they must be
    ids : hashes of the record ids that each batch may have predictions of
    unread : batches whose lines could not be read, with how many predictions the ledger says that they have
    taken : predictions of lines that name another batch
    """

    deployment: Deployment
    ingest_id: str
    plan: Plan
    item: Mapping[str, Any]
    executions: Executions
    entries: dict[int, LedgerEntry]
    verification: Verification
    offer: Callable[[Answered], None] | None
    recounted: Counter[str] = field(default_factory=Counter)
    ids: dict[int, "array[int]"] = field(default_factory=dict)
    unread: dict[int, int] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)

    def check(self, *, scan: bool) -> None:
        kept = self._is_kept()
        started = self._started()
        manifest = find_object(self.deployment.s3, self.deployment.work.bucket, manifest_key(self.ingest_id))
        batches = read_manifest(self.deployment, self.plan, self.verification) if kept else self._batches_of_ledger()
        rejections = Rejections(self.deployment, self.ingest_id, self.verification)
        rejections.list()
        versions = ModelVersions(self.deployment, self.plan, self.item, started, self.verification, kept=kept)
        self._check_entries(started)
        source = SourceLines(
            self.deployment, self.plan, manifest.modified if manifest else started, kept, self.verification
        )
        objects = source.of_batches(batches) if kept else iter([])
        self._check_batches(objects, rejections, versions, unread=[] if kept else batches)
        self._check_strays({batch.batch for batch in batches}, rejections)
        self._check_taken({batch.batch for batch in batches})
        is_packed = self.plan.layout is Layout.PACKED
        if scan or is_packed:
            self._scan(versions)
        if scan:
            find_stray_entries(self.deployment, self.ingest_id, self.verification)
            if is_packed:
                self._find_stray_items()
        else:
            self.verification.leave_out("the tables were not searched for what belongs to no record: --scan does that")
        if self.offer is None:
            self.verification.leave_out(
                "answers were compared with counts of them, and not with the model: see --again"
            )
        check_summary(
            self.item,
            self.plan,
            self.recounted,
            self.entries.values(),
            self.executions,
            versions.baseline_of,
            self.deployment.session.region_name or "",
            self.verification,
        )

    def _started(self) -> datetime:
        """Return when the ingest's first execution started, as far as that is known."""
        if self.executions.first:
            return self.executions.first.started
        times = [self.item.get("started_at"), *(entry.done_at for entry in self.entries.values())]
        return min(filter(None, map(parse_time, times)), default=datetime.fromtimestamp(0, UTC))

    def _is_kept(self) -> bool:
        """Tell whether the ingest's objects in the work bucket are there. They expire together."""
        if next(self.deployment.work.keys(f"ingests/{self.ingest_id}/"), None) is not None:
            return True
        days = self._retention_days()
        ended = (parse_time(self.item.get("started_at")) or self._started()) + timedelta(days=days or 0)
        if days is None or ended > datetime.now(UTC):
            self.verification.add(Store.MANIFEST, "all objects of the ingest are gone, and have not expired")
        self.verification.leave_out("the ingest's objects are gone: its source and rejections could not be compared")
        return False

    def _retention_days(self) -> int | None:
        """Return after how many days the work bucket's objects expire. Return None if they do not."""
        try:
            rules = self.deployment.s3.get_bucket_lifecycle_configuration(Bucket=self.deployment.work.bucket)["Rules"]
        except ClientError as error:
            return None if error_code(error) == "NoSuchLifecycleConfiguration" else 0
        days = [
            rule["Expiration"]["Days"]
            for rule in rules
            if "Days" in rule.get("Expiration", {}) and self._prefix(rule).startswith("ingests/")
        ]
        return min(days, default=None)

    @staticmethod
    def _prefix(rule: Mapping[str, Any]) -> str:
        return str(rule.get("Prefix") or rule.get("Filter", {}).get("Prefix", ""))

    def _batches_of_ledger(self) -> list[Batch]:
        """Return the batches that the ledger has, where the manifest has expired. Their ranges are not known."""
        return [
            Batch(number, number % 8, 0, self.plan.source_bytes + 1, entry.records, 1)
            for number, entry in sorted(self.entries.items())
        ]

    def _check_entries(self, started: datetime) -> None:
        """Check the times in the ledger's entries."""
        earliest, latest = started - _CLOCKS_DIFFER, datetime.now(UTC) + _CLOCKS_DIFFER
        for number, entry in self.entries.items():
            done_at = parse_time(entry.done_at)
            if entry.done_at and (done_at is None or not earliest <= done_at <= latest):
                self.verification.add(Store.LEDGER, f"batch {number}: done_at is no time within the ingest")
            outcome = entry.outcome
            if isinstance(outcome, BatchOutcome):
                is_packed = self.plan.layout is Layout.PACKED and outcome.predicted > 0
                if is_packed is not (entry.parts > 0):
                    there = "has" if entry.parts else "has no"
                    self.verification.add(Store.PREDICTIONS, f"batch {number} {there} packed predictions")

    def _check_batches(
        self, objects: Iterator[ObjectLines], rejections: Rejections, versions: ModelVersions, unread: list[Batch]
    ) -> None:
        checker = BatchCheck(self.verification)
        with ThreadPoolExecutor(_READERS) as pool:
            for group in batched(self._lines(objects, unread), _BATCHES_AT_ONCE, strict=False):
                read = pool.map(lambda pair: self._read(pair[0], pair[1], rejections), group)
                for (pinned, lines), stored in zip(group, read, strict=True):
                    self._check_batch(checker, pinned, lines, stored, rejections, versions)

    def _lines(
        self, objects: Iterator[ObjectLines], unread: list[Batch]
    ) -> Iterator[tuple[PinnedObject | None, BatchLines]]:
        """Yield each batch with its lines. A batch whose lines cannot be read has none, and is noted as unread."""
        for read in objects:
            yield from ((read.pinned, lines) for lines in self._lines_of_object(read))
        for batch in unread:
            yield None, self._unread(batch)

    def _lines_of_object(self, read: ObjectLines) -> Iterator[BatchLines]:
        done = 0
        if read.lines is not None:
            try:
                for lines in divide_lines(read.lines, read.batches):
                    done += lines.batch is not None
                    yield lines
            except (SourceChangedError, SourceMissingError, ValueError, OSError, EOFError) as error:
                why = "was replaced meanwhile" if isinstance(error, SourceChangedError) else "cannot be read to its end"
                self.verification.leave_out(f"{read.pinned} {why}")
        for batch in read.batches[done:]:
            yield self._unread(batch)

    def _unread(self, batch: Batch) -> BatchLines:
        self.unread[batch.batch] = 0
        return BatchLines(batch, [])

    def _read(self, pinned: PinnedObject | None, lines: BatchLines, rejections: Rejections) -> "_Stored":
        """Read the predictions and rejections of a batch that is done."""
        batch = lines.batch
        if batch is None or not self._is_done(batch.batch):
            return _Stored()
        parsed = (parse_line(line, **self._parsing(pinned)) for line in lines.lines)
        ids = dict.fromkeys(line.record_id for line in parsed if line.record_id is not None)
        content = rejections.read(batch.batch)
        try:
            return _Stored(self.deployment.predictions.read_batch(self.ingest_id, batch.batch, list(ids)), content)
        except _DAMAGED as error:
            return _Stored({}, content, f"they cannot be read: {error}")

    def _is_done(self, batch: int) -> bool:
        return batch in self.entries and bool(self.entries[batch].done_at)

    def _parsing(self, pinned: PinnedObject | None) -> dict[str, bool]:
        options = self.plan.spec.options
        is_table = isinstance(self.plan.spec, TableSpec)
        selects = bool(options.fields or options.columns)
        return {
            "converts": not is_table and options.kind in {"csv", "tsv", "parquet"},
            "marked": bool(pinned and pinned.staged_from) and (is_table or options.kind != "jsonl" or selects),
        }

    def _check_batch(
        self,
        checker: BatchCheck,
        pinned: PinnedObject | None,
        lines: BatchLines,
        stored: "_Stored",
        rejections: Rejections,
        versions: ModelVersions,
    ) -> None:
        batch = lines.batch
        if batch is None:
            self._check_line_of_no_batch(pinned, lines)
            return
        number = batch.batch
        is_unread = number in self.unread
        if not is_unread:
            for fault in range_faults(lines):
                self.verification.add(Store.MANIFEST, f"batch {number} {fault}")
        if stored.fault:
            self.verification.add(Store.PREDICTIONS, f"batch {number}: {stored.fault}")
        own = (prediction for prediction in stored.predictions.values() if prediction.get("batch") == number)
        entry = self.entries.get(number)
        model = versions.of_batch(entry, own)
        scored_by = entry.outcome.model_version if entry and isinstance(entry.outcome, BatchOutcome) else ""
        if scored_by and scored_by != model.number:
            self.verification.add(
                Store.LEDGER, f"batch {number}: its model is version {scored_by}, and it was scored by {model.number}"
            )
        signature = model.card.signature if model.card else None
        parsing = self._parsing(pinned)
        if signature and parsing["converts"]:
            signature = signature.converting()
        names_source = pinned is not None and bool(pinned.staged_from or batch.pinned)
        read = ReadBatch(
            batch=batch,
            judgements=None
            if is_unread
            else [judge(parse_line(line, **parsing), signature, model.max_record_bytes) for line in lines.lines],
            entry=self.entries.get(number),
            rejections=rejections.decode(number, stored.rejections) if self._is_done(number) else {},
            predictions=stored.predictions,
            source=str(pinned) if names_source else None,
            card=model.card,
            shape=model.shape,
            writes_back=isinstance(self.plan.spec, TableSpec) and bool(self.plan.spec.write_back),
        )
        self._add_up(read, checker.check(read))

    def _add_up(self, read: ReadBatch, result: BatchResult) -> None:
        records = read.batch.records if read.judgements is None else len(read.judgements)
        self.recounted["records"] += records
        self.recounted["predicted"] += result.predicted
        self.recounted["rejected"] += result.rejected
        if read.done is None:
            self.recounted["failed"] += records
        if read.judgements is None:
            self.unread[read.number] = result.predicted
        else:
            self.ids[read.number] = array("q", map(hash, result.ids))
        self.taken += result.taken
        for answered in result.to_predict_again if self.offer else ():
            self.offer(answered)  # type: ignore[misc]

    def _check_line_of_no_batch(self, pinned: PinnedObject | None, lines: BatchLines) -> None:
        if _SHADOW.search(self.ingest_id):
            self.verification.leave_out("a shadow scores a share of the records: the others were left out")
            return
        for line in lines.lines:
            self.recounted["records"] += 1
            self.verification.records += 1
            self.verification.missing += 1
            self.verification.add(Store.SOURCE, f"line {line.number} of {pinned} is in no batch")

    def _check_strays(self, numbers: set[int], rejections: Rejections) -> None:
        for number in sorted(self.entries.keys() - numbers):
            self.verification.add(Store.LEDGER, f"an entry is of batch {number}, which was not planned")
        for number in sorted(rejections.batches - numbers):
            self.verification.extra += 1
            self.verification.add(Store.REJECTIONS, f"an object is of batch {number}, which was not planned")

    def _check_taken(self, numbers: set[int]) -> None:
        """Check that a prediction that names another batch is one of a record there."""
        for taken in self.taken:
            known = taken.batch in self.unread or hash(taken.record_id) in self.ids.get(taken.batch, ())
            where = f"batch {taken.by}: line {taken.line}"
            if taken.overwritten and known:
                self.verification.overwritten += 1
                self.verification.add(
                    Store.PREDICTIONS, f"{where} has an id that batch {taken.batch} has too, and its prediction"
                )
            elif not known:
                what = "has" if taken.overwritten else "is rejected, and has"
                self.verification.missing += taken.overwritten
                self.verification.add(
                    Store.PREDICTIONS, f"{where} {what} a prediction of batch {taken.batch}, which has no such record"
                )

    def _scan(self, versions: ModelVersions) -> None:
        """Look at all predictions of the ingest, also at those of no record."""
        named = {(taken.batch, taken.record_id) for taken in self.taken}
        counts: Counter[int] = Counter()
        index = IndexCheck()
        for prediction in self._all_predictions():
            batch, record_id = prediction.get("batch"), prediction.get("record_id")
            if isinstance(batch, int):
                counts[batch] += 1
                index.add(str(record_id), batch)
            if isinstance(batch, int) and batch in self.unread:
                for fault in versions.of_batch(self.entries.get(batch), [prediction]).shape.faults(prediction):
                    self.verification.add(Store.PREDICTIONS, f"batch {batch}: a prediction is malformed: {fault}")
            elif (batch, record_id) not in named and not self._is_known(batch, record_id):
                self.verification.extra += 1
                self.verification.add(Store.PREDICTIONS, f"one of batch {batch} is of {record_id!r}, no record of it")
        self._check_counts(counts)
        if self.plan.layout is Layout.PACKED and has_summary(self.item, self.executions.last_name):
            index.check(self.deployment, self.ingest_id, self.item, self.verification)

    def _find_stray_items(self) -> None:
        """Look for items of an ingest whose predictions are packed."""
        items = ItemPredictions(self.deployment.dynamodb, self.deployment.predictions_table)
        for prediction in items.read_all(self.ingest_id):
            self.verification.extra += 1
            self.verification.add(
                Store.PREDICTIONS, f"{prediction['record_id']!r} is in the table of items, and they are packed"
            )

    def _all_predictions(self) -> Iterator[StoredPrediction]:
        try:
            yield from self.deployment.predictions.read_all(self.ingest_id)
        except _DAMAGED as error:
            self.verification.add(Store.PREDICTIONS, f"not all of them can be read: {error}")

    def _is_known(self, batch: object, record_id: object) -> bool:
        """Tell whether a batch may have a prediction of a record."""
        return isinstance(batch, int) and hash(record_id) in self.ids.get(batch, ())

    def _check_counts(self, counts: Mapping[int, int]) -> None:
        """Check how many predictions there are of each batch."""
        for batch, predicted in sorted(self.unread.items()):
            if self._is_done(batch):
                self.verification.compare(
                    Store.PREDICTIONS, f"batch {batch}: the number of predictions", counts.get(batch, 0), predicted
                )
        for batch, ids in self.ids.items():
            if counts.get(batch, 0) > len(ids):
                self.verification.add(Store.PREDICTIONS, f"batch {batch}: a record has two")


@dataclass(frozen=True, slots=True)
class _Stored:
    """What is stored of a batch that is done.

    Attributes
    ----------
    rejections : the content of their object
    fault : why the predictions cannot be read; empty if they can
    """

    predictions: Mapping[str, StoredPrediction] = field(default_factory=dict)
    rejections: bytes = b""
    fault: str = ""
