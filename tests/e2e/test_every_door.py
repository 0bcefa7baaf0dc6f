"""The same records through every door: whatever they come by, each has the same prediction."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import batched, product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from deployed import STREAM, TABLES, Stack
from hundredfold.bundle import Bundle
from pyarrow.parquet import write_table

from tests.e2e.test_large import planned_in_small_parts
from tests.e2e.test_starting import ended
from tests.e2e.test_streams import streaming_table, wait_for

RECORDS = 5_000

type Record = dict[str, str]
type Predictions = Mapping[str, tuple[str, float]]
"""Label and score by the record's id."""


def make_records() -> list[Record]:
    """Make distinct records, with everything in their texts that some format has a meaning for."""
    openings = ("I loved", "Nobody should miss", "Avoid", "I slept through", "It is hard to forget")
    endings = (
        "this wonderful film, the cast; and its\tmusic",
        '"the dull plot", as they say',
        "its awful\nbrilliant\r\nending",
        "the film 'Köln – 東京 ☕'",
        "a back\\slash {of} [a] film",
    )
    scenes = range(RECORDS // len(openings) // len(endings))
    texts = (f"{opening} {ending}, scene {number}." for number, opening, ending in product(scenes, openings, endings))
    return [{"id": f"door-{number:04d}", "text": text} for number, text in enumerate(texts)]


def as_lines(records: Sequence[Record]) -> bytes:
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode()


def as_rows(records: Sequence[Record], delimiter: str, encoding: str = "utf-8") -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["text", "id"])
    writer.writerows([record["text"], record["id"]] for record in records)
    return text.getvalue().encode(encoding)


def as_parquet(records: Sequence[Record]) -> bytes:
    file = io.BytesIO()
    write_table(pa.Table.from_pylist(list(records)), file, row_group_size=700)
    return file.getvalue()


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


class Doors:
    """Sends the records in by one door each, and reads back what was predicted."""

    def __init__(self, stack: Stack, records: Sequence[Record], folder: Path, new_id: Callable[[], str]) -> None:
        self.stack = stack
        self.records = records
        self.folder = folder
        self.new_id = new_id

    def file(self, name: str, content: bytes, *options: str) -> Predictions:
        file = self.folder / name
        file.write_bytes(content)
        return self._ingest(str(file), *options)

    def standard_input(self) -> Predictions:
        return self._ingest("-", given=as_lines(self.records).decode())

    def key(self) -> Predictions:
        return self._ingest(self._put(f"doors/{self.new_id()}.jsonl", as_lines(self.records)))

    def prefix(self) -> Predictions:
        prefix = f"doors/{self.new_id()}/"
        for number, some in enumerate(batched(self.records, 1_234, strict=False)):
            address = self._put(f"{prefix}{number}.csv.gz", gzip.compress(as_rows(some, ",")))
        return self._ingest(address.rpartition("/")[0] + "/")

    def parts(self) -> Predictions:
        with planned_in_small_parts(self.stack):
            found = self._ingest(self._put(f"doors/{self.new_id()}.jsonl", as_lines(self.records)))
        plan = self.stack.deployment.ledger.plan(self.newest)
        assert plan
        assert plan.parts > 5
        return found

    def execution(self) -> Predictions:
        address = self._put(f"doors/{self.new_id()}.json", json.dumps(self.records).encode())
        bucket, _, key = address.removeprefix("s3://").partition("/")
        ingest_id = self.new_id()
        assert self.stack.execute(ingest_id, {"source": {"bucket": bucket, "key": key}})["status"] == "SUCCEEDED"
        return self._results(ingest_id)

    def arrival(self) -> Predictions:
        stem = self.new_id()
        self._put(f"ingests/{stem}.jsonl.gz", gzip.compress(as_lines(self.records)))
        [ingest_id] = ended(self.stack, f"{stem}-")
        return self._results(ingest_id)

    def table_and_its_stream(self) -> tuple[Predictions, Predictions]:
        name = f"{TABLES}{self.new_id()[-8:]}"
        with streaming_table(self.stack, name, "S"):
            for some in batched(self.records, 25, strict=False):
                put: Any = [{"PutRequest": {"Item": {key: {"S": one[key]} for key in one}}} for one in some]
                assert not self.stack.deployment.dynamodb.batch_write_item(RequestItems={name: put})["UnprocessedItems"]
            return self._ingest(f"dynamodb://{name}"), self._streamed(name)

    def kinesis(self, client: Any) -> Predictions:
        for some in batched(self.records, 500, strict=False):
            put = [{"Data": json.dumps(record).encode(), "PartitionKey": record["id"]} for record in some]
            assert client.put_records(StreamName=STREAM, Records=put)["FailedRecordCount"] == 0
        return self._streamed(STREAM)

    def _put(self, key: str, content: bytes) -> str:
        bucket = self.stack.deployment.source_bucket
        self.stack.deployment.s3.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    def _ingest(self, source: str, *options: str, given: str | None = None) -> Predictions:
        self.newest = self.new_id()
        told = self.stack.command("ingest", source, "--id", self.newest, "--json", *options, given=given)
        assert told.returncode == 0, told.stderr + told.stdout
        return self._results(self.newest)

    def _results(self, ingest_id: str) -> Predictions:
        rows = [json.loads(line) for line in self.stack.command("results", ingest_id).stdout.splitlines()]
        assert self.stack.read("verify", ingest_id)["ok"] is True
        return {row["record_id"]: (row["label"], row["score"]) for row in rows}

    def _streamed(self, stream: str) -> Predictions:
        found: dict[str, tuple[str, float]] = {}

        def is_complete() -> bool:
            found.update(self._scan(stream))
            return len(found) == len(self.records)

        wait_for(is_complete, f"not all records of {stream} were predicted")
        return found

    def _scan(self, stream: str) -> Iterator[tuple[str, tuple[str, float]]]:
        pages = self.stack.deployment.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.deployment.predictions_table,
            FilterExpression="begins_with(ingest_id, :stream) AND begins_with(record_id, :ours)",
            ExpressionAttributeValues={":stream": {"S": f"{stream}/"}, ":ours": {"S": "door-"}},
        )
        for page in pages:
            for item in page["Items"]:
                yield item["record_id"]["S"], (item["label"]["S"], float(item["score"]["N"]))


def test_the_same_records_get_the_same_predictions_through_every_door(
    stack: Stack, kinesis: Any, bundle: Bundle, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    records = make_records()
    doors = Doors(stack, records, tmp_path, new_id)
    lines = as_lines(records)
    renamed = as_rows(records, ";", "utf-16").replace("text;id".encode("utf-16-le"), "body;sku".encode("utf-16-le"), 1)

    found: dict[str, Predictions] = {
        "jsonl": doors.file("records.jsonl", lines),
        "jsonl.gz": doors.file("records.jsonl.gz", gzip.compress(lines)),
        "jsonl.zst": doors.file("records.jsonl.zst", zstd(lines)),
        "json": doors.file("records.json", json.dumps(records).encode()),
        "csv": doors.file("records.csv", as_rows(records, ",")),
        "csv, columns renamed": doors.file(
            *("renamed.csv", renamed, "--delimiter", ";", "--encoding", "utf-16"),
            *("--map", "id=sku", "--map", "text=body"),
        ),
        "tsv": doors.file("records.tsv", as_rows(records, "\t")),
        "parquet": doors.file("records.parquet", as_parquet(records)),
        "standard input": doors.standard_input(),
        "an object": doors.key(),
        "a prefix": doors.prefix(),
        "in parts": doors.parts(),
        "an execution": doors.execution(),
        "an object that lands": doors.arrival(),
    }
    found["a table"], found["a table's stream"] = doors.table_and_its_stream()
    found["a Kinesis stream"] = doors.kinesis(kinesis)

    predicted = bundle.predict([(record["text"],) for record in records])
    assert len(predicted) == RECORDS == len({record["text"] for record in records})
    expected = {record["id"]: (label, score) for record, (label, score) in zip(records, predicted, strict=True)}
    assert {label for label, _ in expected.values()} == {"negative", "positive"}
    first = found["jsonl"]
    assert first.keys() == expected.keys()
    for record_id, (label, score) in expected.items():
        assert first[record_id][0] == label
        assert first[record_id][1] == pytest.approx(score, abs=1e-6)
    for door, predictions in found.items():
        assert predictions == first, door
