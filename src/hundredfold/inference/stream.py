"""Stream inference: predict the records of an event with one call. Store, reject, skip or report each."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hundredfold.errors import StoreBusyError
from hundredfold.inference.batch import Scoring, Stores
from hundredfold.inference.decode import Record
from hundredfold.inference.predict import predict_records
from hundredfold.inference.stream_events import Place, Skipped, place_of, read_records
from hundredfold.ingest import Model
from hundredfold.ports import TimeLeft, WorkObjects
from hundredfold.records import Rejection


@dataclass(frozen=True, slots=True)
class StreamOutcome:
    """The outcome of the records of an event.

    Attributes
    ----------
    deleted : skipped because their items were deleted
    imageless : skipped because the stream does not carry items as they are after a change
    failed : the places of records that could not be stored. Lambda must deliver these again.
    reasons : how many records were rejected for each reason
    """

    predicted: int
    rejected: int
    deleted: int
    imageless: int
    failed: frozenset[Place] = frozenset()
    reasons: Mapping[str, int] = field(default_factory=dict)

    @property
    def records(self) -> int:
        """How many records there were. A record that an event has twice counts once."""
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
    """Predict the records of an event with one call of the model, and store the results.

    A second call changes nothing: predictions and rejections are keyed by the records' places in the stream.

    Parameters
    ----------
    records : of the event, as Lambda delivers them
    fields : the attribute that a field is read from, where the names differ

    Raises
    ------
    HundredfoldError
        If the model's bundle itself is at fault. Nothing is stored then.
    """
    places = [place_of(record) for record in records]
    read = read_records(records, fields, scoring.signature, max_record_bytes=scoring.max_record_bytes)
    scorable = [outcome for outcome in read if isinstance(outcome, Record)]
    predictions, not_predictable = predict_records(scorable, scoring.predict)
    unpredicted = {rejection.line for rejection in not_predictable}
    predicted = [places[record.line - 1] for record in scorable if record.line not in unpredicted]
    by_place = dict(zip(predicted, predictions, strict=True))

    by_key = {str(place): prediction for place, prediction in by_place.items()}
    unwritten = stores.predictions.write_each(model, by_key, time_left)
    failed = {place for place in by_place if str(place) in unwritten}
    rejected = {
        places[outcome.line - 1]: outcome for outcome in (*read, *not_predictable) if isinstance(outcome, Rejection)
    }
    unkept = _keep_rejections(rejected, stores.work, time_left)
    skipped = Counter(outcome.deleted for outcome in read if isinstance(outcome, Skipped))
    reasons = Counter(rejection.reason.value for place, rejection in rejected.items() if place not in unkept)
    return StreamOutcome(
        predicted=len(by_place) - len(failed),
        rejected=reasons.total(),
        deleted=skipped[True],
        imageless=skipped[False],
        failed=frozenset(failed | unkept),
        reasons=dict(reasons),
    )


def stream_rejection_key(place: Place) -> str:
    """Where the rejection of a stream's record is written, in the work bucket."""
    folders = "/".join(name for name in (place.stream, "rejected", place.shard) if name)
    return f"streams/{folders}/{place.sequence}.json"


def _keep_rejections(rejected: Mapping[Place, Rejection], work: WorkObjects, time_left: TimeLeft) -> set[Place]:
    """Write an object for each rejection. Return the places of those that could not be written."""
    failed = set()
    for place, rejection in rejected.items():
        content = {
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
                work.write(stream_rejection_key(place), json.dumps(content).encode() + b"\n")
        except StoreBusyError:
            failed.add(place)
    return failed
