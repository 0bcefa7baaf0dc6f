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
    NOT_STORABLE = "not_storable"


type ClassLabel = str | int
"""A class: text, an integer, or true or false, which are integers to Python."""

type Label = ClassLabel | float | Mapping[str, ClassLabel | float]
"""What a model predicts: a class, a regressor's number, or one of these for each named output. A regressor's number is
always a float, and a class never is."""

type Score = float | Mapping[str, float | None] | None
"""The probability of a label, from 0 to 1. None for a number, and for a model without probabilities."""


MAX_NUMBER = 1e126
"""A number of this magnitude or more cannot be stored. DynamoDB takes less than 1e126, with 38 digits.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)"""
MIN_NUMBER = 1e-130
"""A number nearer to 0 than this is stored as 0: DynamoDB's smallest positive number. The same source."""


def is_storable(label: Label) -> bool:
    """Tell whether every number of a label can be stored."""
    if isinstance(label, Mapping):
        return all(is_storable(output) for output in label.values())
    return not isinstance(label, float) or abs(label) < MAX_NUMBER


def stored_number(value: float) -> float:
    """Return a number as it is stored: itself, or 0 if it is too small."""
    return value if abs(value) >= MIN_NUMBER else 0.0


def label_text(label: object) -> str:
    """Return a class as text, as JSON writes it: `true`, `2`, and text as it is."""
    return str(label).lower() if isinstance(label, bool) else str(label)


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
