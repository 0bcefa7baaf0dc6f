"""A whole ingest where the functions' roles are enforced, on a local stack of its own."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.fault_proxy import FaultProxy
from tests.support.deployed import PARAMETERS, TABLES, Stack, deployed

OVER_TLS = {"X-Forwarded-Proto": "https"}
"""What a load balancer that ends TLS says to the service behind it. The buckets refuse anything else."""


class Policy:
    """The one policy of a deployed role, as it was deployed, and a way to put another in its place."""

    def __init__(self, stack: Stack, role: str, name: str) -> None:
        self._iam: Any = stack.deployment.session.client("iam", endpoint_url=stack.deployment.endpoint)
        pages = self._iam.get_paginator("list_roles").paginate()
        [self._role] = [found["RoleName"] for page in pages for found in page["Roles"] if role in found["RoleName"]]
        self._name = name
        self.statements = self._iam.get_role_policy(RoleName=self._role, PolicyName=name)["PolicyDocument"]["Statement"]

    def put(self, statements: list[dict[str, Any]]) -> None:
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        self._iam.put_role_policy(RoleName=self._role, PolicyName=self._name, PolicyDocument=document)


@pytest.fixture(scope="module")
def proxy() -> Iterator[FaultProxy]:
    with FaultProxy() as proxy:
        proxy.added = OVER_TLS
        yield proxy


@pytest.fixture(scope="module")
def enforcing(proxy: FaultProxy) -> Iterator[Stack]:
    environment = {"AUTH": "true", "AWS_ENDPOINT_URL_S3": proxy.url}
    with deployed("enforcing", PARAMETERS, environment, started=proxy.forward_to) as stack:
        # The local stack takes the request for GetAlias for one of ListAliases, whatever the policy says.
        planner = Policy(stack, "PlanIngestRole", "plan-ingest")
        planner.put([{**part, "Action": [*part["Action"], "lambda:ListAliases"]}
                     if part["Sid"] == "ResolveLiveModel" else part for part in planner.statements])  # fmt: skip
        yield stack


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


def test_a_bucket_is_not_read_without_tls(
    enforcing: Stack, proxy: FaultProxy, few_records: Path, new_id: Callable[[], str]
) -> None:
    ingest_id = new_id()
    proxy.added = {}
    try:
        told = enforcing.command("ingest", str(few_records), "--id", ingest_id, "--json")
    finally:
        proxy.added = OVER_TLS

    assert told.returncode == 1
    cause = json.loads(told.stdout)["cause"]
    assert f"uploads/{ingest_id}/" in cause
    assert "records.jsonl: access is denied" in cause


def test_a_role_without_a_permission_fails_the_ingest_at_once_and_the_ledger_says_why(
    enforcing: Stack, few_records: Path, new_id: Callable[[], str]
) -> None:
    # Given a role that may not write predictions: that it is denied shows that roles are enforced here
    ingest_id = new_id()
    policy = Policy(enforcing, "InferBatchRole", "infer-batch")
    policy.put([part for part in policy.statements if part["Sid"] != "KeepPredictions"])

    # When records are scored
    told = enforcing.command("ingest", str(few_records), "--id", ingest_id, "--json")

    # Then all batches fail for that reason, which is in the ledger without anything of the records
    assert told.returncode == 1
    summary = json.loads(told.stdout)
    assert (summary["status"], summary["failed"], summary["batches_failed"]) == ("FAILED", 250, 3)
    [cause] = summary["failures"]
    assert "BatchWriteItem was refused: AccessDenied" in cause

    # And once the role is mended, the ingest is finished
    policy.put(policy.statements)
    assert enforcing.read("resume", ingest_id)["predicted"] == 250
    assert enforcing.read("verify", ingest_id)["ok"] is True


@pytest.mark.parametrize(
    ("name", "cause"),
    [(f"{TABLES}enforced", None), ("another-table", "access is denied; functions may read it if its ARN")],
    ids=["named", "not-named"],
)
def test_a_table_is_read_and_written_back_to_if_the_template_names_it(
    enforcing: Stack, new_id: Callable[[], str], name: str, cause: str | None
) -> None:
    ingest_id = new_id()
    dynamodb = enforcing.deployment.dynamodb
    dynamodb.create_table(
        TableName=name,
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
    )
    dynamodb.put_item(TableName=name, Item={"id": {"S": "a"}, "text": {"S": "A fine film."}})

    enforcing.execute(ingest_id, {"source": {"table": name, "write_back": "verdict"}})

    summary = enforcing.read("summary", ingest_id)
    if cause:
        assert summary["status"] == "FAILED"
        assert cause in summary["cause"]
    else:
        assert (summary["status"], summary["written_back"]) == ("COMPLETED", 1), summary
