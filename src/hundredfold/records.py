"""What becomes of records and batches: predictions, rejections, and the counts that must agree."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MAX_ID_BYTES = 1024
"""The longest id in UTF-8. DynamoDB allows a partition key 2,048 bytes; an id twice as short leaves room."""


class Reason(StrEnum):
    """Why a record was not scored."""

    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    MISSING_ID = "missing_id"
    INVALID_ID = "invalid_id"
    MISSING_FIELD = "missing_field"
    WRONG_TYPE = "wrong_type"
    EMPTY_TEXT = "empty_text"
    DUPLICATE_ID = "duplicate_id"
    TOO_LARGE = "too_large"
    UNREADABLE_ROW = "unreadable_row"
    NOT_PREDICTABLE = "not_predictable"


type Label = str | float | Mapping[str, str | float]
"""What a model answers: a class, a number if it is a regressor, or one of these for each output that it names."""

type Score = float | Mapping[str, float | None] | None
"""How sure a model is of its label, from 0 to 1; None for a number and where the model gives no probabilities."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's answer for one record: its label, and how sure the model is of it."""

    record_id: str
    label: Label
    score: Score


@dataclass(frozen=True, slots=True)
class Rejection:
    """One record that was not scored, and why.

    `line` counts from 1 and `offset` from 0, both in the source; of a source that was staged, `line` is the number of
    the row or record in what it was staged from. `detail` says more for a person, and never holds anything of the
    record's content; `record_id` is None where it could not be read.
    """

    line: int
    offset: int
    reason: Reason
    detail: str
    record_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
