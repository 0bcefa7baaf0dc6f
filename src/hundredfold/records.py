"""Records: each is predicted, or rejected for a reason."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

MAX_ID_BYTES = 1024
"""The longest id, in UTF-8. DynamoDB allows 2,048 bytes for a partition key; half of that leaves room."""


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
"""What a model predicts: a class, a regressor's number, or one of these for each named output."""

type Score = float | Mapping[str, float | None] | None
"""The probability of a label, from 0 to 1. None for a number, and for a model without probabilities."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """The model's answer for one record."""

    record_id: str
    label: Label
    score: Score


@dataclass(frozen=True, slots=True)
class Rejection:
    """A record that was not scored, and why.

    Attributes
    ----------
    line : in the source, from 1. If the source was staged, the number of the row or record in the original.
    offset : in the source, from 0
    detail : more about the reason, for a person. It never has any content of the record.
    record_id : None if it could not be read
    """

    line: int
    offset: int
    reason: Reason
    detail: str
    record_id: str | None = None

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)
