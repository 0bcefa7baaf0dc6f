"""The baseline of a model: it answers records like those to be scored, and the card keeps their distribution."""

from collections.abc import Sequence
from itertools import batched

from hundredfold.errors import BundleRefusedError
from hundredfold.inference.decode import Record
from hundredfold.inference.predict import predict_records
from hundredfold.model.bundle import Bundle
from hundredfold.model.drift import LEAST_RECORDS, Baseline
from hundredfold.model.signature import Values

BASELINE_RECORDS = 20_000
"""The most records that a baseline is taken from."""

_BATCH_RECORDS = 1000


def take_baseline(bundle: Bundle, values: Sequence[Values], origin: str) -> Baseline:
    """Let a model answer records, and return their distribution. Records that it refuses are left out.

    Parameters
    ----------
    values : of the records that fit the signature
    origin : where they come from, for a person

    Raises
    ------
    BundleRefusedError
        If there are too few records that the model answers.
    """
    answered: list[Values] = []
    answers = []
    for batch in batched(values, _BATCH_RECORDS, strict=False):
        records = [Record(str(number), row, number, 0) for number, row in enumerate(batch)]
        predictions, rejections = predict_records(records, bundle.predict)
        refused = {rejection.line for rejection in rejections}
        answered += [record.values for record in records if record.line not in refused]
        answers += [(prediction.label, prediction.score) for prediction in predictions]
    if len(answered) < LEAST_RECORDS:
        raise BundleRefusedError(
            f"the baseline needs at least {LEAST_RECORDS} records that the model answers, and {origin} has "
            f"{len(answered)}: give more of them, such as the records that the model was trained on"
        )
    on = f"{len(answered):,} records of {origin}"
    return Baseline.from_records(on, bundle.card.signature, bundle.card.classes, answered, answers)
