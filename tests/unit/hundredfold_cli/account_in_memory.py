"""The parts of an account that a stack leaves behind: layers, objects, tables, log groups and CloudFormation's record.

Each is a client as boto3 has it, with the operations that pruning and removing call. Deleting what is in use is not
refused, as on AWS: tests look at what is left.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.exceptions import ClientError

from hundredfold_cli.stack.contents import SAM_STACK, StackContents

ACCOUNT = "123456789012"
REGION = "us-east-1"
SAM_BUCKET = "sams-bucket"


def refused(operation: str, code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)


def layer(name: str, number: int) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:{name}:{number}"


@dataclass
class Account:
    """An account in memory. `calls` has each deletion, in order.

    Attributes
    ----------
    statuses : of CloudFormation's stacks
    templates : as they were sent, by stack
    resources : of stacks: logical id, type and physical id
    functions : the layers of each version, by function and version
    layers : the numbers of versions, by layer
    objects : all versions of all objects as key and version id, by bucket; a mark of a deletion is one too
    tables : bytes, by name
    log_groups : their names
    running : names of the executions that run
    failing : resources that CloudFormation cannot delete, by logical id, with the reason
    operations : all that were called: service, and operation as boto3 names it
    """

    statuses: dict[str, str] = field(default_factory=dict)
    templates: dict[str, str] = field(default_factory=dict)
    resources: dict[str, list[tuple[str, str, str]]] = field(default_factory=dict)
    functions: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    layers: dict[str, list[int]] = field(default_factory=dict)
    objects: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    tables: dict[str, int] = field(default_factory=dict)
    log_groups: set[str] = field(default_factory=set)
    running: list[str] = field(default_factory=list)
    failing: dict[str, str] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    operations: set[tuple[str, str]] = field(default_factory=set)

    def contents(self, stack: str) -> StackContents:
        """Return the contents of a stack of this account."""
        contents = StackContents(boto3.Session(region_name=REGION), None, stack)
        contents.__dict__.update(
            account=ACCOUNT,
            cloudformation=CloudFormation(self),
            lambda_=Lambda(self),
            s3=S3(self),
            dynamodb=DynamoDB(self),
            logs=Logs(self),
            step_functions=StepFunctions(self),
        )
        return contents


class Pages:
    """What `get_paginator` returns: its one operation, which answers in one page."""

    def __init__(self, paginate: Callable[..., Any]) -> None:
        self._paginate = paginate

    def paginate(self, **request: Any) -> Iterator[Any]:
        yield self._paginate(**request)


class Client:
    """What all clients share."""

    def __init__(self, account: Account) -> None:
        self._account = account

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if not name.startswith(("_", "get_paginator", "get_waiter")):
            self._account.operations.add((type(self).__name__, name))
        return value

    def get_paginator(self, operation: str) -> Pages:
        return Pages(getattr(self, operation))

    def get_waiter(self, _: str) -> Any:
        class Waiter:
            def wait(self, **_: Any) -> None:
                pass

        return Waiter()


class CloudFormation(Client):
    def describe_stacks(self, *, StackName: str) -> Any:  # noqa: N803
        if StackName not in self._account.statuses:
            raise refused("DescribeStacks", "ValidationError")
        outputs = [{"OutputKey": "SourceBucket", "OutputValue": SAM_BUCKET}] if StackName == SAM_STACK else []
        return {"Stacks": [{"StackStatus": self._account.statuses[StackName], "Outputs": outputs}]}

    def list_stack_resources(self, *, StackName: str) -> Any:  # noqa: N803
        if StackName not in self._account.statuses:
            raise refused("ListStackResources", "ValidationError")
        return {
            "StackResourceSummaries": [
                {
                    "LogicalResourceId": logical_id,
                    "ResourceType": kind,
                    "PhysicalResourceId": physical_id,
                    "ResourceStatus": "CREATE_COMPLETE",
                }
                for logical_id, kind, physical_id in self._account.resources.get(StackName, [])
            ]
        }

    def get_template(self, *, StackName: str, TemplateStage: str) -> Any:  # noqa: N803
        assert TemplateStage == "Original"
        return {"TemplateBody": self._account.templates[StackName]}

    def delete_stack(self, *, StackName: str) -> None:  # noqa: N803
        self._account.calls.append(f"stack {StackName}")
        if self._account.failing:
            self._account.statuses[StackName] = "DELETE_FAILED"
            return
        del self._account.statuses[StackName]
        del self._account.resources[StackName]

    def describe_stack_events(self, *, StackName: str) -> Any:  # noqa: N803
        assert StackName in self._account.statuses
        return {
            "StackEvents": [
                {"LogicalResourceId": name, "ResourceStatus": "DELETE_FAILED", "ResourceStatusReason": reason}
                for name, reason in self._account.failing.items()
            ]
        }


class Lambda(Client):
    def list_layer_versions(self, *, LayerName: str) -> Any:  # noqa: N803
        numbers = self._account.layers.get(LayerName, [])
        return {"LayerVersions": [{"LayerVersionArn": layer(LayerName, number)} for number in numbers]}

    def delete_layer_version(self, *, LayerName: str, VersionNumber: int) -> None:  # noqa: N803
        self._account.layers[LayerName].remove(VersionNumber)
        self._account.calls.append(f"layer {LayerName}:{VersionNumber}")

    def list_versions_by_function(self, *, FunctionName: str) -> Any:  # noqa: N803
        if FunctionName not in self._account.functions:
            raise refused("ListVersionsByFunction", "ResourceNotFoundException")
        versions = self._account.functions[FunctionName]
        return {
            "Versions": [
                {"Version": version, "Layers": [{"Arn": arn} for arn in layers]} for version, layers in versions.items()
            ]
        }


class S3(Client):
    def head_bucket(self, *, Bucket: str) -> None:  # noqa: N803
        if Bucket not in self._account.objects:
            raise refused("HeadBucket", "404")

    def list_object_versions(self, *, Bucket: str, Prefix: str) -> Any:  # noqa: N803
        found = [(key, version) for key, version in self._account.objects[Bucket] if key.startswith(Prefix)]
        named = [{"Key": key, "VersionId": version, "Size": 1_000} for key, version in found]
        return {
            "Versions": [version for version in named if not str(version["VersionId"]).startswith("mark")],
            "DeleteMarkers": [version for version in named if str(version["VersionId"]).startswith("mark")],
        }

    def delete_objects(self, *, Bucket: str, Delete: Any) -> Any:  # noqa: N803
        for version in Delete["Objects"]:
            self._account.objects[Bucket].remove((version["Key"], version["VersionId"]))
            self._account.calls.append(f"object {Bucket}/{version['Key']}")
        return {}

    def list_multipart_uploads(self, *, Bucket: str) -> Any:  # noqa: N803
        assert Bucket in self._account.objects
        return {}

    def delete_bucket(self, *, Bucket: str) -> None:  # noqa: N803
        if self._account.objects[Bucket]:
            raise refused("DeleteBucket", "BucketNotEmpty")
        del self._account.objects[Bucket]
        self._account.calls.append(f"bucket {Bucket}")


class DynamoDB(Client):
    def describe_table(self, *, TableName: str) -> Any:  # noqa: N803
        if TableName not in self._account.tables:
            raise refused("DescribeTable", "ResourceNotFoundException")
        return {"Table": {"TableSizeBytes": self._account.tables[TableName], "ItemCount": 7}}

    def delete_table(self, *, TableName: str) -> None:  # noqa: N803
        del self._account.tables[TableName]
        self._account.calls.append(f"table {TableName}")


class Logs(Client):
    def describe_log_groups(self, *, logGroupNamePrefix: str) -> Any:  # noqa: N803
        names = [name for name in self._account.log_groups if name.startswith(logGroupNamePrefix)]
        return {"logGroups": [{"logGroupName": name} for name in names]}

    def delete_log_group(self, *, logGroupName: str) -> None:  # noqa: N803
        self._account.log_groups.remove(logGroupName)
        self._account.calls.append(f"log group {logGroupName}")


class StepFunctions(Client):
    def list_executions(self, *, stateMachineArn: str, statusFilter: str) -> Any:  # noqa: N803
        assert statusFilter == "RUNNING"
        return {
            "executions": [
                {"name": name, "executionArn": f"{stateMachineArn}/{name}"} for name in self._account.running
            ]
        }

    def stop_execution(self, *, executionArn: str, error: str, cause: str) -> None:  # noqa: N803
        assert error
        assert cause
        self._account.running.remove(executionArn.rpartition("/")[2])
        self._account.calls.append(f"execution {executionArn.rpartition('/')[2]}")
