"""Reading predictions back from DynamoDB."""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from hundredfold.aws.attributes import plain_item
from hundredfold.aws.backoff import backoff_seconds
from hundredfold.aws.errors import mapped_errors

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

KEYS_PER_CALL = 100
"""The most that BatchGetItem takes. https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html"""


class PredictionsReader:
    """Reads what `DynamoPredictions` wrote.

    Parameters
    ----------
    table : the predictions table, whose keys are `record_id` and `ingest_id`
    """

    def __init__(self, client: "DynamoDBClient", table: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._table = table
        self._sleep = sleep

    def read(self, ingest_id: str, record_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Read the predictions of some records of an ingest, strongly consistent.

        Parameters
        ----------
        record_ids : each once

        Returns
        -------
        predictions : by record id; without those that have none

        Raises
        ------
        StoreBusyError
            If DynamoDB throttles or fails for longer than its client waits.
        """
        keys: list[Any] = [{"record_id": {"S": record_id}, "ingest_id": {"S": ingest_id}} for record_id in record_ids]
        predictions: dict[str, dict[str, Any]] = {}
        attempt = 0
        while keys:
            items, unprocessed = self._read_some(keys[:KEYS_PER_CALL])
            predictions |= {item["record_id"]["S"]: _prediction(item) for item in items}
            keys = [*unprocessed, *keys[KEYS_PER_CALL:]]
            if unprocessed:
                self._sleep(backoff_seconds(attempt))
            attempt = attempt + 1 if unprocessed else 0
        return predictions

    def _read_some(self, keys: list[Any]) -> tuple[list[Any], list[Any]]:
        with mapped_errors("DynamoDB did not answer about predictions"):
            answer: Any = self._client.batch_get_item(
                RequestItems={self._table: {"Keys": keys, "ConsistentRead": True}}
            )
        unprocessed = answer.get("UnprocessedKeys", {}).get(self._table, {}).get("Keys", [])
        return answer["Responses"].get(self._table, []), unprocessed


def _prediction(item: dict[str, Any]) -> dict[str, Any]:
    prediction: dict[str, Any] = _with_floats(plain_item(item))
    prediction["batch"] = int(prediction["batch"])
    return prediction


def _with_floats(value: Any) -> Any:
    """Return numbers as floats: DynamoDB does not tell 5 from 5.0."""
    match value:
        case int() if not isinstance(value, bool):
            return float(value)
        case dict():
            return {name: _with_floats(inner) for name, inner in value.items()}
        case _:
            return value
