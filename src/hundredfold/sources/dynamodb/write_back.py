"""Predictions on their way back onto the items that they are of."""

from collections.abc import Mapping
from dataclasses import dataclass

from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import AttributeValue


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The model's answer for an item of a table.

    Attributes
    ----------
    key : of the item
    read : the attributes that the model was given, as they were read
    """

    key: Mapping[str, AttributeValue]
    read: Mapping[str, AttributeValue]
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class WriteBackResult:
    """How many answers were written onto their items, how many items had changed or gone, and the write units."""

    written: int = 0
    outdated: int = 0
    units: float = 0.0
