"""Prediction: score the records of a batch with one call of the model. If it raises, find the records at fault."""

from collections.abc import Sequence

from hundredfold.errors import HundredfoldError
from hundredfold.inference.decode import Record
from hundredfold.model.output import Predict
from hundredfold.records import Prediction, Reason, Rejection


def predict_batch(records: Sequence[Record], predict: Predict) -> tuple[list[Prediction], list[Rejection]]:
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
        first, first_rejected = predict_batch(records[:middle], predict)
        second, second_rejected = predict_batch(records[middle:], predict)
        return first + second, first_rejected + second_rejected
    return [
        Prediction(record.record_id, label, score) for record, (label, score) in zip(records, answers, strict=True)
    ], []


def _rejected(record: Record, error: Exception) -> Rejection:
    # Keep only the type of the error: its message may quote the record.
    detail = f"the model raised {type(error).__name__} for it"
    return Rejection(record.line, record.offset, Reason.NOT_PREDICTABLE, detail, record.record_id)
