"""A DynamoDB table or an index, as it was when an ingest was planned."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Table:
    """A table, or an index of it.

    Attributes
    ----------
    partition : the attribute that is the partition key of the table, or of the index
    key : the attributes of the table's own primary key
    types : the type (S, N or B) of each attribute that is a key of the table or of one of its indexes
    size : the bytes of the table or the index; DynamoDB updates this number about every six hours
    consistent : whether strongly consistent reads are possible; a global index has none
    """

    partition: str
    key: tuple[str, ...]
    types: Mapping[str, str]
    size: int
    consistent: bool
