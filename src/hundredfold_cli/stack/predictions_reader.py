"""Reading predictions back. `PredictionsReader` is what all commands read them through; a layout implements it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from hundredfold.aws.attributes import plain_item
from hundredfold.aws.backoff import backoff_seconds
from hundredfold.aws.errors import mapped_errors

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEYS_PER_CALL = 100
"""The most that BatchGetItem takes. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""

_BUSY = "DynamoDB did not answer about predictions"

type StoredPrediction = dict[str, Any]
"""A prediction as it is stored: `record_id`, `ingest_id`, the answer, `model_version`, `predicted_at` and `batch`.

It is not checked. If somebody has altered the store, names may be missing, and values may have other types.
"""


class PredictionsReader(Protocol):
    """Reads the predictions of ingests, whatever their layout."""

    def read_batch(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> Mapping[str, StoredPrediction]:
        """Read the predictions of a batch's records, strongly consistent.

        Parameters
        ----------
        record_ids : of the batch's records, each once

        Returns
        -------
        predictions : by record id; without those that have none. In a layout with one place for each record id, a
            prediction may be another batch's, which its `batch` says.
        """
        ...

    def read_record(self, ingest_id: str, record_id: str) -> StoredPrediction | None:
        """Look up one record's prediction. Return None if there is none."""
        ...

    def read_all(self, ingest_id: str) -> Iterator[StoredPrediction]:
        """Read all predictions of an ingest, in any order, strongly consistent. `scanned_bytes` says what is read."""
        ...

    def scanned_bytes(self, ingest_id: str) -> int:
        """Return about how many bytes `read_all` reads. 0 if it reads no other predictions than the ingest's."""
        ...


class ItemPredictions:
    """Reads what `hundredfold.aws.predictions` wrote, an item a record (implements `PredictionsReader`).

    Parameters
    ----------
    table : the predictions table, whose keys are `record_id` and `ingest_id`
    """

    def __init__(self, client: "DynamoDBClient", table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def read_batch(self, ingest_id: str, batch: int, record_ids: Sequence[str]) -> dict[str, StoredPrediction]:
        """Read the items of some records of an ingest, 100 a call.

        Raises
        ------
        StoreBusyError
            If DynamoDB throttles or fails for longer than its client waits.
        """
        del batch  # the key has none
        keys: list[Any] = [{"record_id": {"S": record_id}, "ingest_id": {"S": ingest_id}} for record_id in record_ids]
        predictions: dict[str, StoredPrediction] = {}
        attempt = 0
        while keys:
            items, unprocessed = self._read_some(keys[:KEYS_PER_CALL])
            predictions |= {item["record_id"]["S"]: _prediction(item) for item in items}
            keys = [*unprocessed, *keys[KEYS_PER_CALL:]]
            if unprocessed:
                self._sleep(backoff_seconds(attempt))
            attempt = attempt + 1 if unprocessed else 0
        return predictions

    def read_record(self, ingest_id: str, record_id: str) -> StoredPrediction | None:
        return self.read_batch(ingest_id, 0, [record_id]).get(record_id)

    def read_all(self, ingest_id: str) -> Iterator[StoredPrediction]:
        """Scan the whole table for an ingest's items: they are spread over all partition keys.

        Raises
        ------
        StoreBusyError
            As of `read_batch`.
        """
        pages = self._client.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="ingest_id = :ingest",
            ExpressionAttributeValues={":ingest": {"S": ingest_id}},
            ConsistentRead=True,
        )
        with mapped_errors(_BUSY):
            for page in pages:
                for item in page["Items"]:
                    yield _prediction(item)

    def scanned_bytes(self, ingest_id: str) -> int:
        """Return the table's size as DynamoDB says it. It counts again about every six hours."""
        del ingest_id  # a scan reads the table as a whole
        with mapped_errors(_BUSY):
            return self._client.describe_table(TableName=self._table)["Table"].get("TableSizeBytes", 0)

    def _read_some(self, keys: list[Any]) -> tuple[list[Any], list[Any]]:
        with mapped_errors(_BUSY):
            answer: Any = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
        unprocessed = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return answer["Responses"].get(self._table, []), unprocessed


def _prediction(item: Mapping[str, Any]) -> StoredPrediction:
    plain = plain_item(item)
    batch = plain.pop("batch", None)
    return _with_floats(plain) | ({} if batch is None else {"batch": batch})  # type: ignore[no-any-return]


def _with_floats(value: Any) -> Any:
    """Return numbers as floats: DynamoDB does not tell 5 from 5.0. A label is never a float."""
    match value:
        case int() if not isinstance(value, bool):
            return float(value)
        case dict():
            return {
                name: inner if name == "label" and isinstance(inner, int) else _with_floats(inner)
                for name, inner in value.items()
            }
        case _:
            return value
