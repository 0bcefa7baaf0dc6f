"""What the linter of policies reads: every policy of the template, with values in place of functions."""

from typing import Any

import pytest

from tools.template.policies import EXPECTED, all_policies, policies, resolved

TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Keys": {"Type": "CommaDelimitedList", "Default": "arn:aws:kms:a,arn:aws:kms:b"},
        "Stream": {"Type": "String", "Default": "arn:aws:dynamodb:us-east-1:1:table/t/stream/2026"},
    },
    "Resources": {
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Machine": {"Type": "AWS::Serverless::StateMachine"},
        "Role": {
            "Type": "AWS::IAM::Role",
            "Properties": {"Policies": [{"PolicyDocument": {"Statement": [{"Resource": {"Ref": "Keys"}}]}}]},
        },
    },
}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Ref": "Keys"}, ["arn:aws:kms:a", "arn:aws:kms:b"]),
        ({"Fn::GetAtt": "Queue.Arn"}, "arn:aws:sqs:us-east-1:123456789012:queue"),
        ({"Ref": "Machine"}, "arn:aws:states:us-east-1:123456789012:stateMachine:machine"),
        ({"Fn::Sub": "${Queue.Arn}/${AWS::StackName}-*"}, "arn:aws:sqs:us-east-1:123456789012:queue/hundredfold-*"),
        (
            {"Fn::Sub": ["${T}/x", {"T": {"Fn::Select": [0, {"Fn::Split": ["/stream/", {"Ref": "Stream"}]}]}}]},
            "arn:aws:dynamodb:us-east-1:1:table/t/x",
        ),
    ],
)
def test_functions_are_resolved(value: Any, expected: Any) -> None:
    assert resolved(value, TEMPLATE) == expected


def test_a_function_that_is_not_known_is_not_read_as_something_else() -> None:
    with pytest.raises(ValueError, match="this function is not known"):
        resolved({"Fn::ImportValue": "x"}, TEMPLATE)


def test_the_policies_of_a_role_are_read() -> None:
    assert list(policies(TEMPLATE)) == [("Role", {"Statement": [{"Resource": ["arn:aws:kms:a", "arn:aws:kms:b"]}]})]


def test_every_kind_of_policy_is_read_and_what_is_expected_is_of_one_of_them() -> None:
    read = {name for name, _ in all_policies()}

    assert {
        "InferBatchRole", "TracePolicy", "ReadStreamPolicy", "DecryptSourcesPolicy", "SourceBucketPolicy",
        "NotStartedQueuePolicy", "deploy.json",
    } < read  # fmt: skip
    assert {name for name, _ in EXPECTED} <= read
