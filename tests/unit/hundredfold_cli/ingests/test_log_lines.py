"""The log lines of an ingest: which are its own, in which order, and how they look."""

import json
from types import SimpleNamespace
from typing import Any

from hundredfold_cli.ingests.invocations import Span
from hundredfold_cli.ingests.log_lines import LogLine, lines_of, read_log_lines


def event(stream: str, at: int, message: str) -> dict[str, Any]:
    return {"logStreamName": stream, "timestamp": at, "message": message, "eventId": f"{stream}-{at}"}


def named(ingest_id: str, batch: int) -> str:
    return json.dumps({"ingest_id": ingest_id, "batch": batch}, separators=(",", ":"))


def structured(level: str, message: str, **fields: object) -> str:
    return json.dumps({"level": level, "message": message, "service": "batch-inference", "ingest_id": "i1", **fields})


EVENTS = [
    event("a", 1, "INIT_START Runtime Version: python:3.13"),
    event("a", 2, "START RequestId: r1 Version: 7"),
    event("a", 3, named("i1", 0)),
    event("a", 4, structured("INFO", "inferred", batch=0, predicted=100)),
    event("a", 5, '{"_aws": {"Timestamp": 1}, "ingest_id": "i1"}'),
    event("a", 6, "END RequestId: r1"),
    event("a", 7, "REPORT RequestId: r1 Duration: 12.00 ms"),
    event("a", 8, "START RequestId: r2 Version: 7"),
    event("a", 9, named("another", 0)),
    event("a", 10, structured("ERROR", "failed").replace('"i1"', '"another"')),
    event("b", 3, "START RequestId: r3 Version: 7"),
    event("b", 4, named("i1", 1)),
    event("b", 20, "2026-11-24T05:00:20Z r3 Task timed out after 20.00 seconds"),
]


def test_the_lines_of_an_ingest_are_those_of_invocations_that_name_it() -> None:
    messages = [line.message for line in lines_of(EVENTS, "infer-batch", "i1")]

    assert messages == [
        named("i1", 0), EVENTS[3]["message"], "REPORT RequestId: r1 Duration: 12.00 ms",
        named("i1", 1), EVENTS[12]["message"],
    ]  # fmt: skip


def test_the_lines_of_a_batch_are_those_of_invocations_that_name_it_too() -> None:
    assert [line.time for line in lines_of(EVENTS, "infer-batch", "i1", batch=1)] == [4, 20]


def test_a_line_that_names_another_ingest_or_batch_is_left_out_wherever_it_stands() -> None:
    late = event("b", 5, structured("INFO", "inferred", batch=0))
    others = event("b", 6, structured("INFO", "inferred", batch=1).replace('"i1"', '"another"'))

    lines = list(lines_of([*EVENTS[-3:-1], late, others], "infer-batch", "i1", batch=1))

    assert [line.message for line in lines] == [named("i1", 1)]


def test_time_outs_and_errors_are_errors() -> None:
    errors = [line.message for line in lines_of(EVENTS, "infer-batch", "i1") if line.is_error]
    assert errors == [EVENTS[12]["message"]]
    assert LogLine(0, "f", structured("ERROR", "failed"), "").is_error
    assert not LogLine(0, "f", structured("INFO", "no error at all"), "").is_error


def test_lines_of_all_functions_are_in_the_order_of_their_time_and_none_comes_twice() -> None:
    planned = [event("p", 0, "START RequestId: p1"), event("p", 1, structured("INFO", "planned", records=7))]
    logs = {"infer-batch": EVENTS, "plan-ingest": planned, "summarize-ingest": []}
    deployment: Any = SimpleNamespace(log_events=lambda function, _begin, _end: logs[function])

    lines = read_log_lines(deployment, "i1", [Span(0, 10), Span(5, 20)])

    assert [line.time for line in lines] == [1, 3, 4, 4, 7, 20]
    assert lines[0].function == "plan-ingest"


def test_a_person_reads_time_function_level_message_and_fields() -> None:
    line = LogLine(1_795_500_000_123, "infer-batch", structured("INFO", "inferred", batch=0, predicted=100), "e")

    assert line.text() == "06:00:00.123 infer-batch      INFO    inferred  batch=0 predicted=100"
    assert LogLine(0, "plan-ingest", "Task timed out", "").text() == "00:00:00.000 plan-ingest      Task timed out"
