"""Batch inference: read, decode and predict one batch, store the results, and enter it into the ledger."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Self

from hundredfold.batches import Batch, BatchOutcome, InvocationStats
from hundredfold.inference.decode import DecodedBatch, decode_batch, is_too_large_to_read, reject_unread
from hundredfold.inference.predict import predict_batch
from hundredfold.inference.write_back import check_write_back, item_answers
from hundredfold.ingest import Model
from hundredfold.keys import rejections_key
from hundredfold.layout import Layout
from hundredfold.model.drift import Baseline
from hundredfold.model.output import Predict
from hundredfold.model.signature import Signature
from hundredfold.packed import PackedPredictions
from hundredfold.ports import Ledger, Predictions, SourceItems, Sources, TimeLeft, WorkObjects
from hundredfold.records import Prediction, Rejection
from hundredfold.sources.dynamodb.write_back import WriteBackResult
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.reading import is_json_lines
from hundredfold.sources.spec import SourceSpec, TableSpec, spec_from_dict


@dataclass(frozen=True, slots=True)
class BatchTask:
    """One batch to infer, as the state machine passes it. The batch is a byte range of `pinned`."""

    ingest_id: str
    spec: SourceSpec
    pinned: PinnedObject
    model: Model
    batch: Batch
    layout: Layout = Layout.ITEM

    @property
    def names_source(self) -> bool:
        """Whether rejections name their object, because the ingest's spec does not identify it."""
        return bool(self.pinned.staged_from) or self.batch.pinned is not None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        batch = Batch.from_dict(data["batch"])
        return cls(
            ingest_id=data["ingest_id"],
            spec=spec_from_dict(data["spec"]),
            pinned=batch.pinned or PinnedObject(**data["pinned"]),
            model=Model(**data["model"]),
            batch=batch,
            layout=Layout(data["layout"]),
        )


@dataclass(frozen=True, slots=True)
class Scoring:
    """How records are scored.

    Attributes
    ----------
    max_record_bytes : the longest record, in bytes of its line
    baseline : of the model, to count inputs and predictions into; or None
    """

    predict: Predict
    signature: Signature
    max_record_bytes: int
    baseline: Baseline | None = None


@dataclass(frozen=True, slots=True)
class Stores:
    """The stores that a batch is read from and written to."""

    sources: Sources
    work: WorkObjects
    predictions: Predictions
    items: SourceItems
    ledger: Ledger


def infer_batch(
    task: BatchTask,
    scoring: Scoring,
    stores: Stores,
    *,
    time_left: TimeLeft,
    stats: InvocationStats | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> BatchOutcome:
    """Predict or reject every record of a batch. A second call changes nothing: keys depend on the records only.

    Predictions go to their table first, and then, if the spec says so, onto the items that they came from. The ledger
    entry is written last. So a batch with an entry is wholly stored. Packed predictions are stored with that entry.

    Parameters
    ----------
    stats : of the invocation, as known at its beginning. The outcome adds what the batch consumed.

    Raises
    ------
    SourceChangedError, SourceMissingError
    InvalidIngestError
        If predictions cannot be written back to the attribute that the spec names.
    OutOfTimeError, StoreBusyError
        A retry can help. The ledger has no entry then.
    """
    batch = task.batch
    watch = _StopWatch(clock)
    to_items = task.spec if isinstance(task.spec, TableSpec) and task.spec.write_back else None
    if to_items:
        check_write_back(to_items, scoring.signature)
    data = b""
    if is_too_large_to_read(batch, max_record_bytes=scoring.max_record_bytes):
        decoded = DecodedBatch([], [], reject_unread(batch, max_record_bytes=scoring.max_record_bytes))
    else:
        data = stores.sources.read(task.pinned, batch.offset, batch.length)
        watch.lap("read")
        decoded = decode_batch(
            *(data, batch, task.pinned, scoring.signature),
            max_record_bytes=scoring.max_record_bytes,
            converts=task.spec.converts,
            marked=bool(task.pinned.staged_from) and not is_json_lines(task.spec.options),
        )
        watch.lap("decode")
    predicted = predict_batch(decoded, scoring.predict)
    predictions = predicted.predictions
    watch.lap("predict")
    sketch = None
    if scoring.baseline:
        sketch = scoring.baseline.sketch(
            scoring.signature, [record.values for record in predicted.records], predictions
        )
        watch.lap("sketch")

    units, packed = 0.0, None
    if task.layout is Layout.PACKED:
        packed = PackedPredictions(task.model.version, predictions)
    else:
        units = stores.predictions.write(task.ingest_id, batch.batch, task.model, predictions, time_left)
    rejections = sorted(decoded.rejections + predicted.rejections, key=lambda rejection: rejection.line)
    if rejections:
        stores.work.write(
            rejections_key(task.ingest_id, batch.batch),
            encode_rejections(task.ingest_id, batch.batch, rejections, str(task.pinned) if task.names_source else ""),
        )
    if batch.again:
        _remove_leftovers(task, predictions, rejections, stores)
    write_back = WriteBackResult()
    if to_items:
        answers = list(item_answers(to_items, scoring.signature, data, batch, predicted.records, predictions))
        write_back = stores.items.write_back(to_items, task.ingest_id, task.model, answers, time_left)
    watch.lap("write")

    outcome = BatchOutcome(
        batch=batch.batch,
        records=batch.records,
        predicted=len(predictions),
        rejected=len(rejections),
        reasons=dict(Counter(rejection.reason.value for rejection in rejections)),
        milliseconds=watch.milliseconds,
        stats=replace(stats, write_units=units, write_back_units=write_back.units) if stats else None,
        sketch=sketch,
        written_back=write_back.written,
        outdated=write_back.outdated,
        model_version=task.model.version,
    )
    return replace(outcome, earlier=stores.ledger.batch_done(task.ingest_id, outcome, packed))


def _remove_leftovers(
    task: BatchTask,
    predictions: list[Prediction],
    rejections: list[Rejection],
    stores: Stores,
) -> None:
    """Remove what an earlier attempt stored for records whose outcome has changed, perhaps by another model."""
    if not rejections:
        stores.work.remove(rejections_key(task.ingest_id, task.batch.batch))
    if task.layout is Layout.PACKED:
        return  # the batch's item is replaced as a whole
    predicted = {prediction.record_id for prediction in predictions}
    rejected = {rejection.record_id for rejection in rejections if rejection.record_id is not None}
    if rejected - predicted:
        stores.predictions.withdraw(task.ingest_id, task.batch.batch, sorted(rejected - predicted))


def encode_rejections(ingest_id: str, batch: int, rejections: list[Rejection], source: str = "") -> bytes:
    """Encode rejections as JSON Lines, each with its ingest and batch.

    Parameters
    ----------
    source : the object in which `line` counts; left out if empty
    """
    context = {"ingest_id": ingest_id, "batch": batch} | ({"source": source} if source else {})
    lines = (json.dumps(context | rejection.as_dict()) for rejection in rejections)
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
