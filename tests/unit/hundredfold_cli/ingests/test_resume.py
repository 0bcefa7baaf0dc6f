"""Resuming by the command: what is refused before anything starts, and what an ingest's status is after a refusal."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from hundredfold.accounting.summarize import summarize
from hundredfold.batches import BatchFailure, BatchOutcome, InvocationStats
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Model, Plan, Resume
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.summary import Status
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.ingests.resume import start_resume
from hundredfold_cli.ingests.status import ingest_status
from tests.unit.answering_server import AnsweringServer, Request
from tests.unit.aws_services import MACHINE, AwsServices

STARTED, ENDED = "2026-11-24T05:00:00+00:00", "2026-11-24T05:00:09+00:00"
PLAN = Plan(
    ingest_id="i1",
    spec=ObjectsSpec("source", "records.jsonl"),
    pinned=PinnedObject("source", "records.jsonl", etag="e1", size=16),
    source_bytes=16,
    manifest=ObjectLocation("work", "ingests/i1/manifest.json"),
    batches=2,
    records=6,
    model=Model("arn:infer:1", "1"),
)


class World:
    """Services with the ingest i1, which ran on version 1 and has ended. There is a version 2 too."""

    def __init__(self, aws: AnsweringServer) -> None:
        self.services = AwsServices(aws)
        self.services.versions = {"1", "2"}
        self.deployment = self.services.deployment()

    def begin(self) -> None:
        self.services.start("i1", {"source": PLAN.spec.as_dict()})
        self.deployment.ledger.begin(PLAN, STARTED)

    def end(self, *, rejected: int = 0, failed_batches: int = 0) -> None:
        self.begin()
        ledger = self.deployment.ledger
        for batch in range(2 - failed_batches):
            ledger.batch_done("i1", BatchOutcome(batch, 3, 3 - rejected, rejected))
        failure = {"Error": "Failed", "Cause": "why"} if failed_batches else None
        ledger.finish(summarize("i1", STARTED, ENDED, PLAN, ledger.entries("i1"), failure))
        self.end_execution("i1", "FAILED" if failed_batches else "SUCCEEDED")

    def end_execution(self, name: str, status: str, cause: str = "") -> None:
        self.services.executions[name] |= {"status": status, "stopDate": 1_795_500_100, "error": "E", "cause": cause}


@pytest.fixture
def world(aws: AnsweringServer) -> World:
    return World(aws)


def assert_nothing_starts(world: World, resume: Resume, error: type[Exception], message: str) -> None:
    before = dict(world.services.items), dict(world.services.executions)

    with pytest.raises(error, match=message):
        start_resume(world.deployment, resume)

    assert (world.services.items, world.services.executions) == before


def test_a_resume_that_was_started_is_the_latest_execution_though_describe_execution_is_late(world: World) -> None:
    world.end(failed_batches=1)
    world.services.before = lambda request: _hide_after_start(world, request)

    start_resume(world.deployment, Resume("i1"))

    assert ingest_status(world.deployment, "i1").execution == "i1.resume-1"


def _hide_after_start(world: World, request: Request) -> None:
    if request.headers.get("X-Amz-Target", "").endswith("StartExecution"):
        world.services.before = lambda _: None
        world.services.invisible = 3


@pytest.mark.parametrize("resume", [Resume("i1"), Resume("i1", "2"), Resume("i1", "live"), Resume("i1", rejected=True)])
def test_a_completed_ingest_without_a_batch_to_do_is_not_resumed(world: World, resume: Resume) -> None:
    world.end()

    assert_nothing_starts(
        world, resume, InvalidIngestError, "ingest i1 is completed.* and no batch of it is left to do"
    )


@pytest.mark.parametrize(
    "state",
    [World.end, lambda world: world.end(rejected=1), lambda world: world.end(failed_batches=1), World.begin],
    ids=["completed", "with rejected records", "failed", "stopped"],
)
@pytest.mark.parametrize("model", ["abc", "$LATEST", "0", "", "2:live"])
def test_a_model_that_is_no_version_is_refused(world: World, state: Callable[[World], None], model: str) -> None:
    state(world)
    world.end_execution("i1", "ABORTED")

    assert_nothing_starts(
        world, Resume("i1", model, rejected=True), InvalidIngestError, "must be the number of a version, or .live"
    )


@pytest.mark.parametrize("planned", [True, False])
def test_a_version_that_is_not_there_is_refused(world: World, planned: bool) -> None:
    world.end(failed_batches=1) if planned else world.services.start("i1", {"source": PLAN.spec.as_dict()})
    world.end_execution("i1", "FAILED")

    assert_nothing_starts(world, Resume("i1", "7"), NotThereError, "there is no model version 7")


def test_an_ingest_whose_own_version_is_gone_is_refused(world: World) -> None:
    world.end(failed_batches=1)
    world.services.versions = {"2"}

    assert_nothing_starts(
        world, Resume("i1"), NotThereError, "no model version 1 .* began with; resume it with --model live"
    )


@pytest.mark.parametrize(
    ("state", "resume"),
    [
        (lambda world: world.end(failed_batches=1), Resume("i1")),
        (lambda world: world.end(failed_batches=1), Resume("i1", "2")),
        (lambda world: world.end(failed_batches=1), Resume("i1", "live")),
        (lambda world: world.end(rejected=1), Resume("i1", rejected=True)),
        (lambda world: world.end(rejected=1), Resume("i1", "2", rejected=True)),
    ],
)
def test_what_has_batches_to_do_is_resumed(world: World, state: Callable[[World], None], resume: Resume) -> None:
    state(world)

    assert start_resume(world.deployment, resume) == "i1.resume-1"
    assert world.services.executions["i1.resume-1"]["stateMachineArn"] == MACHINE


def test_a_shadow_that_was_never_planned_is_resumed_as_a_shadow(world: World) -> None:
    shadow = {"ingest_id": "i1", "version": "2", "sample": 0.05}
    world.services.start("i1.shadow-2", {"source": PLAN.spec.as_dict(), "shadow": shadow, "claim": "0123"})
    world.end_execution("i1.shadow-2", "FAILED")

    name = start_resume(world.deployment, Resume("i1.shadow-2"))

    assert json.loads(world.services.executions[name]["input"]) == {
        "resume": {"ingest_id": "i1.shadow-2", "model": None, "rejected": False},
        "source": PLAN.spec.as_dict(),
        "shadow": shadow,
    }


@pytest.mark.parametrize("tolerated", [True, False], ids=["completed", "failed"])
def test_an_ingest_with_nothing_missing_is_summed_up_again_by_force_only(world: World, tolerated: bool) -> None:
    world.end()
    if not tolerated:  # as a later limit does
        world.services.items["i1", "summary"]["status"] = {"S": "FAILED"}

    assert_nothing_starts(
        world, Resume("i1"), InvalidIngestError, "no batch of it is left to do, so nothing was started; .* --force"
    )
    assert start_resume(world.deployment, Resume("i1", force=True)) == "i1.resume-1"


def test_an_ingest_that_was_stopped_after_its_last_batch_is_summed_up(world: World) -> None:
    world.begin()
    for batch in range(2):
        world.deployment.ledger.batch_done("i1", BatchOutcome(batch, 3, 3, 0))
    world.end_execution("i1", "ABORTED")

    assert start_resume(world.deployment, Resume("i1")) == "i1.resume-1"


def test_a_completed_ingest_stays_so_after_an_execution_that_the_planner_refused(world: World) -> None:
    world.end()
    before = ingest_status(world.deployment, "i1")
    world.services.start("i1.resume-1", {"resume": {"ingest_id": "i1", "model": "abc"}})
    assert not ingest_status(world.deployment, "i1").ended
    world.end_execution("i1.resume-1", "FAILED", "its model must be the number of a version")

    status = ingest_status(world.deployment, "i1")

    assert status.summary == before.summary
    assert status.summary["status"] == Status.COMPLETED
    assert status.refusal == "E: its model must be the number of a version"


def test_an_ingest_is_what_its_own_execution_makes_of_it_while_a_refused_one_is_later(world: World) -> None:
    world.begin()
    world.services.start("i1.resume-1", {"resume": {"ingest_id": "i1"}})
    world.end_execution("i1.resume-1", "FAILED", "it runs")

    assert ingest_status(world.deployment, "i1").summary["status"] == Status.RUNNING


def test_an_ingest_that_was_taken_over_has_the_status_of_the_later_execution(world: World) -> None:
    world.end(rejected=1)
    world.services.start("i1.resume-1", {"resume": {"ingest_id": "i1"}})
    world.deployment.ledger.resume(PLAN, "2026-11-24T06:00:00+00:00", "i1.resume-1", batches=2)
    world.deployment.ledger.reopen("i1", 0, 3)
    assert isinstance(next(iter(world.deployment.ledger.entries("i1"))), BatchFailure)
    world.end_execution("i1.resume-1", "ABORTED")

    status = ingest_status(world.deployment, "i1")

    assert (status.summary["status"], status.summary["failed"], status.refusal) == (Status.FAILED, 3, "")


def test_a_resume_brings_its_limit_of_rejected_records(world: World) -> None:
    world.end(failed_batches=1)

    name = start_resume(world.deployment, Resume("i1"), 30.0)

    assert json.loads(world.services.executions[name]["input"])["max_rejected_percent"] == 30


@pytest.mark.parametrize(("own", "limit"), [(None, 5), (30.0, 30)])
def test_an_ingest_that_was_never_planned_keeps_the_limit_of_its_start(
    world: World, own: float | None, limit: float
) -> None:
    world.services.start("i1", {"source": PLAN.spec.as_dict(), "max_rejected_percent": 5})
    world.end_execution("i1", "FAILED")

    name = start_resume(world.deployment, Resume("i1"), own)

    execution_input = json.loads(world.services.executions[name]["input"])
    assert (execution_input["source"], execution_input["max_rejected_percent"]) == (PLAN.spec.as_dict(), limit)


def test_an_ingest_that_failed_for_its_rejected_records_is_summed_up_again_by_another_limit(world: World) -> None:
    world.end(rejected=3)  # all of them, so it has failed, and no batch is left to do

    assert_nothing_starts(world, Resume("i1"), InvalidIngestError, "ingest i1 is failed, and no batch of it is left")
    assert start_resume(world.deployment, Resume("i1"), 50.0) == "i1.resume-1"


def test_an_ingest_that_runs_says_how_far_it_is_and_when_it_ends(world: World) -> None:
    world.begin()
    world.services.executions["i1"]["startDate"] = datetime.now(UTC).timestamp() - 10
    stats = InvocationStats("e", round(datetime.now(UTC).timestamp() * 1000))
    world.deployment.ledger.batch_done("i1", BatchOutcome(0, 3, 3, 0, stats=stats))

    summary = ingest_status(world.deployment, "i1").summary

    assert (summary["status"], summary["cause"], summary["failures"], summary["failed"]) == ("RUNNING", None, {}, 0)
    progress = summary["progress"]
    assert (progress["batches_done"], progress["batches"]) == (1, 2)
    assert progress["seconds_left"] == pytest.approx(10, abs=1)  # one batch in ten seconds, and one is left
    assert progress["records_a_second"] == pytest.approx(0.3, abs=0.1)


def test_an_ingest_that_has_just_begun_knows_no_end(world: World) -> None:
    world.begin()

    progress = ingest_status(world.deployment, "i1").summary["progress"]

    assert (progress["batches_done"], progress["seconds_left"], progress["ends_at"]) == (0, None, None)


def test_batches_that_failed_so_far_count_towards_the_end_of_one_that_runs(world: World) -> None:
    world.begin()
    world.services.executions["i1"]["startDate"] = datetime.now(UTC).timestamp() - 10
    entry = {"ledger_key": {"S": "i1#0"}, "entry": {"S": "0"}, "status": {"S": "failed"}, "records": {"N": "3"}}
    world.services.items["i1#0", "0"] = {**entry, "error": {"S": "E"}, "cause": {"S": "why"}}

    progress = ingest_status(world.deployment, "i1").summary["progress"]

    assert (progress["batches_done"], progress["batches_failed"]) == (0, 1)
    assert progress["seconds_left"] == pytest.approx(10, abs=1)
