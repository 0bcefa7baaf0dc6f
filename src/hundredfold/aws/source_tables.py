"""Tables that records come from: described once, then read page by page. A throttled page is read again later."""

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
"""Of each page. The pauses between them add up to 26 s at most, beside botocore's own. After the last attempt the state
machine calls the planner again, which begins anew."""


class DynamoTables:
    """Reads tables (implements `ports.Tables`)."""

    def __init__(self, client: "DynamoDBClient", sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep

    def describe(self, table: str, index: str = "") -> Table:
        with _mapped_errors(table):
            description: Any = self._client.describe_table(TableName=table)["Table"]
        if description["TableStatus"] not in {"ACTIVE", "UPDATING"}:
            raise SourceMissingError(f"dynamodb://{table}", f"the table is {description['TableStatus']}")
        local = {item["IndexName"]: item for item in description.get("LocalSecondaryIndexes", [])}
        global_ = {item["IndexName"]: item for item in description.get("GlobalSecondaryIndexes", [])}
        indexes = {**local, **global_}
        if index and index not in indexes:
            names = ", ".join(sorted(indexes)) or "none"
            raise SourceMissingError(f"dynamodb://{table}/{index}", f"the table has no such index; it has {names}")
        return Table(
            partition=_key(indexes[index] if index else description)[0],
            key=_key(description),
            types={item["AttributeName"]: item["AttributeType"] for item in description["AttributeDefinitions"]},
            size=indexes[index].get("IndexSizeBytes", 0) if index else description.get("TableSizeBytes", 0),
            consistent=index not in global_,
        )

    def read(self, segment: Segment) -> Iterator[Sequence[Item]]:
        request = _request(segment)
        call: Callable[..., Any] = self._client.query if segment.spec.partition else self._client.scan
        while True:
            with _mapped_errors(segment.spec.table):
                page = retry_throttled(lambda: call(**request), sleep=self._sleep, attempts=READ_ATTEMPTS)
            yield page["Items"]
            if not page.get("LastEvaluatedKey"):
                return
            request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _request(segment: Segment) -> dict[str, Any]:
    """Return the parameters of a Query, if the source is one partition of the table; else those of a Scan."""
    spec = segment.spec
    request: dict[str, Any] = {"TableName": spec.table, "ConsistentRead": segment.table.consistent}
    names = {f"#a{number}": name for number, name in enumerate(segment.attributes)}
    if names:
        request["ProjectionExpression"] = ", ".join(names)
    if spec.index:
        request["IndexName"] = spec.index
    if spec.partition:
        [(names["#partition"], value)] = spec.partition.items()
        request["KeyConditionExpression"] = "#partition = :value"
        request["ExpressionAttributeValues"] = {":value": {"S": value} if isinstance(value, str) else {"N": str(value)}}
    elif segment.total > 1:
        request |= {"Segment": segment.number, "TotalSegments": segment.total}
    if names:
        request["ExpressionAttributeNames"] = names
    return request


def _key(described: Any) -> tuple[str, ...]:
    """Return the attributes of the key of a table or an index, the partition key first."""
    schema = sorted(described["KeySchema"], key=lambda element: element["KeyType"] != "HASH")
    return tuple(element["AttributeName"] for element in schema)


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
