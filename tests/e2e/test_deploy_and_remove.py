"""A second stack beside the tests' own: deployed as to AWS, used, removed wholly, and deployed again."""

import json
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

from hundredfold_cli.stack.checkout import LAYERS
from hundredfold_cli.stack.contents import StackContents, contents_of
from hundredfold_cli.stack.removal import take_inventory
from tests.support.deployed import Stack

SECOND = "second"


def second(stack: Stack, *arguments: str, given: str | None = None) -> "CompletedProcess[str]":
    return stack.command("--stack", SECOND, *arguments, given=given)


def deploy(stack: Stack) -> str:
    """Deploy by the command that deploys to AWS, answer sam's question, and return what was printed."""
    done = second(stack, "deploy", given="y\n")
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def names_in_the_account(stack: Stack) -> set[str]:
    """Return the names of all that the services have, as far as they begin with the second stack's."""

    def client(service: str) -> Any:
        return stack.deployment.session.client(service, endpoint_url=stack.deployment.endpoint)  # type: ignore[call-overload]

    s3, lambda_ = client("s3"), client("lambda")
    names = [
        *(function["FunctionName"] for function in lambda_.list_functions()["Functions"]),
        *(layer["LayerName"] for layer in lambda_.list_layers()["Layers"]),
        *client("dynamodb").list_tables()["TableNames"],
        *(bucket["Name"] for bucket in s3.list_buckets()["Buckets"]),
        *(role["RoleName"] for role in client("iam").list_roles()["Roles"]),
        *(machine["name"] for machine in client("stepfunctions").list_state_machines()["stateMachines"]),
        *(alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]),
        *(entry["DashboardName"] for entry in client("cloudwatch").list_dashboards()["DashboardEntries"]),
        *(topic["TopicArn"].rpartition(":")[2] for topic in client("sns").list_topics()["Topics"]),
        *(group["logGroupName"].rpartition("/")[2] for group in client("logs").describe_log_groups()["logGroups"]),
    ]
    uploads = StackContents(stack.deployment.session, stack.deployment.endpoint, SECOND).uploads()
    assert uploads is not None
    return {
        name
        for name in [*names, *(one.key for one in uploads.versions)]
        if name.startswith((f"{SECOND}-", f"{SECOND}/"))
    }


@pytest.fixture(scope="module")
def first_stack(stack: Stack) -> Any:
    """What the tests' own stack has before: its versions and its layers."""
    contents = StackContents(stack.deployment.session, stack.deployment.endpoint, stack.deployment.stack)
    return contents.resources(), contents.layer_versions(), contents.buckets(), contents.log_groups()


def test_a_stack_is_deployed_removed_and_deployed_again_beside_another(
    stack: Stack, first_stack: Any, few_records: Path
) -> None:
    # Given a second stack, deployed by the code that deploys to AWS, and an ingest in it
    printed = deploy(stack)
    assert "version 1 with model movie-review-sentiment is now live" in printed
    done = second(stack, "ingest", str(few_records), "--id", "i1")
    assert done.returncode == 0, done.stderr
    contents = contents_of(stack.process.deployment(SECOND))
    before = take_inventory(contents)
    assert (len(before.tables), len(before.layers)) == (2, len(LAYERS))
    assert [bucket.versions for bucket in before.buckets if "-source-" in bucket.name] == [1]
    assert before.uploads
    assert before.uploads.versions

    # When another name is typed, then nothing is deleted
    refused = second(stack, "remove", given="hundredfold\n")
    assert refused.returncode == 2
    assert "nothing was deleted" in refused.stderr
    assert take_inventory(contents) == before

    # When its own name is typed, then nothing of it is left, and what stays is priced
    removed = second(stack, "remove", given=f"{SECOND}\n")
    assert removed.returncode == 0, removed.stderr
    assert names_in_the_account(stack) == set()
    assert f"a backup of table {before.tables[0].name}, which DynamoDB keeps for 35 days: free" in removed.stdout

    # And it is deployed again from nothing
    assert "version 1 with model movie-review-sentiment is now live" in deploy(stack)
    assert stack.process.deployment(SECOND).ledger.ingest("i1") is None  # the local stack keeps the execution itself

    # And removed but for its tables
    kept = json.loads(second(stack, "remove", "--keep-data", "--yes", "--json").stdout)
    assert {name.split("-")[1] for name in names_in_the_account(stack)} == {"PredictionsTable", "LedgerTable"}
    assert [one["usd_a_month"] for one in kept["stays"][:2]] == [pytest.approx(0, abs=0.001)] * 2

    # The stack beside it is as it was
    contents = StackContents(stack.deployment.session, stack.deployment.endpoint, stack.deployment.stack)
    assert (contents.resources(), contents.layer_versions(), contents.buckets(), contents.log_groups()) == first_stack
