"""A whole ingest where the functions' roles are enforced, on a local stack of its own."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deployed import Stack
from hundredfold_cli.deployment import STACK_NAME, deploy_locally
from hundredfold_cli.local_stack import LocalStack
from hundredfold_cli.project import LOCAL


@pytest.fixture(scope="module")
def enforcing() -> Iterator[Stack]:
    folder = LOCAL / f"enforcing-{os.getpid()}"
    local = LocalStack(folder)
    try:
        process = local.start({"AUTH": "true"})
        deploy_locally(process.environment(), folder / "deploy.log")
        yield Stack(process, process.deployment(STACK_NAME))
    finally:
        local.stop()


def test_an_ingest_is_scored_and_gone_on_with_by_roles_that_may_do_no_more(
    enforcing: Stack, tmp_path: Path, new_id: Callable[[], str]
) -> None:
    # Given records of which some are rejected
    ingest_id = new_id()
    lines = [
        {"id": f"r-{number}", "text": f"A fine film, number {number}." * (number % 50 > 0)} for number in range(250)
    ]
    file = tmp_path / "records.jsonl"
    file.write_text("".join(f"{json.dumps(line)}\n" for line in lines))

    # When they are scored, and the rejected ones are offered again
    summary = enforcing.read("ingest", str(file), "--id", ingest_id)
    resumed = enforcing.read("resume", ingest_id, "--rejected", "--model", "live")

    # Then every function could do what it does
    for found in (summary, resumed):
        assert (found["status"], found["predicted"], found["rejected"], found["failed"]) == ("COMPLETED", 245, 5, 0)
    assert enforcing.read("verify", ingest_id)["ok"] is True


def test_a_role_without_a_permission_fails_the_ingest_at_once_and_the_ledger_says_why(
    enforcing: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    # Given a role that may not write predictions: that it is denied shows that roles are enforced here
    deployment = enforcing.deployment
    iam: Any = deployment.session.client("iam", endpoint_url=deployment.endpoint)
    [role] = [
        found["RoleName"]
        for page in iam.get_paginator("list_roles").paginate()
        for found in page["Roles"]
        if "InferBatchRole" in found["RoleName"]
    ]
    policy = iam.get_role_policy(RoleName=role, PolicyName="infer-batch")["PolicyDocument"]
    less = {**policy, "Statement": [part for part in policy["Statement"] if part["Sid"] != "KeepPredictions"]}
    ingest_id = new_id()
    iam.put_role_policy(RoleName=role, PolicyName="infer-batch", PolicyDocument=json.dumps(less))

    # When records are scored
    told = enforcing.command("ingest", str(few_records), "--id", ingest_id, "--json")

    # Then all batches fail for that reason, which is in the ledger without anything of the records
    assert told.returncode == 1
    summary = json.loads(told.stdout)
    assert (summary["status"], summary["failed"], summary["batches_failed"]) == ("FAILED", 250, 3)
    [cause] = summary["failures"]
    assert "BatchWriteItem was refused: AccessDenied" in cause

    # And once the role is mended, the ingest is finished
    iam.put_role_policy(RoleName=role, PolicyName="infer-batch", PolicyDocument=json.dumps(policy))
    assert enforcing.read("resume", ingest_id)["predicted"] == 250
    assert enforcing.read("verify", ingest_id)["ok"] is True
