"""The list of ingests: an index of the ledger by status and start."""

import heapq
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hundredfold.aws.attributes import plain_item
from hundredfold.aws.errors import mapped_errors
from hundredfold.summary import Drift, Status

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

INDEX_NAME = "ingests"
_BUSY = "DynamoDB did not answer about the list of ingests"
_MOST_A_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class ListedIngest:
    """An ingest as the list has it. One that runs has no counts but its records and batches.

    Attributes
    ----------
    began_at : when its first execution started, ISO 8601
    execution : the name of its last execution
    """

    ingest_id: str
    status: str
    began_at: str
    execution: str
    source: str = ""
    model_version: str = ""
    records: int = 0
    predicted: int | None = None
    rejected: int | None = None
    failed: int | None = None
    batches: int = 0
    batches_failed: int | None = None
    seconds: float | None = None
    usd: float | None = None
    drift: Drift | None = None


class IngestList:
    """Reads the list of ingests. It is eventually consistent: an ingest may be missing for about a second."""

    def __init__(self, client: "DynamoDBClient", table: str) -> None:
        self._client = client
        self._table = table

    def newest(
        self, statuses: Collection[Status], since: str = "", limit: int = _MOST_A_PAGE
    ) -> Iterator[ListedIngest]:
        """Yield the ingests that have one of the statuses, the newest first. It reads a query for each status.

        Parameters
        ----------
        since : no ingest that began before, ISO 8601 in UTC; empty for all
        limit : how many will be taken, about. So many are read at once of each status.

        Raises
        ------
        StoreBusyError
        """
        by_status = (self._of_status(status, since, limit) for status in statuses)
        return heapq.merge(*by_status, key=lambda ingest: ingest.began_at, reverse=True)

    def _of_status(self, status: Status, since: str, limit: int) -> Iterator[ListedIngest]:
        values: dict[str, Any] = {":status": {"S": status.value}, **({":since": {"S": since}} if since else {})}
        pages = self._client.get_paginator("query").paginate(
            TableName=self._table,
            IndexName=INDEX_NAME,
            KeyConditionExpression="#status = :status" + (" AND began_at >= :since" if since else ""),
            ExpressionAttributeNames={"#status": "status"},
            ExpressionAttributeValues=values,
            ScanIndexForward=False,
            PaginationConfig={"PageSize": min(limit, _MOST_A_PAGE)},
        )
        with mapped_errors(_BUSY):
            for page in pages:
                yield from (_listed(plain_item(item)) for item in page["Items"])


def _listed(item: dict[str, Any]) -> ListedIngest:
    names = [name for name in ListedIngest.__slots__ if name in item and name != "drift"]
    drift = Drift.from_dict(item.get("drift"))
    return ListedIngest(**{name: item[name] for name in names}, ingest_id=item["ledger_key"], drift=drift)
