"""Writing predictions back onto the items that they are for: one conditional update each, several at once."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hundredfold.aws.backoff import back_off
from hundredfold.aws.errors import DENIED, INVALID, NOT_FOUND, is_failed_condition, is_throttled, mapped_errors
from hundredfold.aws.predictions import answer_attributes
from hundredfold.errors import InvalidIngestError, OutOfTimeError, SourceMissingError
from hundredfold.ingest import Model
from hundredfold.ports import TimeLeft
from hundredfold.sources.dynamodb.write_back import ItemAnswer, WriteBackResult
from hundredfold.sources.spec import TableSpec

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

REFUSED_UNITS = 1.0
"""Write units of an update whose condition failed. DynamoDB charges one for each KB, and does not say how many."""


class DynamoSourceItems:
    """Writes answers onto items (implements `ports.SourceItems`).

    Parameters
    ----------
    now : returns the time of the predictions, ISO 8601
    pool : sends the updates of a batch
    """

    def __init__(
        self,
        client: "DynamoDBClient",
        now: Callable[[], str],
        pool: ThreadPoolExecutor,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client = client
        self._now = now
        self._pool = pool
        self._sleep = sleep

    def write_back(
        self, spec: TableSpec, ingest_id: str, model: Model, answers: Sequence[ItemAnswer], time_left: TimeLeft
    ) -> WriteBackResult:
        common = {
            "ingest_id": {"S": ingest_id},
            "model_version": {"S": model.version},
            "predicted_at": {"S": self._now()},
        }
        updates = [self._pool.submit(self._update, _update_of(spec, answer, common), time_left) for answer in answers]
        wait(updates)  # for all, even if one fails: nothing may be written after this method has raised
        units = [update.result() for update in updates]
        written = [consumed for consumed in units if consumed is not None]
        outdated = len(units) - len(written)
        return WriteBackResult(len(written), outdated, sum(written) + outdated * REFUSED_UNITS)

    def _update(self, update: dict[str, Any], time_left: TimeLeft) -> float | None:
        """Send an update. Return the write units that it consumed, or None if its condition did not hold."""
        attempt = 0
        while True:
            if time_left() <= 0:
                raise OutOfTimeError("answers were still to be written back when time was out")
            with _mapped_errors(update["TableName"]):
                try:
                    answer = self._client.update_item(**update)
                except ClientError as error:
                    if is_failed_condition(error):
                        return None
                    if not is_throttled(error):
                        raise
                else:
                    return answer.get("ConsumedCapacity", {}).get("CapacityUnits", 0.0)
            back_off(time_left, attempt, self._sleep, "the table throttled the writing back of answers")
            attempt += 1


def _update_of(spec: TableSpec, answer: ItemAnswer, common: dict[str, Any]) -> dict[str, Any]:
    prediction = answer.prediction
    names = {"#to": spec.write_back, "#key": next(iter(answer.key))}
    values: dict[str, Any] = {":to": {"M": {**answer_attributes(prediction.label, prediction.score), **common}}}
    conditions = ["attribute_exists(#key)"]
    for number, (name, value) in enumerate(answer.read.items()):
        names[f"#{number}"] = name
        values[f":{number}"] = value
        conditions.append(f"#{number}=:{number}")
    return {
        "TableName": spec.table,
        "Key": dict(answer.key),
        "UpdateExpression": "SET #to=:to",
        "ConditionExpression": " AND ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": values,
        "ReturnConsumedCapacity": "TOTAL",
    }


def _mapped_errors(table: str) -> AbstractContextManager[None]:
    location = f"dynamodb://{table}"
    invalid = (
        f"DynamoDB takes no answer onto an item of {table}: an item may have 400 KB with it, and the attribute "
        "must be no key"
    )
    denied = "access is denied; functions may write back to it if its ARN is in the parameter SourceTableArns"
    return mapped_errors(
        f"DynamoDB did not take answers for {location}",
        {
            INVALID: InvalidIngestError(invalid),
            NOT_FOUND: SourceMissingError(location, "there is no such table any more"),
            DENIED: SourceMissingError(location, denied),
        },
    )
