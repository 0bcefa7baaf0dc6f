"""Reading predictions back in the layout that each ingest was written in."""

from collections.abc import Iterator, Mapping, Sequence

from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.lookup import Lookup, PackedItems
from hundredfold.layout import Layout
from hundredfold_cli.stack.predictions_reader import ItemPredictions, PredictionsReader, StoredPrediction


class PackedBatches:
    """Reads packed predictions, an item a batch (implements `PredictionsReader`)."""

    def __init__(self, items: PackedItems, lookup: Lookup) -> None:
        self._items = items
        self._lookup = lookup

    def read_batch(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> dict[str, StoredPrediction]:
        wanted = set(record_ids)
        predictions = self._items.read(ingest_id, [batch])
        return {prediction["record_id"]: prediction for prediction in predictions if prediction["record_id"] in wanted}

    def read_record(self, ingest_id: str, record_id: str) -> StoredPrediction | None:
        return self._lookup.find(ingest_id, record_id)

    def read_all(self, ingest_id: str) -> Iterator[StoredPrediction]:
        return self._items.read_all(ingest_id)

    def scanned_bytes(self, ingest_id: str) -> int:
        return 0  # queries read the ingest's own items only


class PredictionsByLayout:
    """Reads each ingest's predictions in its own layout, which its plan has (implements `PredictionsReader`).

    An ingest that was never planned has no predictions, and is read as items.
    """

    def __init__(self, items: ItemPredictions, packed: PackedBatches, ledger: DynamoLedger) -> None:
        self._readers: Mapping[Layout, PredictionsReader] = {Layout.ITEM: items, Layout.PACKED: packed}
        self._items = items
        self._ledger = ledger
        self._layouts: dict[str, Layout] = {}

    def read_batch(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> Mapping[str, StoredPrediction]:
        return self._reader(ingest_id).read_batch(ingest_id, batch, record_ids)

    def read_record(self, ingest_id: str, record_id: str) -> StoredPrediction | None:
        return self._reader(ingest_id).read_record(ingest_id, record_id)

    def read_all(self, ingest_id: str) -> Iterator[StoredPrediction]:
        return self._reader(ingest_id).read_all(ingest_id)

    def scanned_bytes(self, ingest_id: str) -> int:
        return self._reader(ingest_id).scanned_bytes(ingest_id)

    def _reader(self, ingest_id: str) -> PredictionsReader:
        if ingest_id not in self._layouts:
            plan = self._ledger.plan(ingest_id)
            if plan is None:
                return self._items
            self._layouts[ingest_id] = plan.layout
        return self._readers[self._layouts[ingest_id]]
