"""The ledger in DynamoDB: one item for each batch, spread over 8 partition keys, and one for the ingest."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NoReturn

from boto3.dynamodb.types import TypeDeserializer, TypeSerializer
from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.adapters.clients import error_code, is_busy
from hundredfold.cutting import LEDGER_SHARDS
from hundredfold.errors import IngestExistsError, StoreBusyError
from hundredfold.ingest import Plan
from hundredfold.outcomes import BatchFailure, BatchOutcome, Effort, Sketch, Status, Summary

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

SUMMARY_ENTRY = "summary"

_serialize = TypeSerializer().serialize
_deserialize = TypeDeserializer().deserialize


class DynamoLedger:
    """Keeps the ledger (fulfils `ports.Ledger`).

    A batch's item lies under `ledger_key = <ingest_id>#<batch mod 8>`, `entry = <batch>`, so that 500 batches
    finishing at once write to 8 partitions; the ingest's under `<ingest_id>`, `summary`.
    """

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def begin(self, plan: Plan, started_at: str) -> None:
        item = {"status": Status.RUNNING.value, "started_at": started_at, "plan": plan.as_dict()}
        self._put_ingest(plan.ingest_id, started_at, item)

    def finish(self, summary: Summary) -> None:
        entered = self.ingest(summary.ingest_id) or {}
        self._put_ingest(summary.ingest_id, summary.started_at, {**entered, **summary.as_dict()})

    def batch_done(self, ingest_id: str, outcome: BatchOutcome) -> None:
        item: dict[str, Any] = {
            "ledger_key": batch_key(ingest_id, outcome.batch),
            "entry": str(outcome.batch),
            "status": "done",
            "records": outcome.records,
            "predicted": outcome.predicted,
            "rejected": outcome.rejected,
            "reasons": dict(outcome.reasons),
            "milliseconds": dict(outcome.milliseconds),
        }
        # All of it stays under the 1,024 bytes of one write unit; a test holds the largest item against that.
        if outcome.effort:
            item["effort"] = asdict(outcome.effort)
        if outcome.sketch:
            item["sketch"] = outcome.sketch.as_dict()
        try:
            self._client.put_item(TableName=self._table, Item=_to_item(item))
        except (ClientError, BotoCoreError) as error:
            _raise(error)

    def entries(self, ingest_id: str) -> Iterator[BatchOutcome | BatchFailure]:
        """Read what became of each batch so far: 8 queries, about 0.6 KB a batch, strongly consistent."""
        pages = self._client.get_paginator("query")
        for shard in range(LEDGER_SHARDS):
            try:
                for page in pages.paginate(
                    TableName=self._table,
                    KeyConditionExpression="ledger_key = :key",
                    ExpressionAttributeValues={":key": {"S": batch_key(ingest_id, shard)}},
                    ConsistentRead=True,
                ):
                    yield from (_to_entry(_from_item(item)) for item in page["Items"])
            except (ClientError, BotoCoreError) as error:
                _raise(error)

    def ingest(self, ingest_id: str) -> dict[str, Any] | None:
        """Return the ingest's own item: its plan and, once it has ended, its summary; None if it has none."""
        try:
            answer = self._client.get_item(
                TableName=self._table,
                Key={"ledger_key": {"S": ingest_id}, "entry": {"S": SUMMARY_ENTRY}},
                ConsistentRead=True,
            )
        except (ClientError, BotoCoreError) as error:
            _raise(error)
        return _from_item(answer["Item"]) if "Item" in answer else None

    def _put_ingest(self, ingest_id: str, started_at: str, item: Mapping[str, Any]) -> None:
        try:
            self._client.put_item(
                TableName=self._table,
                Item=_to_item({"ledger_key": ingest_id, "entry": SUMMARY_ENTRY, **item}),
                # A retry of the same execution may write again; another execution under the same id may not.
                ConditionExpression="attribute_not_exists(ledger_key) OR started_at = :started",
                ExpressionAttributeValues={":started": {"S": started_at}},
            )
        except (ClientError, BotoCoreError) as error:
            if isinstance(error, ClientError) and error_code(error) == "ConditionalCheckFailedException":
                raise IngestExistsError(ingest_id) from None
            _raise(error)


def batch_key(ingest_id: str, batch: int) -> str:
    """The partition key of a batch's item; the state machine makes the same from the batch's `shard`."""
    return f"{ingest_id}#{batch % LEDGER_SHARDS}"


def _to_entry(item: Mapping[str, Any]) -> BatchOutcome | BatchFailure:
    batch = int(item["entry"])
    if item["status"] == "done":
        return BatchOutcome(
            batch,
            item["records"],
            item["predicted"],
            item["rejected"],
            item["reasons"],
            item["milliseconds"],
            Effort(**item["effort"]) if "effort" in item else None,
            Sketch.from_dict(item["sketch"]) if "sketch" in item else None,
        )
    return BatchFailure(batch, item["error"], item["cause"])


def _to_item(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _serialize(_exact(value)) for name, value in values.items()}


def _from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(_deserialize(value)) for name, value in item.items()}


def _exact(value: Any) -> Any:
    """Turn floats into decimals, which is what boto3 writes numbers from."""
    match value:
        case float():
            return Decimal(repr(value))
        case dict():
            return {key: _exact(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_exact(inner) for inner in value]
        case str():
            return str(value)
        case _:
            return value


def _plain(value: Any) -> Any:
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case dict():
            return {key: _plain(inner) for key, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _raise(error: ClientError | BotoCoreError) -> NoReturn:
    if is_busy(error):
        raise StoreBusyError(f"DynamoDB did not answer about the ledger: {type(error).__name__}") from None
    raise error
