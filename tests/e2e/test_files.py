"""Files of other kinds than JSON Lines, through the deployed template: the same records, the same predictions."""

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
import pytest
from deployed import Stack
from hundredfold.bundle import Bundle
from pyarrow import parquet

RECORDS = 350


def as_csv(texts: list[str]) -> bytes:
    out = io.StringIO(newline="")
    rows = csv.writer(out)
    rows.writerow(["number", "id", "review"])
    rows.writerows([number, f"r-{number:05d}", text] for number, text in enumerate(texts))
    return out.getvalue().encode()


def as_parquet(texts: list[str]) -> bytes:
    out = io.BytesIO()
    ids = [f"r-{number:05d}" for number in range(len(texts))]
    parquet.write_table(pa.table({"id": ids, "review": texts, "number": range(len(texts))}), out, row_group_size=100)
    return out.getvalue()


def as_lines(texts: list[str]) -> Iterator[bytes]:
    for number, text in enumerate(texts):
        yield json.dumps({"id": f"r-{number:05d}", "review": text}).encode() + b"\n"


PACKED: dict[str, Callable[[list[str]], bytes]] = {
    "records.csv.gz": lambda texts: gzip.compress(as_csv(texts)),
    "records.parquet": as_parquet,
    "records.jsonl.zst": lambda texts: pa.compress(b"".join(as_lines(texts)), "zstd", asbytes=True),
}


def ingest(stack: Stack, ingest_id: str, content: bytes, key: str, **source: Any) -> dict[str, Any]:
    """Upload an object and let an execution score it; return how that ended."""
    bucket = stack.deployment.source_bucket
    stack.deployment.s3.put_object(Bucket=bucket, Key=key, Body=content)
    return stack.execute(ingest_id, {"source": {"bucket": bucket, "key": key, **source}})


def read_lines(stack: Stack, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stack.command("results", *arguments).stdout.splitlines()]


@pytest.mark.parametrize("name", PACKED)
def test_every_kind_gets_the_models_own_predictions(
    stack: Stack, texts: list[str], bundle: Bundle, new_id: Callable[[], str], name: str
) -> None:
    ingest_id, some = new_id(), texts[:RECORDS]

    ended = ingest(stack, ingest_id, PACKED[name](some), f"files/{ingest_id}/{name}", fields={"text": "review"})

    assert ended["status"] == "SUCCEEDED", ended
    rows = read_lines(stack, ingest_id)
    expected = bundle.predict([(text,) for text in some])
    assert [row["record_id"] for row in rows] == [f"r-{number:05d}" for number in range(RECORDS)]
    assert [row["label"] for row in rows] == [label for label, _ in expected]
    assert [row["score"] for row in rows] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert stack.read("verify", ingest_id)["ok"] is True


def test_a_file_that_is_not_what_its_name_says_fails_with_one_clear_cause(
    stack: Stack, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()

    ended = ingest(stack, ingest_id, gzip.compress(b"id,text\n" * 99)[:-9], f"files/{ingest_id}.csv.gz")

    assert ended["status"] == "FAILED"
    assert f"{ingest_id}.csv.gz is cut off or damaged: its gzip cannot be unpacked to the end" in ended["cause"]
