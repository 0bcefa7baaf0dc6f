"""Whether an ingest has ended: its summary is written some moments before its execution ends."""

from datetime import UTC, datetime

from hundredfold_cli.ingests.verification.executions import Execution, Executions, wait_for_end

BEGUN = datetime(2026, 11, 24, tzinfo=UTC)


def executions(status: str) -> Executions:
    execution = Execution("i1", status, BEGUN, None, None, None, "", "")
    return Executions(execution, execution, "i1")


def test_an_ingest_that_is_summed_up_is_waited_for() -> None:
    described = iter([executions("RUNNING"), executions("RUNNING"), executions("SUCCEEDED")])

    ended = wait_for_end(lambda: next(described), {"status": "COMPLETED"})

    assert not ended.running
    assert next(described, None) is None


def test_one_that_still_runs_is_not() -> None:
    described = iter([executions("RUNNING")])

    assert wait_for_end(lambda: next(described), {"status": "RUNNING"}).running


def test_the_wait_has_an_end() -> None:
    assert wait_for_end(lambda: executions("RUNNING"), {"status": "FAILED"}, seconds=0.0).running
