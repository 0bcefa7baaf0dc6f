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
from pyarrow.parquet import write_table

from hundredfold.model.bundle import Bundle
from tests.e2e.test_large import planned_in_small_parts
from tests.e2e.test_starting import ended
from tests.e2e.test_streams import streaming_table, wait_for
from tests.support.deployed import STREAM, TABLES, Stack

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
        "the film 'Köln, 東京 ☕'",
        "a back\\slash {of} [a] film",
    )
    scenes = range(RECORDS // len(openings) // len(endings))
    texts = (f"{opening} {ending}, scene {number}." for number, opening, ending in product(scenes, openings, endings))
    return [{"id": f"door-{number:04d}", "text": text} for number, text in enumerate(texts)]


def as_lines(records: Sequence[Record]) -> bytes:
    return "".join(f"{json.dumps(record, ensure_ascii=False)}\n" for record in records).encode()


def as_rows(records: Sequence[Record], delimiter: str) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    writer.writerow(["text", "id"])
    writer.writerows([record["text"], record["id"]] for record in records)
    return text.getvalue()


def as_parquet(records: Sequence[Record]) -> bytes:
    file = io.BytesIO()
    write_table(pa.Table.from_pylist(list(records)), file, row_group_size=700)
    return file.getvalue()


def zstd(content: bytes) -> bytes:
    packed: bytes = pa.compress(content, codec="zstd", asbytes=True)
    return packed


class Doors:
    """Sends the records in by one door after another; between them, the doors take every kind of file.

    Attributes
    ----------
    ingests : the ingest, or the stream, that each door has led to
    """

    def __init__(self, stack: Stack, records: Sequence[Record], folder: Path, new_id: Callable[[], str]) -> None:
        self.stack = stack
        self.records = records
        self.folder = folder
        self.new_id = new_id
        self.ingests: dict[str, str] = {}

    def file(self) -> None:
        self._file("a file of JSON Lines", "records.jsonl", as_lines(self.records))
        self._file("a file of Parquet", "records.parquet", as_parquet(self.records))

    def standard_input(self) -> None:
        rows = as_rows(self.records, ";").replace("text;id", "body;sku", 1)
        options = ("--kind", "csv", "--delimiter", ";", "--map", "id=sku", "--map", "text=body")
        self._ingest("standard input, of CSV with other names", "-", *options, given=rows)

    def an_object(self) -> None:
        content = zstd(as_rows(self.records, "\t").encode("utf-16"))
        address = self._put(f"doors/{self.new_id()}.tsv.zst", content)
        self._ingest("an object, of TSV in UTF-16 and zstd", address, "--encoding", "utf-16")

    def prefix(self) -> None:
        prefix = f"doors/{self.new_id()}/"
        for number, some in enumerate(batched(self.records, 1_234, strict=False)):
            self._put(f"{prefix}{number}.csv.gz", gzip.compress(as_rows(some, ",").encode()))
        self._ingest("a prefix, of CSV in gzip", f"s3://{self.stack.deployment.source_bucket}/{prefix}")

    def parts(self) -> None:
        address = self._put(f"doors/{self.new_id()}.jsonl", as_lines(self.records))
        with planned_in_small_parts(self.stack):
            self._ingest("parts of JSON Lines", address)
        plan = self.stack.deployment.ledger.plan(self.ingests["parts of JSON Lines"])
        assert plan
        assert plan.partitions > 5

    def execution(self) -> None:
        address = self._put(f"doors/{self.new_id()}.json", json.dumps(self.records).encode())
        bucket, _, key = address.removeprefix("s3://").partition("/")
        self.ingests["an execution, of a JSON array"] = ingest_id = self.new_id()
        assert self.stack.execute(ingest_id, {"source": {"bucket": bucket, "key": key}})["status"] == "SUCCEEDED"

    def arrival(self) -> None:
        stem = f"door-{self.new_id()[-8:]}"
        self._put(f"ingests/{stem}.jsonl.gz", gzip.compress(as_lines(self.records)))
        [self.ingests["an object that lands, of JSON Lines in gzip"]] = ended(self.stack, f"{stem}-")

    def table(self, name: str) -> None:
        """Fill a table, whose stream is a door too."""
        for some in batched(self.records, 25, strict=True):
            put: Any = [{"PutRequest": {"Item": {key: {"S": one[key]} for key in one}}} for one in some]
            assert not self.stack.deployment.dynamodb.batch_write_item(RequestItems={name: put})["UnprocessedItems"]
        self._ingest("a table", f"dynamodb://{name}")
        self.ingests["a table's stream"] = name

    def kinesis(self, client: Any) -> None:
        for some in batched(self.records, 500, strict=True):
            put = [{"Data": json.dumps(record).encode(), "PartitionKey": record["id"]} for record in some]
            assert client.put_records(StreamName=STREAM, Records=put)["FailedRecordCount"] == 0
        self.ingests["a Kinesis stream"] = STREAM

    def predictions(self) -> dict[str, Predictions]:
        """Wait until all records are predicted, and return the predictions of each door."""
        found: dict[str, dict[str, tuple[str, float]]] = {door: {} for door in self.ingests}
        doors = {ingest: door for door, ingest in self.ingests.items()}

        def are_complete() -> bool:
            for item in self._scan():
                # A stream's prediction is under the stream's name and the record's place in it.
                door = doors[item["ingest_id"]["S"].partition("/")[0]]
                found[door][item["record_id"]["S"]] = (item["label"]["S"], float(item["score"]["N"]))
            return all(len(predictions) == len(self.records) for predictions in found.values())

        wait_for(are_complete, "not all records were predicted through every door")
        return dict(found)

    def _scan(self) -> Iterator[dict[str, Any]]:
        pages = self.stack.deployment.dynamodb.get_paginator("scan").paginate(
            TableName=self.stack.deployment.predictions_table,
            FilterExpression="begins_with(record_id, :ours)",
            ExpressionAttributeValues={":ours": {"S": "door-"}},
        )
        for page in pages:
            yield from page["Items"]

    def _put(self, key: str, content: bytes) -> str:
        bucket = self.stack.deployment.source_bucket
        self.stack.deployment.s3.put_object(Bucket=bucket, Key=key, Body=content)
        return f"s3://{bucket}/{key}"

    def _file(self, door: str, name: str, content: bytes) -> None:
        file = self.folder / name
        file.write_bytes(content)
        self._ingest(door, str(file))

    def _ingest(self, door: str, source: str, *options: str, given: str | None = None) -> None:
        self.ingests[door] = self.new_id()
        told = self.stack.command("ingest", source, "--id", self.ingests[door], "--json", *options, given=given)
        assert told.returncode == 0, told.stderr + told.stdout


def test_the_same_records_get_the_same_predictions_through_every_door(
    stack: Stack, kinesis: Any, bundle: Bundle, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    records = make_records()
    doors = Doors(stack, records, tmp_path, new_id)
    table = f"{TABLES}{new_id()[-8:]}"

    doors.parts()
    doors.kinesis(kinesis)
    with streaming_table(stack, table, "S"):
        doors.table(table)
        doors.file()
        doors.standard_input()
        doors.an_object()
        doors.prefix()
        doors.execution()
        doors.arrival()
        found = doors.predictions()

    predicted = bundle.predict([(record["text"],) for record in records])
    assert len(predicted) == RECORDS == len({record["text"] for record in records})
    expected = {record["id"]: (label, score) for record, (label, score) in zip(records, predicted, strict=True)}
    assert {label for label, _ in expected.values()} == {"negative", "positive"}
    first = found["a file of JSON Lines"]
    for record_id, (label, score) in expected.items():
        assert first[record_id][0] == label
        assert first[record_id][1] == pytest.approx(score, abs=1e-6)
    assert len(found) == 11
    for door, predictions in found.items():
        assert predictions == first, door
