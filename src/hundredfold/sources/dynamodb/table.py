"""A DynamoDB table, or an index of one, as it was described when an ingest was planned."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table, or an index of it.

    Attributes
    ----------
    partition : the attribute that is its partition key, an index's if it is one
    key : the attributes of the table's own primary key
    types : of all attributes that are keys of the table or of its indexes: S, N or B
    size : of it or its index, in bytes, as DynamoDB last counted, which it does every six hours or so
    consistent : whether it can be read strongly consistently, which a global index cannot
    """

    partition: str
    key: tuple[str, ...]
    types: Mapping[str, str]
    size: int
    consistent: bool
