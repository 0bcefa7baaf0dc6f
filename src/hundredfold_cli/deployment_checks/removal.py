"""Taking the checks' own stack away, with all that it holds."""

from typing import Any

import boto3

LAYERS = ("dependencies", "readers", "core", "model")


def take_away(session: boto3.Session, endpoint: str | None, stack: str) -> None:
    """Delete a stack with its tables, buckets, layers and log groups. What is not there is passed over."""

    def client(service: Any) -> Any:
        return session.client(service, endpoint_url=endpoint)

    cloudformation = client("cloudformation")
    pages = cloudformation.get_paginator("describe_stacks").paginate()
    if any(found["StackName"] == stack for page in pages for found in page["Stacks"]):
        resources = [
            resource
            for page in cloudformation.get_paginator("list_stack_resources").paginate(StackName=stack)
            for resource in page["StackResourceSummaries"]
        ]
        cloudformation.delete_stack(StackName=stack)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=stack, WaiterConfig={"Delay": 2, "MaxAttempts": 300}
        )
        for resource in resources:
            if resource["ResourceType"] == "AWS::DynamoDB::Table":
                client("dynamodb").delete_table(TableName=resource["PhysicalResourceId"])
            elif resource["ResourceType"] == "AWS::S3::Bucket":
                _delete_bucket(client("s3"), resource["PhysicalResourceId"])
    _delete_layers(client("lambda"), stack)
    logs = client("logs")
    for group in logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack}-")["logGroups"]:
        logs.delete_log_group(logGroupName=group["logGroupName"])


def _delete_bucket(s3: Any, bucket: str) -> None:
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
        objects = [
            {"Key": version["Key"], "VersionId": version["VersionId"]}
            for version in (*page.get("Versions", []), *page.get("DeleteMarkers", []))
        ]
        if objects:
            s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
    s3.delete_bucket(Bucket=bucket)


def _delete_layers(lambda_: Any, stack: str) -> None:
    for layer in (f"{stack}-{name}" for name in LAYERS):
        for page in lambda_.get_paginator("list_layer_versions").paginate(LayerName=layer):
            for version in page["LayerVersions"]:
                lambda_.delete_layer_version(LayerName=layer, VersionNumber=version["Version"])
