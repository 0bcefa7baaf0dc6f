"""The layouts of predictions: an item for each record, or one for each batch."""

from enum import StrEnum


class Layout(StrEnum):
    """How the predictions of an ingest are stored."""

    ITEM = "item"
    """An item for each record, in the predictions table."""
    PACKED = "packed"
    """An item for each batch, in the ledger, with the batch's entry. An index finds the batch of a record."""
