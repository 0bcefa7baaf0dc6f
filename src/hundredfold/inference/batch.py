"""Inferring one batch: read it, decode it, predict it, store what came out, and enter it into the ledger."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from hundredfold.batches import Batch, BatchOutcome, InvocationStats
from hundredfold.inference.decode import Record, decode_batch, reject_unread
from hundredfold.inference.predict import predict_batch
from hundredfold.inference.write_back import check_write_back, item_answers
from hundredfold.ingest import Model
from hundredfold.keys import rejections_key
from hundredfold.model.drift import Baseline
from hundredfold.model.output import Predict
from hundredfold.model.signature import Signature
from hundredfold.ports import Ledger, Predictions, SourceItems, Sources, TimeLeft, WorkObjects
from hundredfold.records import Prediction, Rejection
from hundredfold.sources.dynamodb.write_back import WriteBackResult
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.spec import SourceSpec, TableSpec, spec_from_dict


@dataclass(frozen=True, slots=True)
class BatchTask:
    """One batch to infer, as the state machine hands it over; `source` is the object that it is of."""

    ingest_id: str
    origin: SourceSpec
    source: PinnedObject
    model: Model
    batch: Batch

    @property
    def names_source(self) -> bool:
        """Whether rejections must say what they are of: it is not the one object that the ingest was asked to read."""
        return bool(self.source.of) or self.batch.source is not None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        batch = Batch.from_dict(data["batch"])
        return cls(
            ingest_id=data["ingest_id"],
            origin=spec_from_dict(data["origin"]),
            source=batch.source or PinnedObject(**data["source"]),
            model=Model(**data["model"]),
            batch=batch,
        )


def infer_batch(
    task: BatchTask,
    *,
    predict: Predict,
    signature: Signature,
    sources: Sources,
    work: WorkObjects,
    predictions: Predictions,
    items: SourceItems,
    ledger: Ledger,
    max_record_bytes: int,
    time_left: TimeLeft,
    baseline: Baseline | None = None,
    effort: InvocationStats | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> BatchOutcome:
    """Give every record of a batch its outcome. Doing it twice is doing it once: all keys are the records' own.

    The predictions table is the record of account; only then are answers written back onto items, if that is asked
    for. The ledger's entry is written last: a batch that has it is wholly stored.

    Parameters
    ----------
    baseline : of the model, to count inputs and answers into; None if it has none
    effort : what is known of the call before it begins; the outcome has it with what the batch consumed

    Raises
    ------
    SourceChangedError, SourceMissingError
    InvalidIngestError
        If answers cannot be written back to the attribute that was asked for.
    OutOfTimeError, StoreBusyError
        Trying again can help; nothing is in the ledger.
    """
    batch = task.batch
    watch = _StopWatch(clock)
    to_items = task.origin if isinstance(task.origin, TableSpec) and task.origin.write_back else None
    if to_items:
        check_write_back(to_items, signature)
    data = b""
    if batch.records == 1 and batch.length - 1 > max_record_bytes:
        records: list[Record] = []
        rejections = reject_unread(batch, max_record_bytes=max_record_bytes)
    else:
        data = sources.read(task.source, batch.offset, batch.length)
        watch.lap("read")
        records, rejections = decode_batch(
            *(data, batch, task.source, signature),
            max_record_bytes=max_record_bytes,
            converts=task.origin.converts,
            marked=bool(task.source.of) and not task.origin.layout.as_it_is,
        )
        watch.lap("decode")
    found, not_predictable = predict_batch(records, predict)
    watch.lap("predict")
    sketch = None
    if baseline:
        sketch = baseline.sketch(signature, [record.values for record in records], found)
        watch.lap("sketch")

    units = predictions.write(task.ingest_id, batch.batch, task.model, found, time_left)
    rejections = sorted(rejections + not_predictable, key=lambda rejection: rejection.line)
    if rejections:
        work.write(
            rejections_key(task.ingest_id, batch.batch),
            encode_rejections(task.ingest_id, batch.batch, rejections, str(task.source) if task.names_source else ""),
        )
    if batch.again:
        _remove_leftovers(task, found, rejections, work, predictions)
    back = WriteBackResult()
    if to_items:
        answers = list(item_answers(to_items, signature, data, batch, records, found))
        back = items.write_back(to_items, task.ingest_id, task.model, answers, time_left)
    watch.lap("write")

    outcome = BatchOutcome(
        batch=batch.batch,
        records=batch.records,
        predicted=len(found),
        rejected=len(rejections),
        reasons=dict(Counter(rejection.reason.value for rejection in rejections)),
        milliseconds=watch.milliseconds,
        effort=replace(effort, write_units=units, write_back_units=back.units) if effort else None,
        sketch=sketch,
        written_back=back.written,
        outdated=back.outdated,
    )
    repeated = ledger.batch_done(task.ingest_id, outcome)
    return replace(outcome, repeated=True) if repeated else outcome


def _remove_leftovers(
    task: BatchTask,
    found: list[Prediction],
    rejections: list[Rejection],
    work: WorkObjects,
    predictions: Predictions,
) -> None:
    """Remove what an earlier attempt stored for records that now, perhaps with another model, have another outcome."""
    if not rejections:
        work.remove(rejections_key(task.ingest_id, task.batch.batch))
    predicted = {prediction.record_id for prediction in found}
    rejected = {rejection.record_id for rejection in rejections if rejection.record_id is not None}
    if rejected - predicted:
        predictions.withdraw(task.ingest_id, task.batch.batch, sorted(rejected - predicted))


def encode_rejections(ingest_id: str, batch: int, rejections: list[Rejection], source: str = "") -> bytes:
    """Write rejections as JSON Lines, each with its ingest and batch, and with the object that `line` counts in if
    `source` names it."""
    where = {"ingest_id": ingest_id, "batch": batch} | ({"source": source} if source else {})
    lines = (json.dumps(where | rejection.as_dict()) for rejection in rejections)
    return "".join(f"{line}\n" for line in lines).encode()


class _StopWatch:
    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = clock()
        self.milliseconds: dict[str, int] = {}

    def lap(self, step: str) -> None:
        now = self._clock()
        self.milliseconds[step] = round((now - self._last) * 1000)
        self._last = now
