"""What the doctor says of the account. AWS is a fake whose answers have the shapes of the services' own."""

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, NoCredentialsError, NoRegionError

from hundredfold_cli.doctor import account
from hundredfold_cli.doctor.account import AccountClients, Identity
from hundredfold_cli.doctor.finding import Finding

IDENTITY = Identity("arn:aws:iam::123456789012:user/ann", "123456789012", "aws", "eu-west-1")


def refusal(code: str, operation: str = "Look") -> ClientError:
    return ClientError({"Error": {"Code": code}}, operation)


class FakeService:
    """Answers each operation with a value, or raises it if it is an error; others are refused as not there."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def __getattr__(self, operation: str) -> Any:
        def call(**_: Any) -> Any:
            answer = self._answers.get(operation, refusal("ResourceNotFoundException", operation))
            if isinstance(answer, Exception):
                raise answer
            return answer

        return call


class FakeClients(AccountClients):
    def __init__(self, region: str | None = "eu-west-1", **services: Mapping[str, Any]) -> None:
        self._region = region
        self._services = services

    @property
    def region(self) -> str | None:
        return self._region

    def __call__(self, service: Any) -> Any:
        return FakeService(self._services.get(service.replace("lambda", "lambda_"), {}))


def stack(status: str) -> dict[str, Any]:
    return {"describe_stacks": {"Stacks": [{"StackStatus": status}]}}


NO_STACK = {"describe_stacks": refusal("ValidationError", "DescribeStacks")}
NO_GROUPS: dict[str, Any] = {"describe_log_groups": {"logGroups": []}}


def test_a_variable_that_leads_to_the_local_stack_is_to_be_unset() -> None:
    assert account.endpoint({}).fine
    assert account.endpoint({"AWS_ENDPOINT_URL": "http://127.0.0.1:4566"}).action.startswith("unset AWS_ENDPOINT_URL")


def test_a_region_is_needed() -> None:
    assert account.region(FakeClients()) == Finding("region", "eu-west-1")
    assert "AWS_DEFAULT_REGION" in account.region(FakeClients(region=None)).action


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (NoCredentialsError(), "no credentials: set AWS_PROFILE"),
        (NoRegionError(), "no region, or none that AWS has"),
        (refusal("ExpiredToken"), "the credentials have expired"),
        (refusal("AccessDenied"), "run aws sts get-caller-identity"),
    ],
)
def test_without_credentials_the_account_is_not_looked_at(error: Exception, advice: str) -> None:
    clients = FakeClients(sts={"get_caller_identity": error})

    findings = account.examine_account(clients, "hundredfold", local=False)

    assert [finding.subject for finding in findings] == ["endpoint", "region", "credentials", "account"]
    assert advice in findings[2].action
    assert not findings[3].fine


def test_what_may_not_be_looked_at_says_which_rights_are_missing() -> None:
    clients = FakeClients(
        sts={"get_caller_identity": {"Arn": "arn:aws:iam::123456789012:root", "Account": "123456789012"}},
        lambda_={"get_account_settings": refusal("AccessDeniedException", "GetAccountSettings")},
        cloudformation=NO_STACK,
        logs=NO_GROUPS,
    )

    findings = {one.subject: one for one in account.examine_account(clients, "hundredfold", local=True)}

    assert list(findings) == ["credentials", "partition", "concurrent executions", "names", "rights"]
    refused = findings["concurrent executions"]
    assert refused.detail == "GetAccountSettings was refused: AccessDeniedException"
    assert "infra/policies/deploy.json" in refused.action
    assert findings["rights"].detail == "those of the root user, who may do everything"
    assert findings["names"].fine


@pytest.mark.parametrize(("name", "fine"), [("aws", True), ("aws-cn", True), ("aws-us-gov", True), ("aws-iso", False)])
def test_three_partitions_are_known(name: str, fine: bool) -> None:
    assert account.partition(Identity("", "", name, "")).fine is fine


@pytest.mark.parametrize(("in_all", "free", "fine"), [(1_000, 1_000, True), (1_000, 25, True), (1_000, 24, False)])
def test_an_ingest_needs_as_many_executions_as_a_group_has_batches(in_all: int, free: int, fine: bool) -> None:
    limits = {"ConcurrentExecutions": in_all, "UnreservedConcurrentExecutions": free}

    assert account.concurrency(limits).fine is fine


def test_a_new_account_is_told_a_size_of_groups_that_fits() -> None:
    found = account.concurrency({"ConcurrentExecutions": 10, "UnreservedConcurrentExecutions": 10})

    assert found.detail == "10 in this region, 0 of them reserved by functions; an ingest uses 25"
    assert found.action.startswith("deploy with --parameter GroupBatches=8, or have the quota raised")


@pytest.mark.parametrize(
    ("status", "action"),
    [
        ("CREATE_COMPLETE", ""),
        ("UPDATE_ROLLBACK_COMPLETE", ""),
        ("UPDATE_IN_PROGRESS", "wait until that has ended"),
        ("ROLLBACK_COMPLETE", "run hundredfold --stack orders remove"),
        ("DELETE_FAILED", "run hundredfold --stack orders remove"),
    ],
)
def test_a_stack_is_updated_or_must_be_removed_first(status: str, action: str) -> None:
    found = account.names(FakeClients(cloudformation=stack(status)), "orders", IDENTITY)

    assert found.action.startswith(action)
    assert found.fine is not bool(action)


@pytest.mark.parametrize("answer", [{}, refusal("403", "HeadBucket")])
def test_a_bucket_that_is_there_or_somebody_elses_has_its_name_taken(answer: Any) -> None:
    clients = FakeClients(cloudformation=NO_STACK, logs=NO_GROUPS, s3={"head_bucket": answer})

    found = account.names(clients, "orders", IDENTITY)

    assert found.detail == (
        "taken already: bucket orders-source-123456789012-eu-west-1, bucket orders-work-123456789012-eu-west-1"
    )
    assert "another name" in found.action


def test_a_log_group_of_an_earlier_stack_has_its_name_taken() -> None:
    groups = {
        "logGroups": [{"logGroupName": "/aws/lambda/orders-infer-batch"}, {"logGroupName": "/aws/lambda/orders-2"}]
    }
    clients = FakeClients(cloudformation=NO_STACK, logs={"describe_log_groups": groups})

    found = account.names(clients, "orders", IDENTITY)

    assert found.detail == "taken already: log group /aws/lambda/orders-infer-batch"
