"""Scoring the records of a batch in one go, and finding the ones at fault if that cannot be done."""

from collections.abc import Sequence

from hundredfold.errors import HundredfoldError
from hundredfold.inference.decode import Record
from hundredfold.model.output import Predict
from hundredfold.records import Prediction, Reason, Rejection


def predict_batch(records: Sequence[Record], predict: Predict) -> tuple[list[Prediction], list[Rejection]]:
    """Predict all records with one call of the model; if that raises, halve until the ones at fault stand alone.

    One record at fault among n costs about 2 log2(n) calls more, and n of n cost 2n.

    Returns
    -------
    predictions, rejections
        One of the two for each record, each in the records' order.

    Raises
    ------
    HundredfoldError
        What the model's bundle raises about itself is no record's fault, and passes through.
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
    # Only the kind of error: its message may quote the record.
    detail = f"the model raised {type(error).__name__} for it"
    return Rejection(record.line, record.offset, Reason.NOT_PREDICTABLE, detail, record.record_id)
