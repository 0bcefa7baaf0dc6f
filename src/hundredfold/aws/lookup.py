"""Looking up one record's prediction, in either layout, with boto3 alone.

The inference function does not import this module.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

import boto3

from hundredfold.aws.attributes import plain_item
from hundredfold.aws.errors import mapped_errors
from hundredfold.aws.ledger import INDEX, PARTS, PREDICTIONS, SUMMARY_ENTRY, batch_key
from hundredfold.aws.objects import S3Sources
from hundredfold.batches import LEDGER_SHARDS
from hundredfold.errors import NotIndexedError
from hundredfold.layout import Layout
from hundredfold.packed import unpack
from hundredfold.record_index import RecordIndex

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_s3 import S3Client

MOST_BATCHES_SEARCHED = 1_000
"""An ingest of up to so many batches is searched as a whole while it has no index: at most about 4 MB."""

_BUSY = "DynamoDB did not answer about predictions"


class PackedItems:
    """Reads the items of batches whose predictions are packed, strongly consistent.

    Parameters
    ----------
    table : the ledger, whose keys are `ledger_key` and `entry`
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def read(self, ingest_id: str, batches: Sequence[int]) -> Iterator[dict[str, Any]]:
        """Read the predictions of some batches, each with its `ingest_id` and `batch`.

        Parameters
        ----------
        batches : up to 100

        Raises
        ------
        StoreBusyError
        ValueError
            If the predictions of a batch are damaged.
        """
        keys = [{"ledger_key": {"S": batch_key(ingest_id, batch)}, "entry": {"S": str(batch)}} for batch in batches]
        while keys:
            with mapped_errors(_BUSY):
                answer: Any = self._client.batch_get_item(
                    RequestItems={
                        self._table: {
                            "Keys": keys,
                            "ConsistentRead": True,
                            "ProjectionExpression": "#entry, #predictions, #parts",
                            "ExpressionAttributeNames": {
                                "#entry": "entry",
                                "#predictions": PREDICTIONS,
                                "#parts": PARTS,
                            },
                        }
                    }
                )
            for item in map(plain_item, answer["Responses"].get(self._table, [])):
                yield from self._of_item(ingest_id, item)
            keys = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])

    def read_all(self, ingest_id: str) -> Iterator[dict[str, Any]]:
        """Read all predictions of an ingest, by 8 queries. Raise as `read` does."""
        pages = self._client.get_paginator("query")
        for shard in range(LEDGER_SHARDS):
            parts = 0
            with mapped_errors(_BUSY):
                for page in pages.paginate(
                    TableName=self._table,
                    KeyConditionExpression="ledger_key = :key",
                    ExpressionAttributeValues={":key": {"S": batch_key(ingest_id, shard)}},
                    ConsistentRead=True,
                ):
                    for item in map(plain_item, page["Items"]):
                        batch, _, number = item["entry"].partition(".")
                        # The parts of a batch come in the order of their sort keys, right after its entry.
                        parts = parts if number else item.get(PARTS, 1)
                        if PREDICTIONS in item and (not number or int(number) < parts):
                            yield from _predictions(ingest_id, int(batch), item[PREDICTIONS])

    def _of_item(self, ingest_id: str, item: dict[str, Any]) -> Iterator[dict[str, Any]]:
        batch = int(item["entry"])
        if PREDICTIONS in item:
            yield from _predictions(ingest_id, batch, item[PREDICTIONS])
        for number in range(1, item.get(PARTS, 1)):
            key = {"ledger_key": {"S": batch_key(ingest_id, batch)}, "entry": {"S": f"{batch}.{number}"}}
            with mapped_errors(_BUSY):
                part: Any = self._client.get_item(TableName=self._table, Key=key, ConsistentRead=True)
            yield from _predictions(ingest_id, batch, plain_item(part["Item"])[PREDICTIONS])


class Lookup:
    """Looks up predictions of single records.

    Parameters
    ----------
    predictions_table, ledger_table : of the deployed stack
    """

    def __init__(
        self, dynamodb: "DynamoDBClient", s3: "S3Client", *, predictions_table: str, ledger_table: str
    ) -> None:
        self._dynamodb = dynamodb
        self._sources = S3Sources(s3)
        self._predictions_table = predictions_table
        self._ledger_table = ledger_table
        self._packed = PackedItems(dynamodb, ledger_table)

    @classmethod
    def by_session(cls, session: boto3.Session | None, *, predictions_table: str, ledger_table: str) -> Self:
        """Make its clients from a session, or from the default one."""
        session = session or boto3.Session()
        dynamodb, s3 = session.client("dynamodb"), session.client("s3")
        return cls(dynamodb, s3, predictions_table=predictions_table, ledger_table=ledger_table)

    def find(self, ingest_id: str, record_id: str) -> dict[str, Any] | None:
        """Look up a record's prediction: 2 requests in the layout `item`, 3 in the layout `packed`.

        If several batches have a record with this id, the layout `item` has the prediction that was written last, and
        the layout `packed` returns that of the first batch.

        Returns
        -------
        prediction : its attributes; None if there is no such prediction

        Raises
        ------
        NotIndexedError
            If the predictions are packed, and there is no index yet, and the ingest is too large to be searched.
        StoreBusyError, SourceMissingError
        """
        ingest = self._get(self._ledger_table, {"ledger_key": ingest_id, "entry": SUMMARY_ENTRY})
        plan = (ingest or {}).get("plan", {})
        if plan.get("layout", Layout.ITEM) != Layout.PACKED:
            return self._get(self._predictions_table, {"record_id": record_id, "ingest_id": ingest_id})
        if ingest and INDEX in ingest:
            batches = self._batches(RecordIndex.from_dict(ingest[INDEX]), record_id)
            return _first(self._packed.read(ingest_id, batches), record_id)
        if plan["batches"] > MOST_BATCHES_SEARCHED:
            raise NotIndexedError(ingest_id)
        return _first(self._packed.read_all(ingest_id), record_id)

    def _batches(self, index: RecordIndex, record_id: str) -> list[int]:
        for start, end in (index.likely_range(record_id), index.whole_range(record_id)):
            content = self._sources.read(index.pinned, start, end - start) if end > start else b""
            batches = index.batches(record_id, content, start)
            if batches is not None:
                return batches
        raise AssertionError("the range of all hashes with the same first byte covers the hash")

    def _get(self, table: str, key: dict[str, str]) -> dict[str, Any] | None:
        with mapped_errors(_BUSY):
            answer = self._dynamodb.get_item(
                TableName=table, Key={name: {"S": value} for name, value in key.items()}, ConsistentRead=True
            )
        return plain_item(answer["Item"]) if "Item" in answer else None


def _predictions(ingest_id: str, batch: int, part: bytes) -> Iterator[dict[str, Any]]:
    for prediction in unpack(part):
        yield {**prediction, "ingest_id": ingest_id, "batch": batch}


def _first(predictions: Iterable[dict[str, Any]], record_id: str) -> dict[str, Any] | None:
    of_record = (prediction for prediction in predictions if prediction["record_id"] == record_id)
    return min(of_record, key=lambda prediction: prediction["batch"], default=None)
