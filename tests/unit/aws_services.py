"""DynamoDB, Step Functions, S3 and Lambda in memory, behind an `AnsweringServer`.

They are as strict as AWS where the local stack is not: `StartExecution` with the name and the input of a running
execution is answered with that execution. So tests can use real boto3 clients, and two commands can meet.
"""

import hashlib
import json
import operator
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import boto3

from hundredfold.model.engine import LibraryLayer
from hundredfold_cli.stack.deployment import Deployment
from tests.unit.answering_server import AnsweringServer, Reply, Request, dynamodb_error, json_reply, s3_error

MACHINE = "arn:aws:states:us-east-1:000000000000:stateMachine:hundredfold-batch-inference"
LAYER = "arn:aws:lambda:us-east-1:000000000000:layer"

type Item = dict[str, dict[str, Any]]


class AwsServices:
    """The services that starting and resuming an ingest call.

    Attributes
    ----------
    items : of the ledger table, by both keys
    executions : by name, as `DescribeExecution` returns them
    objects : the content of each, by bucket and key
    invisible : how often DescribeExecution still has none of the executions, though they were started
    versions : the numbers of the inference function's versions
    alias : of the inference function, as `GetAlias` returns it
    invocations : of functions: the name and the payload of each
    function_fails : whether a function that is invoked raises
    before : called with each request, before it is answered
    """

    def __init__(self, server: AnsweringServer) -> None:
        self.items: dict[tuple[str, str], Item] = {}
        self.executions: dict[str, dict[str, Any]] = {}
        self.objects: dict[tuple[str, str], bytes] = {}
        self.invisible = 0
        self.versions: set[str] = set()
        self.alias: dict[str, str] = {}
        self.invocations: list[tuple[str, Any]] = []
        self.function_fails = False
        self.before: Callable[[Request], None] = lambda _: None
        self._url = server.url
        self._lock = threading.Lock()
        server.answer = self._answer

    def deployment(self) -> Deployment:
        """Return a deployment whose clients call these services."""
        return Deployment(
            session=boto3.Session(region_name="us-east-1"),
            endpoint=self._url,
            state_machine=MACHINE,
            source_bucket="source",
            work_bucket="work",
            predictions_table="predictions",
            ledger_table="ledger",
            infer_function="infer",
            model_layer=f"{LAYER}:model:1",
            library_layers={layer: f"{LAYER}:{layer}:1" for layer in LibraryLayer},
        )

    def ingest_item(self, ingest_id: str) -> Item | None:
        return self.items.get((ingest_id, "summary"))

    def start(self, name: str, execution_input: object) -> None:
        """Start an execution as another client does."""
        assert self._start_execution({"name": name, "input": json.dumps(execution_input)}).status == 200

    def _answer(self, request: Request) -> Reply:
        self.before(request)
        with self._lock:
            target = request.headers.get("X-Amz-Target", "")
            if request.path.startswith("/2015-03-31/functions/"):
                return self._function(request)
            if not target:
                return self._object(request)
            service, _, action = target.partition(".")
            actions = {
                "PutItem": self._put_item,
                "GetItem": self._get_item,
                "DeleteItem": self._delete_item,
                "UpdateItem": self._update_item,
                "Query": self._query,
                "Scan": self._scan,
                "ListExecutions": self._list_executions,
                "StartExecution": self._start_execution,
                "DescribeExecution": self._describe_execution,
                "StopExecution": self._stop_execution,
            }
            assert service in {"DynamoDB_20120810", "AWSStepFunctions"}
            return actions[action](request.json)

    def _put_item(self, request: Mapping[str, Any]) -> Reply:
        key = _key(request["Item"])
        if not holds(request, self.items.get(key)):
            return dynamodb_error("ConditionalCheckFailedException")
        before = self.items.get(key)
        self.items[key] = request["Item"]
        return json_reply({"Attributes": before} if before and request.get("ReturnValues") == "ALL_OLD" else {})

    def _get_item(self, request: Mapping[str, Any]) -> Reply:
        item = self.items.get(_key(request["Key"]))
        return json_reply({"Item": item} if item else {})

    def _delete_item(self, request: Mapping[str, Any]) -> Reply:
        key = _key(request["Key"])
        if not holds(request, self.items.get(key)):
            return dynamodb_error("ConditionalCheckFailedException")
        self.items.pop(key, None)
        return json_reply({})

    def _update_item(self, request: Mapping[str, Any]) -> Reply:
        """Set attributes: `SET #a = :a, #b = :b`, the only form that is used."""
        assert request["UpdateExpression"].startswith("SET ")
        names, values = request.get("ExpressionAttributeNames", {}), request["ExpressionAttributeValues"]
        item = self.items.setdefault(_key(request["Key"]), dict(request["Key"]))
        for assignment in request["UpdateExpression"].removeprefix("SET ").split(", "):
            name, _, value = assignment.partition(" = ")
            item[names.get(name, name)] = values[value]
        return json_reply({})

    def _query(self, request: Mapping[str, Any]) -> Reply:
        if request.get("IndexName") == "ingests":
            return self._query_list(request)
        key = request["ExpressionAttributeValues"][":key"]["S"]
        return json_reply(
            {"Items": [item for (ledger_key, _), item in sorted(self.items.items()) if ledger_key == key]}
        )

    def _query_list(self, request: Mapping[str, Any]) -> Reply:
        """Answer a query of the list of ingests, the newest first, a page of `Limit` at a time."""
        assert request["ScanIndexForward"] is False
        values = request["ExpressionAttributeValues"]
        since = values.get(":since", {"S": ""})["S"]
        listed = sorted(
            (
                item
                for item in self.items.values()
                if item.get("status") == values[":status"] and item.get("began_at", {"S": ""})["S"] >= (since or "0")
            ),
            key=lambda item: item["began_at"]["S"],
            reverse=True,
        )
        first = int(request.get("ExclusiveStartKey", {"place": {"N": "0"}})["place"]["N"])
        end = first + request["Limit"]
        more = {"LastEvaluatedKey": {"place": {"N": str(end)}}} if end < len(listed) else {}
        return json_reply({"Items": listed[first:end], **more})

    def _scan(self, request: Mapping[str, Any]) -> Reply:
        condition = {**request, "ConditionExpression": request["FilterExpression"]}
        return json_reply({"Items": [item for _, item in sorted(self.items.items()) if holds(condition, item)]})

    def _list_executions(self, request: Mapping[str, Any]) -> Reply:
        wanted = request.get("statusFilter")
        names = ("executionArn", "stateMachineArn", "name", "status", "startDate")
        executions = [found for found in self.executions.values() if wanted in {None, found["status"]}]
        return json_reply({"executions": [{name: found[name] for name in names} for found in executions]})

    def _function(self, request: Request) -> Reply:
        if request.path.endswith("/invocations"):
            self.invocations.append((unquote(request.path.split("/")[3]), json.loads(request.body)))
            return Reply(b"{}", 200, {"X-Amz-Function-Error": "Unhandled"} if self.function_fails else {})
        if "/aliases/" in request.path and self.alias:
            return json_reply(self.alias)
        number = request.path.rpartition("?Qualifier=")[2]
        if number in self.versions:
            return json_reply({"Version": number})
        return Reply(b"{}", 404, {"x-amzn-ErrorType": "ResourceNotFoundException"})

    def _start_execution(self, request: Mapping[str, Any]) -> Reply:
        # https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (2026-11)
        name = request["name"]
        execution = self.executions.setdefault(
            name,
            {
                "executionArn": f"{MACHINE.replace(':stateMachine:', ':execution:')}:{name}",
                "stateMachineArn": MACHINE,
                "name": name,
                "status": "RUNNING",
                "startDate": 1_795_500_000 + len(self.executions),
                "input": request["input"],
            },
        )
        if (execution["status"], execution["input"]) != ("RUNNING", request["input"]):
            return dynamodb_error("ExecutionAlreadyExists")
        return json_reply({name: execution[name] for name in ("executionArn", "startDate")})

    def _stop_execution(self, request: Mapping[str, Any]) -> Reply:
        execution = self.executions[request["executionArn"].rpartition(":")[2]]
        execution |= {"status": "ABORTED", "stopDate": 1_795_500_100, "error": request["error"]}
        execution["cause"] = request["cause"]
        return json_reply({"stopDate": 1_795_500_100})

    def _describe_execution(self, request: Mapping[str, Any]) -> Reply:
        execution = self.executions.get(request["executionArn"].rpartition(":")[2])
        if execution and self.invisible:
            self.invisible -= 1
            execution = None
        return json_reply(execution) if execution else dynamodb_error("ExecutionDoesNotExist")

    def _object(self, request: Request) -> Reply:
        bucket, _, key = unquote(request.path.partition("?")[0]).removeprefix("/").partition("/")
        if request.method == "PUT":
            self.objects[bucket, key] = _decoded(request)
        content = self.objects.get((bucket, key))
        if content is None:
            return s3_error("NoSuchKey", 404)
        headers = {"ETag": f'"{etag(content)}"'}
        return Reply(b"" if request.method == "PUT" else content, 200, headers)


def etag(content: bytes) -> str:
    """Return the ETag of an object of this content that was put whole."""
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def holds(request: Mapping[str, Any], item: Item | None) -> bool:
    """Evaluate the condition of a write on the item that is there: comparisons of attributes, joined by AND and OR."""
    if "ConditionExpression" not in request:
        return True
    names, values = request.get("ExpressionAttributeNames", {}), request.get("ExpressionAttributeValues", {})
    tokens = iter(re.findall(r"[#:]?\w+(?:\.[#\w]+)*|<>|<=|>=|[=<>()]", request["ConditionExpression"]))
    expression = [".".join(names.get(part, part) for part in token.split(".")) for token in tokens]
    result, rest = _either(expression, item or {}, values)
    assert not rest, f"not understood: {' '.join(rest)}"
    return result


def _either(tokens: list[str], item: Item, values: Item) -> tuple[bool, list[str]]:
    result, tokens = _both(tokens, item, values)
    while tokens[:1] == ["OR"]:
        right, tokens = _both(tokens[1:], item, values)
        result = result or right
    return result, tokens


def _both(tokens: list[str], item: Item, values: Item) -> tuple[bool, list[str]]:
    result, tokens = _term(tokens, item, values)
    while tokens[:1] == ["AND"]:
        right, tokens = _term(tokens[1:], item, values)
        result = result and right
    return result, tokens


def _term(tokens: list[str], item: Item, values: Item) -> tuple[bool, list[str]]:
    if tokens[0] == "(":
        result, rest = _either(tokens[1:], item, values)
        assert rest[0] == ")"
        return result, rest[1:]
    if tokens[0] in {"attribute_exists", "attribute_not_exists"}:
        item, name = _place(tokens[2], item)
        return (name in item) == (tokens[0] == "attribute_exists"), tokens[4:]
    compare = {
        "=": operator.eq,
        "<>": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }[tokens[1]]
    item, name = _place(tokens[0], item)
    if name not in item:
        return False, tokens[3:]
    [(kind, left)], [(other_kind, right)] = item[name].items(), values[tokens[2]].items()
    if kind == other_kind == "N":
        left, right = float(left), float(right)
    return kind == other_kind and bool(compare(left, right)), tokens[3:]


def _place(path: str, item: Item) -> tuple[Item, str]:
    """Return the map that has the attribute at a path, and the attribute's name there."""
    *outer, name = path.split(".")
    for member in outer:
        item = item.get(member, {}).get("M", {})
    return item, name


def _key(attributes: Item) -> tuple[str, str]:
    return attributes["ledger_key"]["S"], attributes["entry"]["S"]


def _decoded(request: Request) -> bytes:
    """Return an object's content. Clients may send it in chunks with a checksum at the end."""
    if "aws-chunked" not in request.headers.get("Content-Encoding", ""):
        return request.body
    return b"".join(_chunks(request.body))


def _chunks(body: bytes) -> Iterator[bytes]:
    while body:
        head, _, rest = body.partition(b"\r\n")
        size = int(head.partition(b";")[0], 16)
        if not size:
            return
        yield rest[:size]
        body = rest[size + 2 :]
