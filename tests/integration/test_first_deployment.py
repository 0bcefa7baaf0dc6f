"""A first deployment that fails, and the second one under the same name."""

import json
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.support.deployed import Stack
from tools.workflow.template import TEMPLATE, parse_long_forms

NAME = "tried-again"
CONDITIONS = ("StartsOnArrival",)
KEEPS_DATA = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")
OF_NOBODY = {
    "Type": "AWS::IAM::Policy",
    "Properties": {"PolicyName": "of-nobody", "PolicyDocument": {"Version": "2012-10-17", "Statement": []}},
}


def kept_resources(**more: object) -> str:
    """Return a template of the project's tables and buckets."""
    template = parse_long_forms(TEMPLATE.read_text())
    kept = {name: part for name, part in template["Resources"].items() if part["Type"] in KEEPS_DATA}
    return json.dumps(
        {
            "Parameters": {name: template["Parameters"][name] for name in ("RetentionDays", "StartOnArrival")},
            "Conditions": {name: template["Conditions"][name] for name in CONDITIONS},
            "Resources": kept | more,
        }
    )


def test_a_first_deployment_that_failed_is_tried_again_under_its_name(stack: Stack) -> None:
    # Given a deployment that makes tables and buckets, and then fails
    cloudformation: Any = stack.deployment.session.client("cloudformation", endpoint_url=stack.deployment.endpoint)
    fails = {**OF_NOBODY, "DependsOn": ["PredictionsTable", "LedgerTable", "SourceBucket", "WorkBucket"]}
    created = cloudformation.get_waiter("stack_create_complete")
    quickly = {"Delay": 1, "MaxAttempts": 60}
    cloudformation.create_stack(StackName=NAME, TemplateBody=kept_resources(Fails=fails))
    with pytest.raises(WaiterError):
        created.wait(StackName=NAME, WaiterConfig=quickly)
    cloudformation.delete_stack(StackName=NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=NAME, WaiterConfig=quickly)

    # When it is tried again without the fault
    cloudformation.create_stack(StackName=NAME, TemplateBody=kept_resources())

    # Then nothing that was left behind is in its way
    created.wait(StackName=NAME, WaiterConfig=quickly)
    assert [name for name in stack.deployment.dynamodb.list_tables()["TableNames"] if NAME in name] == [
        resource["PhysicalResourceId"]
        for resource in cloudformation.list_stack_resources(StackName=NAME)["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::DynamoDB::Table"
    ]
