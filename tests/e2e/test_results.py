"""Results going out: with the records' own fields, in every format, to standard output, a file and an object."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow.parquet import ParquetFile, read_table

from tests.support.deployed import OTHER_BUCKET, Stack

type Scored = tuple[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def scored(stack: Stack, tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> Scored:
    """An ingest, and its records that were predicted: they have more fields than the model reads."""
    records = [
        {"id": f"r-{number:05d}", "text": text, "label": "their own", "stars": number % 5, "tags": [number], "ü": None}
        for number, text in enumerate(texts[:300])
    ]
    lines = [json.dumps(record, ensure_ascii=False) for record in records]
    file = tmp_path_factory.mktemp("results") / "rich.jsonl"
    file.write_text("\n".join([*lines[:150], "not json", *lines[150:]]), encoding="utf-8")
    summary = stack.read("ingest", str(file), "--id", "results-of-rich-records")
    assert (summary["predicted"], summary["rejected"]) == (300, 1)
    return summary["ingest_id"], records


OWN = ["text", "record_label", "stars", "tags", "ü"]
COLUMNS = ["record_id", *OWN, "label", "score", "model_version", "predicted_at", "batch"]


def own(record: dict[str, Any]) -> list[Any]:
    return [record["text"], record["label"], record["stars"], record["tags"], record["ü"]]


def test_joined_json_lines_have_all_of_a_record_and_its_answer(stack: Stack, scored: Scored) -> None:
    ingest_id, records = scored

    joined = [json.loads(line) for line in stack.command("results", ingest_id, "--join").stdout.splitlines()]
    plain = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]

    assert list(joined[0]) == COLUMNS
    assert [[row[name] for name in OWN] for row in joined] == [own(record) for record in records]
    assert [{name: row[name] for name in plain[0]} for row in joined] == plain


def test_joined_csv_has_the_same_columns(stack: Stack, scored: Scored) -> None:
    ingest_id, records = scored

    told = stack.command("results", ingest_id, "--join", "--format", "csv")

    header, *rows = csv.reader(io.StringIO(told.stdout, newline=""))
    assert header == [*COLUMNS, "overwritten_by"]
    assert [row[:6] for row in rows] == [
        [record["id"], record["text"], record["label"], str(record["stars"]), json.dumps(record["tags"]), ""]
        for record in records
    ]
    assert "300 predictions of" in told.stderr


def test_parquet_has_types_and_goes_to_a_file_and_to_s3_alike(stack: Stack, scored: Scored, tmp_path: Path) -> None:
    ingest_id, records = scored
    target, key = tmp_path / "results.parquet", "out/results.parquet"
    bucket = stack.deployment.work_bucket

    for output in (str(target), f"s3://{bucket}/{key}"):
        told = stack.command("results", ingest_id, "--join", "--format", "parquet", "--output", output)
        assert told.returncode == 0, told.stderr

    stored = stack.deployment.s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    assert stored == target.read_bytes()
    assert [path.name for path in tmp_path.iterdir()] == ["results.parquet"]
    table = read_table(target)
    assert {field.name: field.type for field in table.schema} == {
        "record_id": pa.string(), "text": pa.string(), "record_label": pa.string(), "stars": pa.int64(),
        "tags": pa.string(), "ü": pa.string(), "label": pa.string(), "score": pa.float64(),
        "model_version": pa.string(), "predicted_at": pa.timestamp("ms", tz="UTC"), "batch": pa.int64(),
        "overwritten_by": pa.int64(),
    }  # fmt: skip
    rows = table.to_pylist()
    assert [row["text"] for row in rows] == [record["text"] for record in records]
    assert [json.loads(row["tags"]) for row in rows] == [record["tags"] for record in records]
    plain = [json.loads(line) for line in stack.command("results", ingest_id).stdout.splitlines()]
    assert [(row["record_id"], row["label"], row["score"], row["batch"]) for row in rows] == [
        (row["record_id"], row["label"], row["score"], row["batch"]) for row in plain
    ]
    assert (datetime.now(UTC) - rows[0]["predicted_at"]).total_seconds() < 600


def test_rejections_go_out_the_same_ways(stack: Stack, scored: Scored, tmp_path: Path) -> None:
    ingest_id, _ = scored
    target = tmp_path / "rejected.parquet"

    told = stack.command("results", ingest_id, "--rejected", "--format", "parquet", "-o", str(target))

    assert told.returncode == 0, told.stderr
    [row] = ParquetFile(target).read().to_pylist()
    assert (row["record_id"], row["reason"], row["line"]) == (None, "not_json", 151)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "parquet"], "--format parquet needs --output: a file, or s3://bucket/key"),
        (["--join", "--rejected"], "--join is for all predictions"),
        (["--join", "--id", "r-00001"], "--join is for all predictions"),
        (["--output", f"s3://{OTHER_BUCKET}"], "names no object"),
        (
            ["--output", "s3://no-such-bucket/a.jsonl"],
            "cannot write s3://no-such-bucket/a.jsonl: there is no such bucket",
        ),
        (["--output", "no/such/folder/results.jsonl"], "cannot write no/such/folder/results.jsonl"),
    ],
)
def test_what_cannot_be_written_is_one_line(stack: Stack, scored: Scored, arguments: list[str], message: str) -> None:
    told = stack.command("results", scored[0], *arguments)

    assert told.returncode == 2
    assert message in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1


def test_the_outcome_of_a_record_whose_id_is_invalid_is_its_rejection(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text('{"id": 4711, "text": "fine"}\n{"id": "", "text": "fine"}\nno json\n{"id": "a", "text": "fine"}\n')
    ingest_id = new_id()
    stack.read("ingest", str(file), "--id", ingest_id)

    number, absent = (stack.command("results", ingest_id, "--id", name) for name in ("4711", "b"))

    assert json.loads(number.stdout)["line"] == 1
    assert absent.returncode == 3
    assert "has no outcome for a record 'b'; records without a valid id were rejected (2 invalid_id, 1 not_json)" in (
        absent.stderr
    )


def test_a_source_that_was_replaced_since_is_told_and_leaves_no_file(
    stack: Stack, few_records: Path, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    stack.read("ingest", str(few_records), "--id", ingest_id)
    stack.replace_source(ingest_id, b"{}")
    target = tmp_path / "joined.csv"

    told = stack.command("results", ingest_id, "--join", "--format", "csv", "-o", str(target))

    assert told.returncode == 2
    assert "was replaced after this ingest was planned" in told.stderr
    assert not target.exists()


@pytest.mark.parametrize("gone", [True, False], ids=["gone", "replaced"])
def test_without_its_source_all_but_the_join_is_there(
    stack: Stack, few_records: Path, new_id: Callable[[], str], gone: bool
) -> None:
    # Given an ingest whose source is lost
    ingest_id = new_id()
    stack.read("ingest", str(few_records), "--id", ingest_id)
    with_source = stack.command("results", ingest_id)
    plan = stack.deployment.ledger.plan(ingest_id)
    assert plan is not None
    assert plan.pinned is not None
    place: Any = {"Bucket": plan.pinned.bucket, "Key": plan.pinned.key}
    if gone:
        stack.deployment.s3.delete_object(**place)
    else:
        stack.deployment.s3.put_object(**place, Body=b"{}")

    # Then its predictions are the same, and in the order of their batches
    results = stack.command("results", ingest_id)
    assert results.returncode == 0, results.stderr
    assert "scanning the table of predictions without it" in results.stderr
    assert sorted(results.stdout.splitlines()) == sorted(with_source.stdout.splitlines())
    batches = [json.loads(line)["batch"] for line in results.stdout.splitlines()]
    assert batches == sorted(batches)
    if gone:
        refused = stack.command("results", ingest_id, "--no-scan")
        assert refused.returncode == 2
        assert "--scan reads the table of predictions without it" in refused.stderr

    # And it is verified but for the source
    recount = stack.read("verify", ingest_id)
    assert (recount["ok"], recount["records"], recount["predicted"]) == (True, 250, 250)
    [lost, _] = recount["not_verified"]
    assert ("is gone" if gone else "was replaced") in lost


def test_a_batch_that_is_not_done_has_no_results_although_its_predictions_are_stored(
    stack: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    # Given an ingest that a worker died in, between the predictions and the ledger
    ingest_id = new_id()
    stack.read("ingest", str(few_records), "--id", ingest_id)
    stack.deployment.dynamodb.delete_item(
        TableName=stack.deployment.ledger_table,
        Key={"ledger_key": {"S": f"{ingest_id}#1"}, "entry": {"S": "1"}},
    )

    results = stack.command("results", ingest_id)

    assert results.returncode == 0, results.stderr
    assert {json.loads(line)["batch"] for line in results.stdout.splitlines()} == {0, 2}
    assert "150 predictions of" in results.stderr
    assert "1 of 3 batches are not done, and have no results; finish them with: hundredfold resume" in results.stderr
    one = stack.command("results", ingest_id, "--id", "r-00100")
    assert one.returncode == 3
    assert "record 'r-00100' is in batch 1, which is not done" in one.stderr
