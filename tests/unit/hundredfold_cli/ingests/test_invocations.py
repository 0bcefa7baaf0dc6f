"""What Lambda reported of an ingest's invocations, from log lines as Lambda writes them."""

from dataclasses import replace

import pytest

from hundredfold.accounting.usage import Usage
from hundredfold_cli.ingests.invocations import Invocations, Span, add_up, late_reports, spans_of, with_reports
from tests.unit.hundredfold_cli.log_events import event, report


def test_invocations_are_those_whose_lines_name_the_ingest() -> None:
    events = [
        event("a", "START RequestId: r1 Version: 1"),
        event("b", "START RequestId: r2 Version: 1"),  # another environment, at the same time
        event("a", '{"message":"inferred","ingest_id":"i1"}'),
        event("b", '{"message": "inferred", "ingest_id": "i1"}'),
        event("a", "END RequestId: r1"),
        event("a", report("r1", "40.20", 41)),
        event("b", report("r2", "60.00", 60)),
        event("a", "START RequestId: r3 Version: 1"),
        event("a", '{"message":"inferred","ingest_id":"i10"}'),  # another ingest, whose id begins the same
        event("a", report("r3", "500.00", 500)),
    ]

    sums = add_up(events, "i1")

    ours = [0, 1, 2, 3, 4, 5, 6]
    expected_bytes = sum(len(events[place]["message"]) + 26 for place in ours)
    assert sums == Invocations(2, 101.0, 0.0, 1_769, expected_bytes)


def test_attempts_that_timed_out_or_were_killed_count_by_their_first_line() -> None:
    first_line = '{"ingest_id":"i1","batch":7}'
    events = [
        event("a", "START RequestId: r1 Version: 1"),
        event("a", first_line),
        event("a", "2026-11-24T20:00:20.000Z r1 Task timed out after 20.00 seconds"),
        event("a", "END RequestId: r1"),
        event("a", report("r1", "20000.00", 20_000, "Status: timeout")),
        event("b", "START RequestId: r2 Version: 1"),
        event("b", first_line),
        event("b", "RequestId: r2 Error: Runtime exited with error: signal: killed Runtime.ExitError"),
        event("b", report("r2", "812.30", 813, "Status: error\tError Type: Runtime.ExitError")),
        event("c", "START RequestId: r3 Version: 1"),  # a smoke test names no ingest
        event("c", report("r3", "90.00", 90)),
    ]

    sums = add_up(events, "i1")

    assert (sums.count, sums.billed_ms) == (2, 20_813.0)


def test_the_logs_of_all_executions_are_read_once() -> None:
    day = 86_400_000

    spans = spans_of([Span(3 * day, 3 * day + 10_000), Span(0, 20_000), Span(50_000, 90_000)])

    assert spans == [Span(-5_000, 150_000), Span(3 * day - 5_000, 3 * day + 70_000)]


def test_the_start_of_an_environment_is_what_is_billed_beyond_the_duration() -> None:
    cold = report("r1", "40.20", 1_641, "Init Duration: 1600.00 ms")
    events = [event("a", "START RequestId: r1 Version: 1"), event("a", '{"ingest_id":"i1"}'), event("a", cold)]

    sums = add_up(events, "i1")

    # 1,641 are billed: 41 for the call (40.2, rounded up), and 1,600 for the start
    assert (sums.billed_ms, sums.start_ms) == (1_641, 1_600)


USAGE = Usage(
    groups=1,
    records=200, batches=2, source_bytes=1, attempts=2, infer_seconds=0.1, init_seconds=1.5, infer_memory_mb=1_024,
    plan_seconds=9.0, summarize_seconds=9.0, other_memory_mb=512, child_seconds=0.1, prediction_writes=200,
    ledger_writes=4, reads=9, rejected_batches=0, card_writes=1, log_bytes=5.0,
)  # fmt: skip


def test_what_lambda_reported_replaces_what_the_ledger_says() -> None:
    reports = {
        "infer-batch": Invocations(3, 2_000.0, 1_600.0, 1_769, 1_000),
        "plan-ingest": Invocations(1, 700.0, 0.0, 512, 100),
        "summarize-ingest": Invocations(0),
    }

    usage = with_reports(USAGE, reports)

    assert usage.attempts == 3
    assert [usage.infer_seconds, usage.init_seconds] == pytest.approx([0.4, 1.6])
    assert [usage.plan_seconds, usage.summarize_seconds] == pytest.approx([0.7, 9.0])
    assert (usage.infer_memory_mb, usage.log_bytes) == (1_769, 1_100)


def test_a_start_that_is_not_told_apart_is_taken_from_the_ledger() -> None:
    reports = {"infer-batch": Invocations(2, 1_900.0), "plan-ingest": Invocations(), "summarize-ingest": Invocations()}

    usage = with_reports(USAGE, reports)

    assert [usage.infer_seconds, usage.init_seconds] == pytest.approx([0.4, 1.5])


def test_a_report_that_comes_late_does_not_change_the_bill() -> None:
    def usage_of(count: int) -> Usage:
        reports = {
            "infer-batch": Invocations(count, 100.0 * count, 0.0, 1_769, 1_000 * count),
            "plan-ingest": Invocations(1, 700.0, 0.0, 512, 100),
            "summarize-ingest": Invocations(1, 700.0, 0.0, 512, 100),
        }
        ledger = replace(USAGE, attempts=500, init_seconds=0.0)
        assert late_reports(ledger, reports) == 500 - count
        return with_reports(ledger, reports)

    late, complete = usage_of(499), usage_of(500)

    assert (complete.attempts, complete.infer_seconds, complete.log_bytes) == (500, 50.0, 500_200)
    assert late.attempts == 500
    assert late.infer_seconds == pytest.approx(50.0)
    assert late.log_bytes == pytest.approx(500_200)


def test_without_reports_the_ledger_stands() -> None:
    none = dict.fromkeys(("infer-batch", "plan-ingest", "summarize-ingest"), Invocations())

    assert with_reports(USAGE, none) is USAGE
