"""Stopping an ingest: nothing starts any more, what runs comes to its end, and the ledger is summed up."""

import json

import pytest

from hundredfold.accounting.summarize import summarize
from hundredfold.batches import BatchOutcome
from hundredfold.errors import InvalidIngestError
from hundredfold.summary import Status
from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.ingests.stop import QUIET_SECONDS, stop_ingest
from tests.unit.answering_server import AnsweringServer, Request
from tests.unit.hundredfold_cli.ingests.test_resume import ENDED, PLAN, STARTED, World

QUIET = 22


class Clock:
    """Time that passes by sleeping only. `at` has what happens at a time, in seconds from the beginning."""

    def __init__(self) -> None:
        self.now = 0.0
        self.at: dict[float, BatchOutcome] = {}
        self.world: World | None = None

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for time in [time for time in self.at if time <= self.now]:
            assert self.world
            self.world.deployment.ledger.batch_done("i1", self.at.pop(time))


@pytest.fixture
def world(aws: AnsweringServer) -> World:
    world = World(aws)
    world.begin()
    world.deployment.ledger.batch_done("i1", BatchOutcome(0, 3, 3, 0))
    world.services.before = lambda request: _sum_up(world, request)
    return world


def _sum_up(world: World, request: Request) -> None:
    """Do what the summary function does when it is invoked."""
    if request.path.endswith("/invocations") and not world.services.function_fails:
        ledger, event = world.deployment.ledger, json.loads(request.body)
        entries = ledger.entries("i1")
        ledger.finish(summarize("i1", event["started_at"], ENDED, PLAN, entries, event["state"].get("failure")))


def test_a_stopped_ingest_is_summed_up_once_what_ran_has_ended(world: World) -> None:
    # Given a call that runs when the ingest is stopped, and ends 10 s later
    clock = Clock()
    clock.world, clock.at = world, {10.0: BatchOutcome(1, 3, 2, 1)}
    progress: list[tuple[int, int]] = []

    status = stop_ingest(
        world.deployment, "i1", waiting=lambda *done: progress.append(done), clock=clock, sleep=clock.sleep
    )

    # Then the summary has it, and was made as soon as no batch was left
    assert clock.now == 10.0
    assert progress == [(1, 2), (2, 2)]
    assert world.services.executions["i1"]["status"] == "ABORTED"
    assert (status.summary["status"], status.summary["predicted"], status.summary["failed"]) == (Status.COMPLETED, 5, 0)
    [(function, event)] = world.services.invocations
    assert function == "hundredfold-summarize-ingest"
    assert (event["execution_name"], event["started_at"], event["input"]) == (
        "i1", STARTED, {"source": PLAN.spec.as_dict()},
    )  # fmt: skip
    assert event["state"]["plan"] == PLAN.as_dict()


def test_it_is_summed_up_when_nothing_has_ended_for_as_long_as_a_call_takes(world: World) -> None:
    clock = Clock()

    status = stop_ingest(world.deployment, "i1", clock=clock, sleep=clock.sleep)

    assert clock.now == QUIET_SECONDS == QUIET
    assert (status.summary["status"], status.summary["predicted"], status.summary["failed"]) == (Status.FAILED, 3, 3)
    assert status.summary["cause"].startswith("Stopped: by ")


def test_an_execution_that_ended_without_a_summary_is_summed_up(world: World) -> None:
    world.end_execution("i1", "TIMED_OUT", "late")
    clock = Clock()

    status = stop_ingest(world.deployment, "i1", clock=clock, sleep=clock.sleep)

    assert status.summary["cause"] == "E: late"


def test_an_ingest_that_does_not_run_is_not_stopped(world: World) -> None:
    clock = Clock()
    stop_ingest(world.deployment, "i1", clock=clock, sleep=clock.sleep)

    with pytest.raises(InvalidIngestError, match=r"does not run: it is failed; .* hundredfold summary i1"):
        stop_ingest(world.deployment, "i1", clock=clock, sleep=clock.sleep)

    assert len(world.services.invocations) == 1


def test_a_summary_that_fails_says_what_to_do(world: World) -> None:
    world.services.function_fails = True
    clock = Clock()

    with pytest.raises(DeploymentError, match="is stopped, and could not be summed up: hundredfold logs i1 --errors"):
        stop_ingest(world.deployment, "i1", clock=clock, sleep=clock.sleep)
