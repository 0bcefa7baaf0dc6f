"""The deployed workflow on the local stack: the projected definition scores as the real one, and its role suffices."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hundredfold.planning.batching import cut_batches
from hundredfold.planning.manifest import encode_groups
from tests.support.deployed import Stack
from tools.workflow.projection import project

DEADLINE_SECONDS = 120
RECORDS = 2_350
COUNTS = (
    "status",
    "records",
    "predicted",
    "rejected",
    "failed",
    "batches",
    "batches_failed",
    "reasons",
    "model_version",
)


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """2,350 records, of which every hundredth cannot be scored."""
    file = tmp_path / "records.jsonl"
    with file.open("w") as lines:
        for number in range(RECORDS):
            text = "" if number % 100 == 7 else f"A film like no other, and scene {number} is the best of it."
            lines.write(json.dumps({"id": f"r-{number:05d}", "text": text}) + "\n")
    return file


def deployed_definition(stack: Stack) -> dict[str, Any]:
    client = stack.deployment.step_functions
    definition = client.describe_state_machine(stateMachineArn=stack.deployment.state_machine)["definition"]
    return dict(json.loads(definition))


@pytest.mark.parametrize("older_names", [False, True], ids=["newer-names", "older-names"])
def test_the_projected_definition_scores_as_the_distributed_one(
    stack: Stack, records: Path, new_id: Callable[[], str], older_names: bool
) -> None:
    # Given an ingest that the real definition has scored
    distributed, projected = new_id(), new_id()
    real = stack.read("ingest", str(records), "--id", distributed)

    # When the projected definition, deployed beside it, scores the same object, its groups given in the input
    client = stack.deployment.step_functions
    machine = client.create_state_machine(
        name=projected[-60:],
        definition=json.dumps(project(deployed_definition(stack), older_names=older_names)),
        roleArn=client.describe_state_machine(stateMachineArn=stack.deployment.state_machine)["roleArn"],
    )["stateMachineArn"]
    plan = stack.deployment.ledger.plan(distributed)
    assert plan
    batches = cut_batches([records.read_bytes()], max_records=100, max_bytes=4_194_304)
    groups = [json.loads(group) for group in encode_groups(batches, group_batches=10)]
    execution = client.start_execution(
        stateMachineArn=machine,
        name=projected,
        input=json.dumps(
            {
                "source": plan.spec.as_dict(),
                "groups": groups,
            }
        ),
    )["executionArn"]
    deadline = time.monotonic() + DEADLINE_SECONDS
    while (ended := client.describe_execution(executionArn=execution))["status"] == "RUNNING":
        assert time.monotonic() < deadline, "the projected execution did not end"
        time.sleep(0.1)

    # Then it made inline iterations only, and the same results
    assert ended["status"] == "SUCCEEDED", ended
    assert client.list_map_runs(executionArn=execution)["mapRuns"] == []
    summary = stack.deployment.ledger.ingest(projected)
    assert summary
    assert {name: summary[name] for name in COUNTS} == {name: real[name] for name in COUNTS}
    assert (real["records"], real["predicted"], real["rejected"], real["batches"]) == (2_350, 2_326, 24, 24)
    assert predictions(stack, projected) == predictions(stack, distributed)
    assert len(predictions(stack, projected)) == 2_326


def predictions(stack: Stack, ingest_id: str) -> dict[str, tuple[str, float]]:
    rows = [json.loads(row) for row in stack.command("results", ingest_id).stdout.splitlines()]
    return {row["record_id"]: (row["label"], row["score"]) for row in rows}


def test_the_deployed_role_may_do_what_the_workflow_does_and_no_more(stack: Stack) -> None:
    """The static check compares names; here IAM itself is asked, with the resources that were deployed."""
    deployment = stack.deployment
    client = deployment.step_functions
    role = client.describe_state_machine(stateMachineArn=deployment.state_machine)["roleArn"]
    iam = deployment.session.client("iam", endpoint_url=deployment.endpoint)
    states = deployed_definition(stack)["States"]
    plan, summarize = (states[name]["Parameters"]["FunctionName"] for name in ("PlanIngest", "SummarizeIngest"))
    infer = plan.replace("plan-ingest", "infer-batch")
    account = "arn:aws:dynamodb:us-east-1:000000000000:table"

    def may(action: str, resource: str) -> bool:
        answer = iam.simulate_principal_policy(PolicySourceArn=role, ActionNames=[action], ResourceArns=[resource])
        return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")

    assert [
        may("lambda:InvokeFunction", plan),
        may("lambda:InvokeFunction", summarize),
        may("lambda:InvokeFunction", f"{infer}:1"),
        may("dynamodb:UpdateItem", f"{account}/{deployment.ledger_table}"),
        may("s3:GetObject", f"arn:aws:s3:::{deployment.work_bucket}/ingests/i-1/manifest.json"),
        may("s3:PutObject", f"arn:aws:s3:::{deployment.work_bucket}/ingests/i-1/map-run/1/manifest.json"),
        may("states:StartExecution", deployment.state_machine),
    ] == [True] * 7
    assert [
        may("lambda:InvokeFunction", infer),
        may("lambda:InvokeFunction", f"{plan}-other"),
        may("dynamodb:UpdateItem", f"{account}/{deployment.predictions_table}"),
        may("dynamodb:DeleteItem", f"{account}/{deployment.ledger_table}"),
        may("s3:GetObject", f"arn:aws:s3:::{deployment.source_bucket}/ingests/i-1/records.jsonl"),
        may("states:StartExecution", f"{deployment.state_machine}-other"),
    ] == [False] * 6
