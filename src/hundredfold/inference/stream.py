"""Inferring what comes on a stream: all records of an event in one go, each stored, rejected, skipped or reported."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hundredfold.errors import StoreBusyError
from hundredfold.inference.batch import Scoring, Stores
from hundredfold.inference.decode import Record
from hundredfold.inference.predict import predict_batch
from hundredfold.inference.stream_events import Place, Skipped, place_of, read_records
from hundredfold.ingest import Model
from hundredfold.ports import TimeLeft, WorkObjects
from hundredfold.records import Rejection


@dataclass(frozen=True, slots=True)
class StreamOutcome:
    """What became of the records of an event.

    Attributes
    ----------
    deleted : skipped, since their items were deleted
    imageless : skipped, since the stream does not show items as they are after a change
    failed : the places of those that could not be stored, which Lambda has to hand over again
    reasons : how many were rejected for each reason
    """

    predicted: int
    rejected: int
    deleted: int
    imageless: int
    failed: frozenset[Place] = frozenset()
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many there were. One that stands twice in an event is one."""
        return self.predicted + self.rejected + self.deleted + self.imageless + len(self.failed)


def infer_stream(
    records: Sequence[Mapping[str, Any]],
    scoring: Scoring,
    stores: Stores,
    *,
    fields: Mapping[str, str],
    model: Model,
    time_left: TimeLeft,
) -> StreamOutcome:
    """Predict the records of an event with one call of the model, and store what came out.

    Doing it twice is doing it once: predictions and rejections lie under the records' places in the stream.

    Parameters
    ----------
    records : the event's, as Lambda hands them over
    fields : the attribute that each field is taken from, where the two have different names

    Raises
    ------
    HundredfoldError
        What the model's bundle raises about itself; nothing is stored then.
    """
    places = [place_of(record) for record in records]
    read = read_records(records, fields, scoring.signature, max_record_bytes=scoring.max_record_bytes)
    readable = [one for one in read if isinstance(one, Record)]
    found, not_predictable = predict_batch(readable, scoring.predict)
    unpredicted = {rejection.line for rejection in not_predictable}
    predicted = [record.line for record in readable if record.line not in unpredicted]
    by_place = {places[line - 1]: one for line, one in zip(predicted, found, strict=True)}

    unwritten = stores.predictions.write_each(model, {str(place): one for place, one in by_place.items()}, time_left)
    failed = {place for place in by_place if str(place) in unwritten}
    rejected: dict[Place, Rejection] = {
        places[one.line - 1]: one for one in (*read, *not_predictable) if isinstance(one, Rejection)
    }
    unkept = _keep_rejections(rejected, stores.work, time_left)
    skipped = Counter(one.deleted for one in read if isinstance(one, Skipped))
    reasons = Counter(one.reason.value for place, one in rejected.items() if place not in unkept)
    return StreamOutcome(
        predicted=len(by_place) - len(failed),
        rejected=reasons.total(),
        deleted=skipped[True],
        imageless=skipped[False],
        failed=frozenset(failed | unkept),
        reasons=dict(reasons),
    )


def stream_rejection_key(place: Place) -> str:
    """Where a rejection of a stream is written to, in the work bucket."""
    folders = "/".join(part for part in (place.stream, "rejected", place.shard) if part)
    return f"streams/{folders}/{place.sequence}.json"


def _keep_rejections(rejected: Mapping[Place, Rejection], work: WorkObjects, time_left: TimeLeft) -> set[Place]:
    """Write rejections, an object each; return where those stand that could not be written."""
    failed = set()
    for place, rejection in rejected.items():
        told = {
            "stream": place.stream,
            "shard": place.shard,
            "sequence": place.sequence,
            "reason": rejection.reason.value,
            "detail": rejection.detail,
            "record_id": rejection.record_id,
        }
        try:
            if time_left() <= 0:
                failed.add(place)
            else:
                work.write(stream_rejection_key(place), json.dumps(told).encode() + b"\n")
        except StoreBusyError:
            failed.add(place)
    return failed
