"""The versions that `model prune` keeps: those that any unfinished ingest is pinned to, or may be."""

from dataclasses import replace

import pytest

from hundredfold.accounting.summarize import summarize
from hundredfold.batches import BatchOutcome
from hundredfold.ingest import Model, Plan
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec
from hundredfold_cli.models.releases import Releases
from tests.unit.answering_server import AnsweringServer
from tests.unit.aws_services import AwsServices

SOURCE = {"source": {"bucket": "source", "key": "records.jsonl"}}
STARTED, LATER = "2026-11-24T05:00:00+00:00", "2026-11-24T06:00:00+00:00"


class World:
    """Version 6 is live, and 5 and 2 were live before."""

    def __init__(self, aws: AnsweringServer) -> None:
        self.services = AwsServices(aws)
        self.services.alias = {"FunctionVersion": "6", "Description": "live before: 5 2", "RevisionId": "r"}
        self.deployment = self.services.deployment()
        self.ledger = self.deployment.ledger

    def in_use(self) -> set[str]:
        return set(Releases(self.deployment).in_use())

    def begin(self, version: str, ingest_id: str = "i1") -> Plan:
        plan = Plan(
            ingest_id=ingest_id,
            spec=ObjectsSpec("source", "records.jsonl"),
            pinned=None,
            source_bytes=16,
            manifest=ObjectLocation("work", "manifest.json"),
            batches=2,
            records=6,
            model=Model(f"arn:infer:{version}", version),
        )
        self.services.start(ingest_id, SOURCE)
        self.ledger.begin(plan, STARTED)
        return plan

    def end(self, plan: Plan, *, batches_done: int = 2, tolerated: bool = False) -> None:
        for batch in range(batches_done):
            self.ledger.batch_done(plan.ingest_id, BatchOutcome(batch, 3, 3, 0))
        summary = summarize(plan.ingest_id, STARTED, LATER, plan, self.ledger.entries(plan.ingest_id), None)
        if tolerated:
            summary = replace(summary, status=type(summary.status).COMPLETED, cause=None)
        self.ledger.finish(summary)
        self.services.executions[plan.ingest_id]["status"] = "SUCCEEDED" if batches_done == 2 else "FAILED"


@pytest.fixture
def world(aws: AnsweringServer) -> World:
    return World(aws)


def test_a_completed_ingest_holds_no_version(world: World) -> None:
    world.end(world.begin("3"))

    assert world.in_use() == set()


def test_a_running_ingest_holds_its_version(world: World) -> None:
    world.begin("3")

    assert world.in_use() == {"3"}


def test_a_failed_ingest_holds_its_version(world: World) -> None:
    world.end(world.begin("3"), batches_done=1)

    assert world.in_use() == {"3"}


def test_an_ingest_with_batches_that_were_let_fail_holds_its_version(world: World) -> None:
    world.end(world.begin("3"), batches_done=1, tolerated=True)

    assert world.in_use() == {"3"}


def test_an_ingest_whose_execution_was_lost_holds_its_version(world: World) -> None:
    world.begin("3")
    world.services.executions.clear()

    assert world.in_use() == {"3"}


def test_a_running_resume_holds_the_version_of_its_ingest(world: World) -> None:
    plan = world.begin("3")
    world.end(plan, batches_done=1)
    world.services.start("i1.resume-1", {"resume": {"ingest_id": "i1"}})
    world.ledger.resume(plan, LATER, "i1.resume-1", batches=1)

    assert world.in_use() == {"3"}


@pytest.mark.parametrize(
    ("model", "versions"),
    [(None, {"3"}), ("4", {"3", "4"}), ("live", {"2", "3", "5", "6"})],
)
def test_a_resume_that_is_not_planned_yet_holds_the_version_that_it_may_get(
    world: World, model: str | None, versions: set[str]
) -> None:
    world.end(world.begin("3"))
    world.services.start("i1.resume-1", {"resume": {"ingest_id": "i1", "model": model, "rejected": True}})

    assert world.in_use() == versions


def test_an_ingest_that_is_not_planned_yet_holds_all_versions_that_it_may_have_got(world: World) -> None:
    # A large ingest takes its version when it is partitioned, and is in the ledger when all partitions are planned
    world.services.start("i1", SOURCE)

    assert world.in_use() == {"2", "5", "6"}


def test_a_shadow_that_is_not_planned_yet_holds_its_version(world: World) -> None:
    world.services.start("i1.shadow-4", {**SOURCE, "shadow": {"ingest_id": "i1", "version": "4", "sample": 0.05}})

    assert world.in_use() == {"4"}


def test_an_execution_with_a_malformed_input_holds_what_may_be_live(world: World) -> None:
    world.services.start("i1", [])

    assert world.in_use() <= {"2", "5", "6"}
