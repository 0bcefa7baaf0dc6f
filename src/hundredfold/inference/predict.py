"""Prediction: score the records of a batch with one call of the model. If it raises, find the records at fault."""

from collections.abc import Sequence
from dataclasses import dataclass

from hundredfold.errors import HundredfoldError
from hundredfold.inference.decode import DecodedBatch, Record
from hundredfold.model.output import Predict
from hundredfold.records import Prediction, Reason, Rejection, is_storable


@dataclass(frozen=True, slots=True)
class PredictedBatch:
    """What a model made of a batch.

    Attributes
    ----------
    records : those that the model was called with
    predictions : of each record that could be predicted
    rejections : of each that could not, and of each duplicate of one that could
    """

    records: list[Record]
    predictions: list[Prediction]
    rejections: list[Rejection]


def predict_batch(decoded: DecodedBatch, predict: Predict) -> PredictedBatch:
    """Predict a batch. An id is predicted once: for the first record with it that can be predicted and stored.

    Raises
    ------
    HundredfoldError
        If the bundle itself is at fault. No record is to blame, so the error passes through.
    """
    records = list(decoded.records)
    predictions, rejections = predict_records(records, predict)
    duplicates = decoded.duplicates
    rejected_ids = {rejection.record_id for rejection in rejections}
    while rejected_ids and duplicates:
        first = {record.record_id: record for record in reversed(duplicates) if record.record_id in rejected_ids}
        if not first:
            break
        next_records = sorted(first.values(), key=lambda record: record.line)
        duplicates = [record for record in duplicates if first.get(record.record_id) is not record]
        more_predictions, more_rejections = predict_records(next_records, predict)
        records += next_records
        predictions += more_predictions
        rejections += more_rejections
        rejected_ids = {rejection.record_id for rejection in more_rejections}
    rejections += [_duplicate(record) for record in duplicates]
    return PredictedBatch(records, predictions, rejections)


def predict_records(records: Sequence[Record], predict: Predict) -> tuple[list[Prediction], list[Rejection]]:
    """Predict all records with one call of the model. If it raises, halve them until each record at fault is alone.

    One record at fault among n costs about 2 log2(n) more calls. If all n are at fault, there are 2n calls.

    Returns
    -------
    predictions, rejections
        Each record is in one of them, in the order of the records.

    Raises
    ------
    HundredfoldError
        If the bundle itself is at fault. No record is to blame, so the error passes through.
    """
    if not records:
        return [], []
    try:
        answers = predict([record.values for record in records])
    except (HundredfoldError, MemoryError):
        raise
    except Exception as error:
        if len(records) == 1:
            return [], [_rejected(records[0], error)]
        middle = len(records) // 2
        first, first_rejected = predict_records(records[:middle], predict)
        second, second_rejected = predict_records(records[middle:], predict)
        return first + second, first_rejected + second_rejected
    predictions, rejections = [], []
    for record, (label, score) in zip(records, answers, strict=True):
        if is_storable(label):
            predictions.append(Prediction(record.record_id, label, score))
        else:
            rejections.append(_not_storable(record))
    return predictions, rejections


def _duplicate(record: Record) -> Rejection:
    detail = "its id stands twice in this batch"
    return Rejection(record.line, record.offset, Reason.DUPLICATE_ID, detail, record.record_id)


def _not_storable(record: Record) -> Rejection:
    detail = "the model answered a number with a magnitude of 1e126 or more, which DynamoDB does not store"
    return Rejection(record.line, record.offset, Reason.NOT_STORABLE, detail, record.record_id)


def _rejected(record: Record, error: Exception) -> Rejection:
    # Keep only the type of the error: its message may quote the record.
    detail = f"the model raised {type(error).__name__} for it"
    return Rejection(record.line, record.offset, Reason.NOT_PREDICTABLE, detail, record.record_id)
