"""DynamoDB: tables in memory, and a client with the methods of boto3's that our code calls."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, Final

from hundredfold.aws.attributes import item_bytes
from tests.simulation.services.calls import Calls, refusal
from tests.simulation.services.expressions import Item, condition, projected, updated

ITEMS_PER_BATCH_WRITE: Final = 25
KEYS_PER_BATCH_GET: Final = 100
ITEM_BYTES: Final = 400 * 1024
"""The limits of DynamoDB.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html (2026-11)"""

type Key = tuple[str, ...]
type Watch = Callable[[str, Item | None, Item | None], None]


@dataclass
class Table:
    """A table.

    Attributes
    ----------
    keys : the names of its key's attributes, the partition key first; all are strings
    items : by key
    history : of each key, when its item changed, and what it was before; eventually consistent reads use it
    """

    name: str
    keys: tuple[str, ...]
    items: dict[Key, Item] = field(default_factory=dict)
    history: dict[Key, tuple[float, Item | None]] = field(default_factory=dict)

    def key_of(self, attributes: Mapping[str, Any], operation: str) -> Key:
        """Return the key of an item. Raise as DynamoDB does if it has none."""
        try:
            key = tuple(attributes[name]["S"] for name in self.keys)
        except KeyError:
            raise refusal("ValidationException", operation) from None
        if not all(key):
            raise refusal("ValidationException", operation)
        return key


@dataclass
class DynamoDB:
    """The service.

    Attributes
    ----------
    now : returns the virtual time
    leaves : tells whether an item of a batch call is left unprocessed
    staleness : returns how many seconds an eventually consistent read is behind
    page_items : how many items a page of a query or scan has
    watch : called with table, item before and item after, at each change
    write_units : charged so far, by table
    """

    now: Callable[[], float]
    leaves: Callable[[], bool]
    staleness: Callable[[], float]
    page_items: int = 100
    tables: dict[str, Table] = field(default_factory=dict)
    watch: Watch = lambda _table, _before, _after: None
    write_units: dict[str, float] = field(default_factory=dict)

    def table(self, name: str, operation: str) -> Table:
        if name not in self.tables:
            raise refusal("ResourceNotFoundException", operation)
        return self.tables[name]

    def put(self, request: Mapping[str, Any], operation: str = "PutItem") -> dict[str, Any]:
        table = self.table(request["TableName"], operation)
        key = table.key_of(request["Item"], operation)
        if item_bytes(request["Item"]) > ITEM_BYTES:
            raise refusal("ValidationException", operation)
        before = table.items.get(key)
        self._check(before, request, operation)
        units = self._store(table, key, dict(request["Item"]))
        answer: dict[str, Any] = {"ConsumedCapacity": {"TableName": table.name, "CapacityUnits": units}}
        if before is not None and request.get("ReturnValues") == "ALL_OLD":
            answer["Attributes"] = before
        return answer

    def update(self, request: Mapping[str, Any], operation: str = "UpdateItem") -> dict[str, Any]:
        table = self.table(request["TableName"], operation)
        key = table.key_of(request["Key"], operation)
        before = table.items.get(key)
        self._check(before, request, operation)
        item = updated(
            dict(before or request["Key"]),
            request["UpdateExpression"],
            request.get("ExpressionAttributeNames", {}),
            request.get("ExpressionAttributeValues", {}),
        )
        units = self._store(table, key, item)
        return {"ConsumedCapacity": {"TableName": table.name, "CapacityUnits": units}}

    def delete(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table(request["TableName"], "DeleteItem")
        key = table.key_of(request["Key"], "DeleteItem")
        self._check(table.items.get(key), request, "DeleteItem")
        self._store(table, key, None)
        return {}

    def get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        table = self.table(request["TableName"], "GetItem")
        key = table.key_of(request["Key"], "GetItem")
        item = self._read(table, key, consistent=bool(request.get("ConsistentRead")))
        return {} if item is None else {"Item": item}

    def batch_write(self, request: Mapping[str, Any]) -> dict[str, Any]:
        operation = "BatchWriteItem"
        writes = [(name, put) for name, puts in request["RequestItems"].items() for put in puts]
        keys = [
            (name, self.table(name, operation).key_of(put["PutRequest"]["Item"], operation)) for name, put in writes
        ]
        if not 0 < len(writes) <= ITEMS_PER_BATCH_WRITE or len(set(keys)) < len(keys):
            raise refusal("ValidationException", operation)
        left: dict[str, list[Any]] = {}
        consumed: dict[str, float] = {}
        for (name, put), (_, key) in zip(writes, keys, strict=True):
            if self.leaves():
                left.setdefault(name, []).append(put)
            else:
                units = self._store(self.tables[name], key, dict(put["PutRequest"]["Item"]))
                consumed[name] = consumed.get(name, 0.0) + units
        capacity = [{"TableName": name, "CapacityUnits": units} for name, units in consumed.items()]
        return {"UnprocessedItems": left, "ConsumedCapacity": capacity}

    def batch_get(self, request: Mapping[str, Any]) -> dict[str, Any]:
        operation = "BatchGetItem"
        responses: dict[str, list[Item]] = {}
        left: dict[str, Any] = {}
        for name, wanted in request["RequestItems"].items():
            table = self.table(name, operation)
            keys = [table.key_of(key, operation) for key in wanted["Keys"]]
            if not 0 < len(keys) <= KEYS_PER_BATCH_GET or len(set(keys)) < len(keys):
                raise refusal("ValidationException", operation)
            responses[name] = []
            for key, attributes in zip(keys, wanted["Keys"], strict=True):
                if self.leaves():
                    left.setdefault(name, {**wanted, "Keys": []})["Keys"].append(attributes)
                    continue
                item = self._read(table, key, consistent=bool(wanted.get("ConsistentRead")))
                if item is not None:
                    responses[name].append(self._projected(item, wanted))
        return {"Responses": responses, "UnprocessedKeys": left}

    def page(self, request: Mapping[str, Any], operation: str, start: Key | None) -> tuple[list[Item], Key | None]:
        """Return a page of a query or scan, and the last key that it read; None for the last page."""
        table = self.table(request["TableName"], operation)
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        consistent = bool(request.get("ConsistentRead"))
        keys = sorted({*table.items, *table.history})
        if operation == "Query":
            name, _, value = request["KeyConditionExpression"].split()
            assert (names[name] if name.startswith("#") else name) == table.keys[0], "only partition keys are simulated"
            keys = [key for key in keys if key[0] == values[value]["S"]]
        keys = [key for key in keys if start is None or key > start]
        page, more = keys[: self.page_items], len(keys) > self.page_items
        items = [item for key in page if (item := self._read(table, key, consistent=consistent)) is not None]
        if "FilterExpression" in request:
            fits = condition(request["FilterExpression"])
            items = [item for item in items if fits(item, names, values)]
        return [self._projected(item, request) for item in items], page[-1] if more else None

    def describe(self, name: str) -> dict[str, Any]:
        table = self.table(name, "DescribeTable")
        kinds = ["HASH", "RANGE"]
        return {
            "Table": {
                "TableName": name,
                "TableStatus": "ACTIVE",
                "KeySchema": [{"AttributeName": key, "KeyType": kinds[n]} for n, key in enumerate(table.keys)],
                "AttributeDefinitions": [{"AttributeName": key, "AttributeType": "S"} for key in table.keys],
                "TableSizeBytes": sum(map(item_bytes, table.items.values())),
                "ItemCount": len(table.items),
            }
        }

    @staticmethod
    def _projected(item: Item, request: Mapping[str, Any]) -> Item:
        text = request.get("ProjectionExpression")
        return projected(item, text, request.get("ExpressionAttributeNames", {})) if text else item

    @staticmethod
    def _check(before: Item | None, request: Mapping[str, Any], operation: str) -> None:
        if "ConditionExpression" not in request:
            return
        names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
        if not condition(request["ConditionExpression"])(before or {}, names, values):
            raise refusal("ConditionalCheckFailedException", operation)

    def _read(self, table: Table, key: Key, *, consistent: bool) -> Item | None:
        if not consistent and key in table.history:
            changed, before = table.history[key]
            if changed > self.now() - self.staleness():
                return before
        return table.items.get(key)

    def _store(self, table: Table, key: Key, item: Item | None) -> float:
        """Store an item, or remove it. Return the write units: those of the larger of both."""
        before = table.items.get(key)
        table.history[key] = (self.now(), before)
        if item is None:
            table.items.pop(key, None)
        else:
            table.items[key] = item
        units = float(max(1, *(-(-item_bytes(version) // 1024) for version in (before, item) if version), 1))
        self.write_units[table.name] = self.write_units.get(table.name, 0.0) + units
        self.watch(table.name, before, item)
        return units


class DynamoDBClient:
    """What boto3 gives as a client of DynamoDB. Its protocol is not JSON, so no body is encoded beforehand."""

    meta = SimpleNamespace(service_model=SimpleNamespace(resolved_protocol="simulated"))

    def __init__(self, service: DynamoDB, calls: Calls) -> None:
        self._service = service
        self._calls = calls

    def put_item(self, **request: Any) -> Any:
        return self._call("PutItem", lambda: self._service.put(request), _about(request, "Item"))

    def update_item(self, **request: Any) -> Any:
        return self._call("UpdateItem", lambda: self._service.update(request), _about(request, "Key"))

    def delete_item(self, **request: Any) -> Any:
        return self._call("DeleteItem", lambda: self._service.delete(request), _about(request, "Key"))

    def get_item(self, **request: Any) -> Any:
        return self._call("GetItem", lambda: self._service.get(request), _about(request, "Key"))

    def batch_write_item(self, **request: Any) -> Any:
        about = {name: len(puts) for name, puts in request["RequestItems"].items()}
        return self._call("BatchWriteItem", lambda: self._service.batch_write(request), about)

    def batch_get_item(self, **request: Any) -> Any:
        return self._call("BatchGetItem", lambda: self._service.batch_get(request), "")

    def describe_table(self, *, TableName: str) -> Any:  # noqa: N803 - boto3's name
        return self._call("DescribeTable", lambda: self._service.describe(TableName), TableName)

    def get_paginator(self, operation: str) -> "Pages":
        return Pages(self, operation)

    def page(self, request: Mapping[str, Any], operation: str, start: Key | None) -> tuple[list[Item], Key | None]:
        about = next(iter(request.get("ExpressionAttributeValues", {"": ""}).values()))
        return self._call(operation, lambda: self._service.page(request, operation, start), about)

    def _call[T](self, operation: str, apply: Callable[[], T], about: object) -> T:
        return self._calls.call("dynamodb", operation, apply, about)


@dataclass(frozen=True)
class Pages:
    """A paginator of Query or Scan."""

    client: DynamoDBClient
    operation: str

    def paginate(self, **request: Any) -> Iterator[dict[str, Any]]:
        operation = {"query": "Query", "scan": "Scan"}[self.operation]
        start: Key | None = None
        while True:
            items, start = self.client.page(request, operation, start)
            yield {"Items": items}
            if start is None:
                return


def _about(request: Mapping[str, Any], attributes: str) -> str:
    values = [next(iter(value.values())) for value in request[attributes].values()]
    status = request.get("Item", {}).get("status", {}).get("S", "")
    return f"{request['TableName']} {' '.join(map(str, values[:2]))} {status}".rstrip()
