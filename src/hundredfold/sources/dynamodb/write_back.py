"""Predictions that are written back onto the items that they are about."""

from collections.abc import Mapping
from dataclasses import dataclass

from hundredfold.records import Prediction
from hundredfold.sources.dynamodb.items import AttributeValue


@dataclass(frozen=True, slots=True)
class ItemAnswer:
    """The model's answer for an item of a table.

    Attributes
    ----------
    key : the item's primary key
    read : the attributes that the model scored, as they were read
    """

    key: Mapping[str, AttributeValue]
    read: Mapping[str, AttributeValue]
    prediction: Prediction


@dataclass(frozen=True, slots=True)
class WriteBackResult:
    """What came of writing answers back.

    Attributes
    ----------
    written : the answers that were written onto their items
    outdated : the items that had changed since they were read, or were gone
    units : the consumed write units
    """

    written: int = 0
    outdated: int = 0
    units: float = 0.0
