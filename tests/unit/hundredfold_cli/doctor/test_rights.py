"""The simulation of a caller's rights: what is asked of IAM, and what is made of its answer."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from hundredfold_cli.doctor.rights import concrete, examine_rights, principal

USER = "arn:aws:iam::123456789012:user/ann"


class FakeIam:
    """Allows all actions but some; `requests` has what was simulated."""

    def __init__(self, denied: set[str], roles: dict[str, str] | None = None) -> None:
        self._denied = denied
        self._roles = roles or {}
        self.requests: list[dict[str, Any]] = []

    def get_paginator(self, operation: str) -> "FakeIam":
        assert operation == "simulate_principal_policy"
        return self

    def paginate(self, **request: Any) -> Iterator[Any]:
        self.requests.append(request)
        for resource in request["ResourceArns"]:
            yield {
                "EvaluationResults": [
                    {
                        "EvalActionName": action,
                        "EvalResourceName": resource,
                        "EvalDecision": "implicitDeny" if action in self._denied else "allowed",
                    }
                    for action in request["ActionNames"]
                ]
            }

    def get_role(self, **request: str) -> Any:
        if request["RoleName"] not in self._roles:
            raise ClientError({"Error": {"Code": "AccessDenied"}}, "GetRole")
        return {"Role": {"Arn": self._roles[request["RoleName"]]}}


def test_whoever_may_do_all_of_the_policy_is_fine() -> None:
    iam = FakeIam(set())

    assert examine_rights(iam, USER, "123456789012", "eu-west-1", "hundredfold").fine
    assert {request["PolicySourceArn"] for request in iam.requests} == {USER}
    assert not [arn for request in iam.requests for arn in request["ResourceArns"] if "*" in arn[1:]]


def test_what_is_missing_is_named_with_what_to_do() -> None:
    iam = FakeIam({"iam:PassRole", "sqs:CreateQueue"})

    found = examine_rights(iam, USER, "123456789012", "eu-west-1", "hundredfold")

    assert found.detail == "2 are missing: iam:PassRole, sqs:CreateQueue"
    assert found.action == f"give {USER} the policy infra/policies/deploy.json: docs/aws.md"


def test_a_role_is_passed_to_the_service_that_the_policy_names() -> None:
    iam = FakeIam(set())

    examine_rights(iam, USER, "123456789012", "eu-west-1", "hundredfold")

    [passing] = [request for request in iam.requests if request["ActionNames"] == ["iam:PassRole"]]
    assert passing["ContextEntries"] == [
        {
            "ContextKeyName": "iam:PassedToService",
            "ContextKeyValues": ["lambda.amazonaws.com"],
            "ContextKeyType": "string",
        }
    ]


@pytest.mark.parametrize(
    ("pattern", "arn"),
    [
        ("*", "*"),
        ("arn:aws:s3:::hundredfold*", "arn:aws-cn:s3:::orders-x"),
        ("arn:aws:iam::*:role/hundredfold*", "arn:aws-cn:iam::123456789012:role/orders-x"),
        ("arn:aws:s3:::hundredfold*-work-*/*", "arn:aws-cn:s3:::orders-x-work-x/x"),
        (
            "arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31",
            "arn:aws-cn:cloudformation:eu-west-1:aws:transform/Serverless-2016-10-31",
        ),
    ],
)
def test_a_pattern_becomes_a_resource_of_the_stack(pattern: str, arn: str) -> None:
    assert concrete(pattern, "123456789012", "eu-west-1", "orders", "aws-cn") == arn


def test_a_session_is_simulated_as_its_role() -> None:
    session = "arn:aws:sts::123456789012:assumed-role/AWSReservedSSO_Admin_12ab/ann"
    reserved = "arn:aws:iam::123456789012:role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_Admin_12ab"

    assert principal(FakeIam(set(), {"AWSReservedSSO_Admin_12ab": reserved}), session) == reserved
    assert principal(FakeIam(set()), session) == "arn:aws:iam::123456789012:role/AWSReservedSSO_Admin_12ab"
    assert principal(FakeIam(set()), USER) == USER
