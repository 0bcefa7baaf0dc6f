"""An id has one start: two commands that want the same one, and two that want one of their own."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from subprocess import Popen

from tests.support.deployed import EXECUTION_SECONDS, Stack


def write_records(file: Path, name: str, *, times: int = 1) -> Path:
    texts = (f"A fine film, number {number}. " * times for number in range(120))
    lines = (json.dumps({"id": f"{name}-{number}", "text": text}) for number, text in enumerate(texts))
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{line}\n" for line in lines))
    return file


def record_ids(stack: Stack, ingest_id: str) -> set[str]:
    exported = stack.command("results", ingest_id)
    assert exported.returncode == 0, exported.stderr
    return {json.loads(line)["record_id"] for line in exported.stdout.splitlines()}


def begin_to_send(command: Popen[str], file: Path) -> str:
    """Send the records that the command looks at before it claims an id, and return the others."""
    records = file.read_text().splitlines(keepends=True)
    head = len(records) // 2
    assert command.stdin is not None
    command.stdin.write("".join(records[:head]))
    command.stdin.flush()
    return "".join(records[head:])


def wait_for_claim(stack: Stack, ingest_id: str) -> None:
    deadline = time.monotonic() + EXECUTION_SECONDS
    key = {"ledger_key": {"S": ingest_id}, "entry": {"S": "summary"}}
    while "Item" not in stack.deployment.dynamodb.get_item(TableName=stack.deployment.ledger_table, Key=key):
        assert time.monotonic() < deadline, "the id was not claimed"
        time.sleep(0.05)


def test_an_id_whose_records_still_come_in_is_refused_to_another_start(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    own, others = (write_records(tmp_path / f"{name}.jsonl", name, times=250) for name in ("own", "other"))

    # Given a start of which not all records have come in yet
    slow = stack.begin("ingest", "-", "--id", ingest_id, "--json")
    rest = begin_to_send(slow, own)
    wait_for_claim(stack, ingest_id)

    # When another one wants the same id
    refused = stack.command("ingest", str(others), "--id", ingest_id)

    # Then it is refused before it uploads, and the first one ends with its own records
    assert refused.returncode == 2
    assert f"the id {ingest_id} was claimed by " in refused.stderr
    _, errors = slow.communicate(rest, timeout=EXECUTION_SECONDS)
    assert slow.returncode == 0, errors
    assert record_ids(stack, ingest_id) == {f"own-{number}" for number in range(120)}
    assert stack.read("verify", ingest_id)["ok"] is True
    uploads = stack.deployment.s3.list_objects_v2(Bucket=stack.deployment.source_bucket, Prefix=f"uploads/{ingest_id}/")
    assert uploads["KeyCount"] == 1


def test_two_ingests_of_files_of_one_name_in_one_second_are_two(stack: Stack, tmp_path: Path) -> None:
    files = {day: write_records(tmp_path / day / "records.jsonl", day) for day in ("day1", "day2")}

    commands = {day: stack.begin("ingest", str(file), "--json") for day, file in files.items()}

    summaries = {}
    for day, command in commands.items():
        out, errors = command.communicate(timeout=EXECUTION_SECONDS)
        assert command.returncode == 0, errors
        summaries[day] = json.loads(out)
    assert len({summary["ingest_id"] for summary in summaries.values()}) == 2
    for day, summary in summaries.items():
        assert record_ids(stack, summary["ingest_id"]) == {f"{day}-{number}" for number in range(120)}


def test_an_id_that_a_killed_command_has_claimed_can_be_had_again(
    stack: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    file = write_records(tmp_path / "own.jsonl", "own", times=250)
    killed = stack.begin("ingest", "-", "--id", ingest_id)
    begin_to_send(killed, file)
    wait_for_claim(stack, ingest_id)
    killed.kill()
    killed.communicate()

    refused = stack.command("ingest", str(file), "--id", ingest_id)
    again = stack.command("ingest", str(file), "--id", ingest_id, "--reclaim")

    assert refused.returncode == 2
    assert "start this one with --reclaim" in refused.stderr
    assert again.returncode == 0, again.stderr


def test_an_interrupted_command_gives_its_id_back(stack: Stack, tmp_path: Path, new_id: Callable[[], str]) -> None:
    ingest_id = new_id()
    file = write_records(tmp_path / "own.jsonl", "own", times=250)
    interrupted = stack.begin("ingest", "-", "--id", ingest_id)
    begin_to_send(interrupted, file)
    wait_for_claim(stack, ingest_id)
    interrupted.send_signal(2)
    interrupted.communicate(timeout=EXECUTION_SECONDS)

    assert stack.command("ingest", str(file), "--id", ingest_id).returncode == 0
