"""`hundredfold ingest` of files, standard input, objects and prefixes; and of what is not there."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.deployed import OTHER_BUCKET, Stack


def lines(texts: list[str], first: int = 0) -> bytes:
    """Records as JSON Lines, numbered from `first` on."""
    return b"".join(
        json.dumps({"id": f"r-{number:05d}", "text": text}).encode() + b"\n" for number, text in enumerate(texts, first)
    )


@pytest.fixture(scope="module")
def others(stack: Stack, texts: list[str]) -> str:
    """A bucket that is not the stack's own: what is shared in it, and what is not."""
    s3 = stack.deployment.s3
    s3.create_bucket(Bucket=OTHER_BUCKET)
    s3.put_object(Bucket=OTHER_BUCKET, Key="shared/day/", Body=b"")
    s3.put_object(Bucket=OTHER_BUCKET, Key="shared/day/2.jsonl", Body=lines(texts[150:270], 150))
    s3.put_object(Bucket=OTHER_BUCKET, Key="shared/day/1.jsonl", Body=lines(texts[:150]) + b"not json\n")
    s3.put_object(Bucket=OTHER_BUCKET, Key="shared/mixed/1.jsonl", Body=lines(texts[:2]))
    s3.put_object(Bucket=OTHER_BUCKET, Key="shared/mixed/2.csv", Body=b"id,text\n")
    return OTHER_BUCKET


def labels(stack: Stack, ingest_id: str) -> dict[str, str]:
    told = stack.command("results", ingest_id)
    assert told.returncode == 0, told.stderr
    return {row["record_id"]: row["label"] for row in map(json.loads, told.stdout.splitlines())}


def test_a_prefix_of_several_objects_is_one_ingest_that_every_command_knows(
    stack: Stack, others: str, tmp_path: Path, texts: list[str], new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    source = f"s3://{others}/shared/day/"

    summary = stack.read("ingest", source, "--id", ingest_id)

    assert (summary["status"], summary["records"], summary["predicted"], summary["rejected"]) == (
        "COMPLETED", 271, 270, 1,
    )  # fmt: skip
    assert summary["source"] == source
    assert stack.read("verify", ingest_id)["ok"] is True
    assert source in stack.command("summary", ingest_id).stdout
    assert list(labels(stack, ingest_id)) == [f"r-{number:05d}" for number in range(270)]
    [rejection] = map(json.loads, stack.command("results", ingest_id, "--rejected").stdout.splitlines())
    assert (rejection["line"], rejection["reason"], rejection["source"]) == (151, "not_json", f"{source}1.jsonl")
    assert stack.read("report", ingest_id)["summary"]["source"] == source
    page = tmp_path / "report.html"
    assert stack.command("report", ingest_id, "--output", str(page)).returncode == 0
    assert f"<td>{source}1.jsonl</td>" in page.read_text()
    assert stack.read("cost", ingest_id)["usd"] > 0
    resumed = stack.read("resume", ingest_id, "--rejected")
    assert (resumed["status"], resumed["predicted"], resumed["rejected"]) == ("COMPLETED", 270, 1)
    joined = [json.loads(row) for row in stack.command("results", ingest_id, "--join").stdout.splitlines()]
    assert [row["text"] for row in joined] == texts[:270]


def test_one_object_elsewhere_is_read_where_it_is(stack: Stack, others: str, new_id: Callable[[], str]) -> None:
    summary = stack.read("ingest", f"s3://{others}/shared/day/2.jsonl", "--id", new_id())

    assert (summary["status"], summary["predicted"]) == ("COMPLETED", 120)
    listed = stack.deployment.s3.list_objects_v2(
        Bucket=stack.deployment.source_bucket, Prefix=f"uploads/{summary['ingest_id']}/"
    )
    assert listed["KeyCount"] == 0


def test_a_shadow_reads_what_its_ingest_reads(stack: Stack, others: str, new_id: Callable[[], str]) -> None:
    ingest_id = new_id()

    live = stack.deployment.lambda_.get_alias(FunctionName=stack.deployment.infer_function, Name="live")
    version = live["FunctionVersion"]

    told = stack.command(
        "ingest", f"s3://{others}/shared/day/", "--id", ingest_id, "--shadow", version, "--sample", "100%"
    )

    assert told.returncode == 0, told.stderr
    summary = stack.read("summary", ingest_id)
    assert (summary["shadow"]["compared"], summary["shadow"]["disagreed"]) == (270, 0)


def test_objects_of_different_kinds_under_a_prefix_are_one_clear_error(
    stack: Stack, others: str, new_id: Callable[[], str]
) -> None:
    told = stack.command("ingest", f"s3://{others}/shared/mixed/", "--id", new_id(), "--json")

    assert told.returncode == 1
    cause = json.loads(told.stdout)["cause"]
    assert "has objects of different kinds, such as shared/mixed/1.jsonl and shared/mixed/2.csv" in cause


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["not-there.jsonl"], "cannot read not-there.jsonl: No such file or directory"),
        (["s3://no-such-bucket/a/"], "cannot read s3://no-such-bucket/a/: there is no such bucket"),
        (
            [f"s3://{OTHER_BUCKET}/none/"],
            f"cannot read s3://{OTHER_BUCKET}/none/: there is no object whose key begins so",
        ),
        ([f"s3://{OTHER_BUCKET}/none.csv"], f"cannot read s3://{OTHER_BUCKET}/none.csv: there is no such object"),
        (["dynamodb://no-such-table"], "cannot read dynamodb://no-such-table: there is no such table"),
        (["-", "--write-back", "a"], "--write-back does not fit -"),
        ([f"s3://{OTHER_BUCKET}/shared/day/", "--delimiter", ";"], "--delimiter does not fit"),
    ],
)
@pytest.mark.usefixtures("others")
def test_what_cannot_be_scored_is_one_line_and_starts_nothing(
    stack: Stack, new_id: Callable[[], str], arguments: list[str], message: str
) -> None:
    ingest_id = new_id()

    told = stack.command("ingest", *arguments, "--id", ingest_id, given='{"id": "a", "text": "b"}')

    assert told.returncode == 2
    assert message in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert stack.command("summary", ingest_id).returncode == 3
    uploaded = stack.deployment.s3.list_objects_v2(
        Bucket=stack.deployment.source_bucket, Prefix=f"uploads/{ingest_id}/"
    )
    assert uploaded["KeyCount"] == 0


def test_a_folder_of_files_from_a_spreadsheet_is_compared_with_the_model_before_anything_is_uploaded(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    # Given files whose names say nothing of semicolons and Latin-1, with other columns than the model reads
    ingest_id = new_id()
    for name, first in (("monday", 0), ("tuesday", 100)):
        rows = "".join(
            f"o-{number};Ein schönes Buch, and a wonderful film.\r\n" for number in range(first, first + 100)
        )
        (tmp_path / f"{name}.csv").write_bytes(f"order;review\r\n{rows}".encode("latin-1"))

    # When nobody can be asked, then the command says what to type, and uploads nothing
    refused = stack.command("ingest", str(tmp_path), "--id", ingest_id)
    assert refused.returncode == 2
    assert "add --map id=order --map text=review" in refused.stderr
    uploaded = stack.deployment.s3.list_objects_v2(
        Bucket=stack.deployment.source_bucket, Prefix=f"uploads/{ingest_id}/"
    )
    assert uploaded["KeyCount"] == 0

    # When the suggestion is taken, then every row is read as it was written
    summary = stack.read("ingest", str(tmp_path), "--id", ingest_id, "--yes")
    assert (summary["status"], summary["predicted"]) == ("COMPLETED", 200)
    assert stack.read("verify", ingest_id)["ok"] is True
    joined = [json.loads(row) for row in stack.command("results", ingest_id, "--join").stdout.splitlines()]
    assert (joined[0]["record_id"], joined[0]["text"]) == ("o-0", "Ein schönes Buch, and a wonderful film.")
