"""Ingests whose predictions are packed: every command reads them, by record, by batch and as a whole."""

import json
import os
import random
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet
import pytest

import hundredfold
from hundredfold.layout import Layout
from hundredfold.model.bundle import Bundle
from hundredfold_cli.ingests.status import ledger_totals
from hundredfold_cli.stack.checkout import ROOT
from tests.support.deployed import COMMAND_SECONDS, TABLES, Stack, planning, storing


@pytest.fixture(scope="module")
def packed(stack: Stack) -> Iterator[Stack]:
    with storing(stack.deployment, Layout.PACKED):
        yield stack


@pytest.fixture(scope="module")
def scored(packed: Stack, tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> str:
    """An ingest of 300 records that are predicted, and one that is rejected."""
    lines = [json.dumps({"id": f"r-{number:05d}", "text": text}) for number, text in enumerate(texts[:300])]
    file = tmp_path_factory.mktemp("packed") / "records.jsonl"
    file.write_text("\n".join([*lines[:150], '{"id": "empty", "text": ""}', *lines[150:]]))
    summary = packed.read("ingest", str(file), "--id", "packed-records")
    assert (summary["status"], summary["predicted"], summary["rejected"]) == ("COMPLETED", 300, 1)
    return str(summary["ingest_id"])


def results(stack: Stack, *arguments: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stack.command("results", *arguments).stdout.splitlines()]


def test_predictions_are_the_models_and_in_the_order_of_the_source(
    packed: Stack, scored: str, texts: list[str], bundle: Bundle
) -> None:
    rows = results(packed, scored)

    answers = bundle.predict([(text,) for text in texts[:300]])
    assert [row["record_id"] for row in rows] == [f"r-{number:05d}" for number in range(300)]
    assert [row["label"] for row in rows] == [label for label, _ in answers]
    assert [row["score"] for row in rows] == pytest.approx([score for _, score in answers], abs=1e-12)


def test_nothing_of_it_is_in_the_predictions_table(packed: Stack, scored: str) -> None:
    deployment = packed.deployment
    pages: Any = deployment.dynamodb.get_paginator("scan").paginate(
        TableName=deployment.predictions_table,
        FilterExpression="ingest_id = :id",
        ExpressionAttributeValues={":id": {"S": scored}},
    )

    assert [item for page in pages for item in page["Items"]] == []


def test_a_recount_agrees(packed: Stack, scored: str) -> None:
    verified = packed.read("verify", scored)

    assert verified["ok"] is True
    assert (verified["predicted"], verified["rejected"]) == (300, 1)


@pytest.mark.parametrize("record_id", ["r-00000", "r-00299"])
def test_one_record_is_found_by_the_command_by_python_and_by_node(
    packed: Stack, scored: str, record_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment = packed.deployment
    [row] = [row for row in results(packed, scored) if row["record_id"] == record_id]
    expected = {**row, "ingest_id": scored}
    for name, value in packed.process.environment().items():
        monkeypatch.setenv(name, value)

    command = json.loads(packed.command("results", scored, "--id", record_id).stdout)
    python = hundredfold.lookup(
        scored, record_id, predictions_table=deployment.predictions_table, ledger_table=deployment.ledger_table
    )
    node = subprocess.run(
        ["node", ROOT / "examples/read_packed.mjs", deployment.ledger_table, scored, record_id],
        env={**os.environ, "PATH": f"{ROOT / '.venvs/tools/bin'}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False,
    )  # fmt: skip

    assert command == expected
    assert python == expected
    assert json.loads(node.stdout) == expected, node.stderr


def test_a_record_that_was_rejected_or_never_there_is_told_apart(packed: Stack, scored: str) -> None:
    rejected = json.loads(packed.command("results", scored, "--id", "empty").stdout)
    missing = packed.command("results", scored, "--id", "never there")

    assert rejected["reason"] == "empty_text"
    assert missing.returncode == 3
    assert "has no outcome for a record 'never there'" in missing.stderr


def test_results_are_joined_and_exported(packed: Stack, scored: str, tmp_path: Path, texts: list[str]) -> None:
    file = tmp_path / "joined.parquet"
    done = packed.command("results", scored, "--join", "--format", "parquet", "-o", str(file))

    assert done.returncode == 0, done.stderr
    table = pyarrow.parquet.read_table(file)
    assert table.column("text").to_pylist() == texts[:300]
    assert set(table.column("label").to_pylist()) == {"positive", "negative"}


def test_the_bill_has_an_item_a_batch_and_an_index(packed: Stack, scored: str) -> None:
    bill = packed.read("cost", scored, "--ledger")

    units = {line["what"]: line["quantity"] for line in bill["lines"]}
    assert 4 <= units["predictions"] <= 12  # 4 batches of 1 to 3 KB
    assert units["ledger"] == 2
    assert units["index of packed predictions"] == 1


def test_a_batch_of_several_parts_counts_as_one_batch(packed: Stack, tmp_path: Path, new_id: Callable[[], str]) -> None:
    # Given a batch whose ids, which compress badly, do not fit into one item
    ingest_id, draw = new_id(), random.Random(14)
    ids = [f"{number:03d}-{draw.randbytes(450).hex()}" for number in range(900)]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(f"{json.dumps({'id': name, 'text': 'I loved it.'})}\n" for name in ids))
    with planning(packed.deployment, BATCH_RECORDS="1000", PREDICTIONS_LAYOUT=Layout.PACKED.value):
        summary = packed.read("ingest", str(file), "--id", ingest_id)
    deployment = packed.deployment
    items = deployment.dynamodb.query(
        TableName=deployment.ledger_table,
        KeyConditionExpression="ledger_key = :key",
        ExpressionAttributeValues={":key": {"S": f"{ingest_id}#0"}},
        ProjectionExpression="entry",
    )["Items"]
    assert [item["entry"]["S"] for item in items] == ["0", "0.1"]

    # Then the summary, the progress, a recount and the bill have one batch
    progress = ledger_totals(deployment, ingest_id)
    verified = packed.read("verify", ingest_id)
    units = {line["what"]: line["quantity"] for line in packed.read("cost", ingest_id, "--ledger")["lines"]}
    assert (summary["status"], summary["batches"], summary["predicted"]) == ("COMPLETED", 1, 900)
    assert (progress.batches_done, progress.predicted, len(progress.failures)) == (1, 900, 0)
    assert (verified["ok"], verified["records"], verified["predicted"]) == (True, 900, 900)
    assert units["invocations"] == 3  # of the planner, of the batch, and of the summary
    assert 400 < units["predictions"] < 500  # of both items: a KB each

    # And the records of both parts are read and found
    assert [row["record_id"] for row in results(packed, ingest_id)] == ids
    for name in (ids[0], ids[-1]):
        assert json.loads(packed.command("results", ingest_id, "--id", name).stdout)["record_id"] == name


def test_rejected_records_are_offered_again_to_another_model(
    packed: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    # Given an ingest with a batch that has a rejected record
    ingest_id = new_id()
    lines = few_records.read_text().splitlines()
    few_records.write_text("\n".join([*lines[:150], '{"id": "empty", "text": ""}', *lines[150:]]))
    packed.read("ingest", str(few_records), "--id", ingest_id)
    before = {row["record_id"]: row for row in results(packed, ingest_id)}

    # When its rejected records are offered again
    resumed = packed.read("resume", ingest_id, "--rejected")

    # Then that batch was inferred again, and everything else is as it was
    after = {row["record_id"]: row for row in results(packed, ingest_id)}
    assert (resumed["status"], resumed["predicted"], resumed["rejected"]) == ("COMPLETED", 250, 1)
    assert {name for name, row in after.items() if row["predicted_at"] != before[name]["predicted_at"]} == {
        row["record_id"] for row in after.values() if row["batch"] == 1
    }
    assert packed.read("verify", ingest_id)["ok"] is True
    found = json.loads(packed.command("results", ingest_id, "--id", "r-00120").stdout)
    assert found == {**after["r-00120"], "ingest_id": ingest_id}


def test_an_ingest_is_read_as_it_was_written_whatever_is_deployed_later(
    packed: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    item_id, packed_id = new_id(), new_id()
    with storing(packed.deployment, Layout.ITEM):
        packed.read("ingest", str(few_records), "--id", item_id)
    packed.read("ingest", str(few_records), "--id", packed_id)

    answers = [
        [(row["record_id"], row["label"], row["score"]) for row in results(packed, ingest_id)]
        for ingest_id in (item_id, packed_id)
    ]
    assert answers[0] == answers[1]
    assert len(answers[0]) == 250


def test_a_shadow_of_a_packed_ingest_is_compared(packed: Stack, few_records: Path, new_id: Callable[[], str]) -> None:
    ingest_id = new_id()
    versions = packed.read("model", "list")
    live = next(str(version["version"]) for version in versions if version.get("live"))

    summary = packed.read("ingest", str(few_records), "--id", ingest_id, "--shadow", live, "--sample", "100%")

    assert (summary["shadow"]["compared"], summary["shadow"]["disagreed"]) == (250, 0)


def test_packed_predictions_are_not_written_back(packed: Stack, new_id: Callable[[], str]) -> None:
    name = f"{TABLES}packed-{new_id()}"
    packed.deployment.dynamodb.create_table(
        TableName=name,
        BillingMode="PAY_PER_REQUEST",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
    )
    packed.deployment.dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}, "text": {"S": "I loved it."}})

    refused = packed.command("ingest", f"dynamodb://{name}", "--write-back", "sentiment")

    assert refused.returncode != 0
    assert "only in the layout item" in refused.stdout + refused.stderr
