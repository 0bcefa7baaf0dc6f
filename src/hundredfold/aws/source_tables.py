"""Tables as origins: described once, then read page by page, each page waited for while DynamoDB throttles."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from hundredfold.aws.backoff import retry_throttled
from hundredfold.aws.errors import DENIED, NOT_FOUND, mapped_errors
from hundredfold.errors import SourceMissingError
from hundredfold.sources.dynamodb.items import Item
from hundredfold.sources.dynamodb.segments import Segment
from hundredfold.sources.dynamodb.table import Table

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

READ_ATTEMPTS = 12
"""At each page that is throttled: waits of 26 s together at the longest, beside botocore's own. The state machine then
asks the planner again, which begins anew."""


class DynamoTables:
    """Reads tables (fulfils `ports.Tables`)."""

    def __init__(self, client: "DynamoDBClient", sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def describe(self, table: str, index: str = "") -> Table:
        with _mapped_errors(table):
            told: Any = self._client.describe_table(TableName=table)["Table"]
        if told["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            raise SourceMissingError(f"dynamodb://{table}", f"the table is {told['TableStatus']}")
        local, everywhere = told.get("LocalSecondaryIndexes", []), told.get("GlobalSecondaryIndexes", [])
        described, size = told, told.get("TableSizeBytes", 0)
        if index:
            described = next((one for one in (*local, *everywhere) if one["IndexName"] == index), None)
            if described is None:
                there = ", ".join(sorted(one["IndexName"] for one in (*local, *everywhere)))
                raise SourceMissingError(
                    f"dynamodb://{table}/{index}", f"the table has no such index; it has {there or 'none'}"
                )
            size = described.get("IndexSizeBytes", 0)
        return Table(
            partition=_key(described)[0],
            key=_key(told),
            types={one["AttributeName"]: one["AttributeType"] for one in told["AttributeDefinitions"]},
            size=size,
            consistent=described not in everywhere,
        )

    def read(self, segment: Segment) -> Iterator[Sequence[Item]]:
        spec = segment.spec
        asked: dict[str, Any] = {"TableName": spec.table, "ConsistentRead": segment.table.consistent}
        names = {f"#a{number}": name for number, name in enumerate(segment.attributes)}
        if names:
            asked["ProjectionExpression"] = ", ".join(names)
        if spec.index:
            asked["IndexName"] = spec.index
        ask: Callable[..., Any] = self._client.scan
        if spec.partition:
            [(name, value)] = spec.partition.items()
            ask = self._client.query
            asked["KeyConditionExpression"] = "#partition = :value"
            asked["ExpressionAttributeValues"] = {
                ":value": {"S": value} if isinstance(value, str) else {"N": str(value)}
            }
            names["#partition"] = name
        elif segment.total > 1:
            asked |= {"Segment": segment.number, "TotalSegments": segment.total}
        if names:
            asked["ExpressionAttributeNames"] = names
        while True:
            with _mapped_errors(spec.table):
                page = retry_throttled(lambda: ask(**asked), sleep=self._sleep, attempts=READ_ATTEMPTS)
            yield page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            asked["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _key(described: Any) -> tuple[str, ...]:
    """Return the attributes of a key, its partition key first."""
    schema = sorted(described["KeySchema"], key=lambda one: one["KeyType"] != "HASH")
    return tuple(one["AttributeName"] for one in schema)


def _mapped_errors(table: str) -> AbstractContextManager[None]:
    location = f"dynamodb://{table}"
    denied = (
        "access is denied; functions may read it if its ARN, and its indexes', are in the parameter SourceTableArns"
    )
    return mapped_errors(
        f"DynamoDB did not answer for {location}",
        {
            NOT_FOUND: SourceMissingError(location, "there is no such table"),
            DENIED: SourceMissingError(location, denied),
        },
    )
