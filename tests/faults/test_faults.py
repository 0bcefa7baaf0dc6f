"""Everything that goes wrong on AWS, done to the deployed workflow: nothing may be lost, and nothing doubled.

Where a fault is over the ingest's tolerance it fails, visibly, and `hundredfold resume` finishes it.
"""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hundredfold.batches import Batch
from hundredfold.layout import Layout
from hundredfold.summary import Status
from hundredfold_cli.ingests.outcomes import read_manifest
from hundredfold_cli.ingests.status import ingest_status
from tests.faults import fault_proxy as fault
from tests.faults.fault_proxy import Answer, Fault, Forward, Request
from tests.faults.trial import Trial, World
from tests.support.deployed import storing


def writes_predictions(request: Request) -> bool:
    return request.operation == "BatchWriteItem"


def enters_batch(request: Request) -> bool:
    return request.operation == "PutItem" and request.json["Item"]["entry"]["S"] != "summary"


def enters_summary(request: Request) -> bool:
    item = request.json["Item"] if request.operation == "PutItem" else {}
    return "predicted" in item and item["entry"]["S"] == "summary"


def reads_source(request: Request) -> bool:
    return request.operation == "GetObject" and "records.jsonl" in request.path


def writes_manifest(request: Request) -> bool:
    return request.operation == "PutObject" and request.path.endswith("/manifest.json")


@dataclass(frozen=True)
class Case:
    """A fault, which requests of the functions it hits, how many of them, and whether the ingest outlives it."""

    name: str
    act: fault.Act
    when: Callable[[Request], bool]
    share: float = 1.0
    times: int | None = None
    skip: int = 0
    outlived: bool = False


CASES = [
    Case(
        "DynamoDB throttles 30% of all calls",
        fault.dynamodb_error("ProvisionedThroughputExceededException"),
        lambda request: request.is_dynamodb,
        share=0.3,
        outlived=True,
    ),
    Case(
        "DynamoDB leaves half of every second call's items unprocessed",
        fault.leave_unprocessed,
        writes_predictions,
        share=0.5,
        outlived=True,
    ),
    Case(
        "DynamoDB fails inside for 30% of all calls",
        fault.dynamodb_error("InternalServerError", 500),
        lambda request: request.is_dynamodb,
        share=0.3,
    ),
    Case("DynamoDB ends 30% of connections after writing", fault.reset_after, writes_predictions, share=0.3),
    Case("S3 answers 503 to 30% of reads", fault.s3_error("SlowDown", 503), reads_source, share=0.3),
    Case("S3 reads take 1.5 s longer", fault.slowly(1.5), reads_source, share=0.5, outlived=True),
    Case("S3 reads end half-way, every third", fault.cut_off, reads_source, share=0.33),
    Case("worker killed before it writes predictions", fault.kill_before, writes_predictions, times=2, skip=8),
    Case("worker killed between writes of predictions", fault.kill_after, writes_predictions, times=2, skip=9),
    Case("worker killed between predictions and ledger", fault.kill_before, enters_batch, times=2, skip=2),
    Case("worker killed after it wrote the ledger", fault.kill_after, enters_batch, times=2, skip=2),
    Case("planner killed before it writes the manifest", fault.kill_before, writes_manifest, times=1),
    Case("summary killed before it is written", fault.kill_before, enters_summary, times=1),
    Case("summary killed after it is written", fault.kill_after, enters_summary, times=1),
    Case(
        "manifest corrupted on its way",
        fault.alter_body(lambda body: body[: len(body) // 2]),
        writes_manifest,
        times=1,
    ),
]


def packed(case: Case) -> Case | None:
    """Return what a case is for packed predictions, whose one write is the ledger entry's; None if there is none."""
    if case.when is not writes_predictions:
        return replace(case, name=f"{case.name}, packed")
    if case.act is fault.reset_after:
        return replace(case, name=f"{case.name}, packed", when=enters_batch, share=0.5)
    return None  # a batch that is written at once has no unprocessed part, and no time between its writes


@pytest.fixture
def in_packed_layout(world: World) -> Iterator[None]:
    with storing(world.stack.deployment, Layout.PACKED):
        yield


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name.replace(" ", "-"))
def test_a_fault_of_a_service_or_a_worker(world: World, case: Case, new_id: Callable[[], str], tmp_path: Path) -> None:
    run_case(world, case, new_id(), tmp_path)


@pytest.mark.usefixtures("in_packed_layout")
@pytest.mark.parametrize("case", list(filter(None, map(packed, CASES))), ids=lambda case: case.name.replace(" ", "-"))
def test_a_fault_while_predictions_are_packed(
    world: World, case: Case, new_id: Callable[[], str], tmp_path: Path
) -> None:
    trial = run_case(world, case, new_id(), tmp_path)

    # The index that the last summary wrote finds records of every batch.
    ids = [f"r-{number}" for number in range(50, 800, 100)]
    labels = {
        name: (trial.deployment.predictions.read_record(trial.ingest_id, name) or {}).get("label") for name in ids
    }
    assert labels == {name: trial.expected[name] for name in ids}


def run_case(world: World, case: Case, ingest_id: str, tmp_path: Path) -> Trial:
    trial = Trial(world, ingest_id, tmp_path / "records.jsonl")
    happening = Fault(case.act, case.when, case.share, case.times, case.skip)

    with world.proxy.at_work(happening):
        trial.start()
        first = trial.end()
        if case.outlived:
            assert first.summary["status"] == Status.COMPLETED
            assert first.summary["failed"] == 0
        trial.recover()

    assert happening.injected >= (case.times or 1)
    trial.check(case.name, happening.injected)
    return trial


def test_a_manifest_that_loses_half_of_its_batches(
    world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path
) -> None:
    trial = Trial(world, new_id(), tmp_path / "records.jsonl")

    def halve(request: Request, forward: Forward) -> Answer:
        # Once it is stored: on its way, S3 would see that it is not what was sent, as the case above shows.
        answer = forward(request)
        trial.deployment.s3.put_object(
            Bucket=trial.deployment.work_bucket,
            Key=f"ingests/{trial.ingest_id}/manifest.json",
            Body=json.dumps([{"batches": group["batches"][::2]} for group in json.loads(request.body)]).encode(),
        )
        return answer

    halved = Fault(halve, writes_manifest, times=1)
    with world.proxy.at_work(halved):
        trial.start()
        first = trial.end()
    # No batch failed, and yet the ingest did
    assert first.summary["status"] == Status.FAILED
    assert first.summary["failures"] == {"never finished": 4}
    assert first.summary["cause"] == "4 batches were never finished"
    assert trial.resume().summary["resumed"][0]["batches"] == 4

    trial.check(f"manifest loses half of its batches{layout_name}", halved.injected)


@pytest.mark.parametrize("content", [b'{"id":"x","text":"new"}\n' * 800, b""], ids=["replaced", "truncated"])
def test_a_source_that_changes(
    world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path, content: bytes
) -> None:
    trial = Trial(world, new_id(), tmp_path / "records.jsonl")

    def change(request: Request, forward: Forward) -> Answer:
        trial.replace_source(content)
        return forward(request)

    # While the ingest runs, at a place that is known: the planner reads it once, and each batch.
    changed = Fault(change, reads_source, times=1, skip=3)

    with world.proxy.at_work(changed):
        trial.start()
        first = trial.end()
    assert first.summary["status"] == Status.FAILED
    assert all("was replaced after this ingest was planned" in cause for cause in first.summary["failures"])
    assert trial.resume().summary["status"] == Status.FAILED  # still another one
    trial.replace_source(trial.file.read_bytes())
    trial.recover()

    assert changed.injected == 1
    kind = "replaced" if content else "truncated"
    trial.check(f"source {kind} during the ingest, then put back{layout_name}", 1)


def test_an_execution_that_is_stopped(
    world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path
) -> None:
    trial = Trial(world, new_id(), tmp_path / "records.jsonl")
    # Slowly, so that it is stopped half-way
    with world.proxy.at_work(Fault(fault.slowly(0.3), reads_source, skip=1)):
        trial.start()
        trial.until(lambda: trial.batches_done() > 0, "a batch done")
        trial.deployment.step_functions.stop_execution(
            executionArn=trial.deployment.execution(trial.ingest_id), error="Stopped", cause="by hand"
        )
        first = trial.end()
        assert first.summary["status"] == Status.FAILED
        assert "Stopped: by hand" in first.summary["cause"]
        trial.recover()

    trial.check(f"execution stopped, children left running{layout_name}", 1)


def test_lambda_that_throttles(world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path) -> None:
    # The planner's and the summary's calls: those of a published version the local stack does not throttle.
    trial = Trial(world, new_id(), tmp_path / "records.jsonl")
    client: Any = world.stack.deployment.session.client("lambda", endpoint_url=world.stack.deployment.endpoint)
    functions = ("hundredfold-plan-ingest", "hundredfold-summarize-ingest")
    execution = trial.deployment.execution(trial.ingest_id)

    def throttled() -> int:
        events = trial.deployment.step_functions.get_execution_history(executionArn=execution)["events"]
        return sum(event["type"] == "TaskFailed" for event in events)

    for function in functions:
        client.put_function_concurrency(FunctionName=function, ReservedConcurrentExecutions=0)
    try:
        trial.start()
        trial.until(lambda: throttled() >= 2, "two calls of the planner refused", every=0.1)
        client.delete_function_concurrency(FunctionName=functions[0])
        trial.until(lambda: throttled() >= 4, "two calls of the summary refused", every=0.1)
    finally:
        for function in functions:
            client.delete_function_concurrency(FunctionName=function)
    assert trial.end().summary["status"] == Status.COMPLETED  # slower, and nothing failed

    trial.check(f"Lambda throttles planner and summary{layout_name}", throttled())


def test_batches_that_are_delivered_twice_at_once(
    world: World, layout_name: str, new_id: Callable[[], str], tmp_path: Path
) -> None:
    trial = Trial(world, new_id(), tmp_path / "records.jsonl")
    client: Any = world.stack.deployment.session.client("lambda", endpoint_url=world.stack.deployment.endpoint)
    trial.start()
    trial.until(lambda: ingest_status(trial.deployment, trial.ingest_id).plan is not None, "the plan")
    plan = ingest_status(trial.deployment, trial.ingest_id).plan
    assert plan is not None

    def deliver(batch: Batch) -> Any:
        payload = {**plan.as_dict(), "action": "infer_batch", "execution": "", "batch": batch.as_dict()}
        answer = client.invoke(FunctionName=plan.model.function, Payload=json.dumps(payload).encode())
        assert "FunctionError" not in answer, answer["Payload"].read()
        return json.loads(answer["Payload"].read())

    trial.until(lambda: trial.deployment.s3.list_objects_v2(
        Bucket=plan.manifest.bucket, Prefix=plan.manifest.key)["KeyCount"] == 1, "the manifest")  # fmt: skip
    batches = read_manifest(trial.deployment, plan)
    with ThreadPoolExecutor(2) as pool:
        delivered = list(pool.map(deliver, [*batches, *batches]))
    trial.recover()

    assert delivered == [{"predicted": 100, "rejected": 0}] * 16
    trial.check(f"every batch delivered three times, some at once{layout_name}", len(delivered))
