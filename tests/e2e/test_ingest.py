"""Whole ingests through the deployed template: command, state machine, functions, layers, tables, buckets."""

import csv
import io
import json
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hundredfold.keys import rejections_key
from hundredfold.model.bundle import Bundle
from tests.support.deployed import EXECUTION_SECONDS, Stack


def test_every_record_gets_the_models_own_prediction(
    stack: Stack, records: Path, texts: list[str], bundle: Bundle, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()

    summary = stack.read("ingest", str(records), "--id", ingest_id)

    assert {name: summary[name] for name in ("ingest_id", "status", "records", "predicted", "rejected", "failed")} == {
        "ingest_id": ingest_id,
        "status": "COMPLETED",
        "records": 3_001,
        "predicted": 3_001,
        "rejected": 0,
        "failed": 0,
    }
    assert summary["batches"] == 31
    assert summary["seconds"] > 0
    assert stack.read("summary", ingest_id) == summary

    exported = stack.command("results", ingest_id)
    rows = [json.loads(line) for line in exported.stdout.splitlines()]
    expected = bundle.predict([(text,) for text in texts])
    assert [row["record_id"] for row in rows] == [f"r-{number:05d}" for number in range(3_001)]
    assert [row["label"] for row in rows] == [label for label, _ in expected]
    assert [row["score"] for row in rows] == pytest.approx([score for _, score in expected], abs=1e-6)
    assert {row["model_version"] for row in rows} == {summary["model_version"]}

    recount = stack.read("verify", ingest_id)
    assert recount["ok"] is True
    assert (recount["records"], recount["predicted"], recount["missing"], recount["doubled"]) == (3_001, 3_001, 0, 0)


def test_a_person_reads_the_newest_ingest_without_naming_it(
    stack: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    told = stack.command("ingest", str(few_records), "--id", ingest_id)

    assert told.returncode == 0, told.stderr
    for shown in (ingest_id, "COMPLETED", "records in", "250", "records a second", "model version", "I loved"):
        assert shown in told.stdout
    assert "agrees" in stack.command("verify").stdout
    one = json.loads(stack.command("results", "--id", "r-00007").stdout)
    assert one["record_id"] == "r-00007"
    assert one["ingest_id"] == ingest_id
    table = list(csv.reader(io.StringIO(stack.command("results", "--format", "csv").stdout)))
    assert table[0] == ["record_id", "label", "score", "model_version", "predicted_at", "batch", "overwritten_by"]
    assert len(table) == 251


BAD_LINES: list[tuple[bytes, str]] = [
    (b'{"id": "a", "text": "cut off', "not_json"),
    (b'{"id": "b", "text": "\xff\xfe"}', "not_json"),
    (b"[" * 3_000, "not_json"),
    (b'["id", "text"]', "not_an_object"),
    (b'"a string"', "not_an_object"),
    (b'{"text": "no id"}', "missing_id"),
    (b'{"id": 17, "text": "a number for an id"}', "invalid_id"),
    (b'{"id": "", "text": "an empty id"}', "invalid_id"),
    (b'{"id": "' + b"i" * 1_025 + b'", "text": "a long id"}', "invalid_id"),
    (b'{"id": "c", "review": "no text"}', "missing_field"),
    (b'{"id": "d", "text": 5}', "wrong_type"),
    (b'{"id": "e", "text": null}', "wrong_type"),
    (b'{"id": "f", "text": ["a", "list"]}', "wrong_type"),
    (b'{"id": "g", "text": ""}', "empty_text"),
    (b'{"id": "h", "text": " \\t\\u2003 "}', "empty_text"),
    (b'{"id": "r-1", "text": "an id twice in a batch"}', "duplicate_id"),
    (b'{"id": "i", "text": "' + b"x" * 262_144 + b'"}', "too_large"),
    (b'{"id": "j", "text": "' + b"y" * 5_000_000 + b'"}', "too_large"),
]


def test_bad_records_are_rejected_each_for_its_reason_and_the_rest_predicted(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    # Given good records around every kind of bad one, with a byte order mark, CRLF, blank lines and no final newline
    ingest_id = new_id()
    content = b"\xef\xbb\xbf"
    good: set[str] = set()
    expected: dict[int, tuple[int, str]] = {}
    line = 1
    for number in range(40):
        content += b'{"id": "r-%d", "text": "A fine film, \xe2\x80\xa8 number %d."}\r\n' % (number, number)
        good.add(f"r-{number}")
        line += 1
        if number % 2 and number // 2 < len(BAD_LINES):
            bad, reason = BAD_LINES[number // 2]
            expected[line] = (len(content), reason)
            content += bad + b"\n\n"
            line += 2
    file = tmp_path / "salted.jsonl"
    file.write_bytes(content.removesuffix(b"\r\n"))
    assert len(expected) == len(BAD_LINES)

    # When they are scored, and fewer may be rejected
    ended = stack.command("ingest", str(file), "--id", ingest_id, "--max-rejected", "5%")

    # Then the ingest fails, and says why before anything else
    assert ended.returncode == 1
    assert ended.stdout.startswith("Rejected:\n")
    assert "18 of 58 records were rejected (31 %), more than the 5 % that may" in ended.stdout
    assert stack.read("summary", ingest_id)["status"] == "FAILED"
    assert stack.read("verify", ingest_id)["ok"] is True

    # When so many are accepted
    summary = stack.read("resume", ingest_id, "--max-rejected", "35%")

    # Then it is completed. Each bad one is rejected for the right reason, at the right place, all others are predicted
    assert summary["status"] == "COMPLETED"
    assert (summary["records"], summary["predicted"], summary["rejected"], summary["failed"]) == (58, 40, 18, 0)
    told = stack.command("results", ingest_id, "--rejected")
    rejected = [json.loads(entry) for entry in told.stdout.splitlines()]
    assert {entry["line"]: (entry["offset"], entry["reason"]) for entry in rejected} == expected
    assert summary["reasons"] == {
        "invalid_id": 3, "not_json": 3, "wrong_type": 3, "empty_text": 2, "not_an_object": 2, "too_large": 2,
        "missing_id": 1, "missing_field": 1, "duplicate_id": 1,
    }  # fmt: skip
    assert "duplicate_id" in stack.command("summary", ingest_id).stdout
    predicted = {json.loads(row)["record_id"] for row in stack.command("results", ingest_id).stdout.splitlines()}
    assert predicted == good
    assert stack.read("verify", ingest_id)["ok"] is True
    assert json.loads(stack.command("results", ingest_id, "--id", "g").stdout)["reason"] == "empty_text"

    # And the object with the rejections says which ingest and batch they are of
    body = stack.deployment.s3.get_object(Bucket=stack.deployment.work_bucket, Key=rejections_key(ingest_id, 0))["Body"]
    first = json.loads(body.read().splitlines()[0])
    assert (first["ingest_id"], first["batch"], first["line"], first["reason"]) == (ingest_id, 0, 3, "not_json")


@pytest.mark.parametrize("content", [b"", b"\n \r\n\n", b"\xef\xbb\xbf"], ids=["no-bytes", "blank-lines", "mark"])
def test_an_empty_ingest_completes_with_zero(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str], content: bytes
) -> None:
    file = tmp_path / "empty.jsonl"
    file.write_bytes(content)

    summary = stack.read("ingest", str(file), "--id", new_id())

    assert summary["status"] == "COMPLETED"
    assert (summary["records"], summary["predicted"], summary["rejected"], summary["batches"]) == (0, 0, 0, 0)
    assert stack.read("verify", summary["ingest_id"])["ok"] is True


@pytest.mark.parametrize(
    ("execution_input", "cause"),
    [
        ([], "input must be"),
        ({}, "no object named source"),
        ({"source": "s3://bucket/key"}, "no object named source"),
        ({"source": {"bucket": "b"}}, "its source has no key"),
    ],
    ids=["a-list", "empty", "a-string", "no-key"],
)
def test_a_malformed_input_fails_with_one_clear_cause(
    stack: Stack, new_id: Callable[[], str], execution_input: object, cause: str
) -> None:
    ingest_id = new_id()

    ended = stack.execute(ingest_id, execution_input)

    assert ended["status"] == "FAILED"
    assert ended["error"] == "IngestFailed"
    assert cause in ended["cause"]
    summary = stack.read("summary", ingest_id)
    assert summary["status"] == "FAILED"
    assert cause in summary["cause"]
    assert summary["records"] == 0


def test_a_missing_object_fails_and_is_named(stack: Stack, new_id: Callable[[], str]) -> None:
    ingest_id = new_id()

    ended = stack.execute(ingest_id, {"source": {"bucket": stack.deployment.source_bucket, "key": "not/there.jsonl"}})

    assert ended["status"] == "FAILED"
    assert f"s3://{stack.deployment.source_bucket}/not/there.jsonl: there is no such object" in ended["cause"]
    told = stack.command("verify", ingest_id)
    assert told.returncode == 2
    assert "was never planned" in told.stderr


def test_a_second_start_of_an_ingest_is_refused_and_changes_nothing(
    stack: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    summary = stack.read("ingest", str(few_records), "--id", ingest_id)

    again = stack.command("ingest", str(few_records), "--id", ingest_id)

    assert again.returncode == 2
    assert again.stderr.strip() == f"error: ingest {ingest_id} exists already; choose another id, or watch that one"
    assert stack.read("summary", ingest_id) == summary


@pytest.mark.parametrize("ingest_id", ["with space", "sla/sh", "-dash", "x" * 81, "ümlaut"])
def test_an_id_that_breaks_the_rules_is_refused(stack: Stack, few_records: Path, ingest_id: str) -> None:
    told = stack.command("ingest", str(few_records), f"--id={ingest_id}")

    assert told.returncode == 2
    assert "cannot name an ingest: use 1 to 80 of" in told.stderr
    assert "Traceback" not in told.stderr


def test_batches_whose_source_was_replaced_fail_and_are_accounted_for(
    stack: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    # Given an ingest that is planned, whose batches wait for a cold start
    ingest_id = new_id()
    stack.process.end_workers()
    assert stack.command("ingest", str(few_records), "--id", ingest_id, "--detach").returncode == 0
    deadline = time.monotonic() + EXECUTION_SECONDS
    while stack.deployment.ledger.ingest(ingest_id) is None:
        assert time.monotonic() < deadline, "the ingest was not planned"
        time.sleep(0.02)

    # When its source is replaced
    stack.replace_source(ingest_id, b'{"id":"x","text":"new"}')

    # Then its batches fail rather than mix the two, the ingest fails, and every record is accounted for
    told = stack.command("watch", ingest_id, "--json")
    summary = json.loads(told.stdout)
    assert told.returncode == 1
    assert summary["status"] == "FAILED"
    assert (summary["records"], summary["predicted"], summary["failed"]) == (250, 0, 250)
    assert (summary["batches"], summary["batches_failed"]) == (3, 3)
    assert sum(summary["failures"].values()) == 3
    assert all("was replaced after this ingest was planned" in cause for cause in summary["failures"])


def test_what_is_not_there_is_said_in_one_line(stack: Stack) -> None:
    told = stack.command("summary", "never-started")

    assert told.returncode == 3
    assert told.stderr.strip() == "error: there is no ingest never-started in the ledger"
    elsewhere = stack.command("--stack", "nothing-here", "summary")
    assert elsewhere.returncode == 3
    assert "no stack nothing-here is deployed" in elsewhere.stderr
