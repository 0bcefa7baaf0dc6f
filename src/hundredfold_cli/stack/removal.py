"""Taking a stack away wholly: what CloudFormation deletes, what it keeps, and what it does not know of.

The order leaves the stack for last of what has a generated name. So a removal that was interrupted is run again, and
goes on. What remains when the stack is gone has a fixed name: buckets, layers, log groups and sam's uploads.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError

from hundredfold.accounting.prices import prices_or_none
from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold_cli.errors import DeploymentError, NotThereError
from hundredfold_cli.stack.contents import LayerVersion, StackContents, Uploads
from hundredfold_cli.stack.object_versions import delete_versions, give_up_uploads, object_versions

DESCRIPTION: Final = "Hundredfold: batch inference"
"""What the template's description begins with. A stack of another template is not removed."""

_DELETE_SECONDS = 3_600
_POLL_SECONDS = 2
_REPORTED_OBJECTS = 10_000
_TABLE = "AWS::DynamoDB::Table"
_STATE_MACHINE = "AWS::StepFunctions::StateMachine"

type Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the stack. CloudWatch and DynamoDB count its items and bytes every six hours or so."""

    name: str
    items: int
    size: int


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the stack: how many versions of objects it has, marks of deletions too, and their bytes."""

    name: str
    versions: int
    size: int


@dataclass(frozen=True, slots=True)
class Staying:
    """Something that stays after the removal.

    Attributes
    ----------
    what : for a person
    usd : a month, by list price; None where there is no price list of the region
    """

    what: str
    usd: float | None


@dataclass(frozen=True, slots=True)
class Inventory:
    """Everything of a stack that a removal deletes.

    Attributes
    ----------
    status : CloudFormation's; None if the stack is gone and only the rest is there
    running : ARNs of the executions that run
    resources : how many CloudFormation has
    """

    stack: str
    status: str | None
    running: tuple[str, ...]
    resources: int
    tables: tuple[Table, ...]
    buckets: tuple[Bucket, ...]
    layers: tuple[LayerVersion, ...]
    log_groups: tuple[str, ...]
    uploads: Uploads | None

    @property
    def is_empty(self) -> bool:
        return self.status is None and not (
            self.buckets or self.layers or self.log_groups or (self.uploads and self.uploads.versions)
        )

    def lines(self, keep_data: bool) -> list[str]:
        """Say what will be deleted, for a person."""
        lines = [f"{len(self.running)} ingests that are running; they are stopped first"] if self.running else []
        if not keep_data:
            lines += [f"table {table.name}, {table.items:,} items of {_megabytes(table.size)}" for table in self.tables]
        lines += [
            f"bucket {bucket.name}, {bucket.versions:,} objects and versions of {_megabytes(bucket.size)}"
            for bucket in self.buckets
        ]
        if self.status:
            lines.append(f"stack {self.stack} with {self.resources} resources: functions, roles, alarms and all else")
        if self.layers:
            lines.append(f"{len(self.layers)} versions of {len({layer.layer for layer in self.layers})} layers")
        if self.log_groups:
            lines.append(f"{len(self.log_groups)} log groups")
        if self.uploads and self.uploads.versions:
            lines.append(f"{len(self.uploads.versions):,} uploads of sam, {_megabytes(self.uploads.size)}")
        return lines

    def as_dict(self, keep_data: bool) -> dict[str, Any]:
        """Write it for a machine."""
        return {
            "stack": self.stack,
            "status": self.status,
            "stopped": [arn.rpartition(":")[2] for arn in self.running],
            "resources": self.resources,
            "tables": [] if keep_data else [table.name for table in self.tables],
            "buckets": {bucket.name: bucket.versions for bucket in self.buckets},
            "layers": [layer.arn for layer in self.layers],
            "log_groups": list(self.log_groups),
            "uploads": len(self.uploads.versions) if self.uploads else 0,
        }


def take_inventory(contents: StackContents) -> Inventory:
    """Return everything that a removal would delete.

    Raises
    ------
    NotThereError
        If there is nothing of a stack of this name.
    DeploymentError
        If the stack is of another template, or is being deployed.
    """
    status = contents.status()
    resources = contents.resources()
    # A stack whose first change set was not confirmed has no resources, and no template yet.
    if status not in {None, "REVIEW_IN_PROGRESS"} and DESCRIPTION not in contents.template_text():
        raise DeploymentError(
            f"stack {contents.stack} is not one of Hundredfold, so it is not removed; name one: --stack"
        )
    if status and status.endswith("_IN_PROGRESS") and status not in {"DELETE_IN_PROGRESS", "REVIEW_IN_PROGRESS"}:
        raise DeploymentError(f"stack {contents.stack} is {status}; remove it when that has ended")
    machines = [resource.physical_id for resource in resources if resource.kind == _STATE_MACHINE]
    inventory = Inventory(
        contents.stack,
        status,
        tuple(arn for machine in machines for arn in contents.running(machine)),
        len(resources),
        tuple(
            table
            for resource in resources
            if resource.kind == _TABLE and (table := _table(contents, resource.physical_id))
        ),
        tuple(_bucket(contents, name) for name in contents.buckets()),
        contents.layer_versions(),
        contents.log_groups(),
        contents.uploads(),
    )
    if inventory.is_empty:
        raise NotThereError(f"there is no stack {contents.stack}, and nothing that one has left; name another: --stack")
    return inventory


def remove(contents: StackContents, inventory: Inventory, keep_data: bool, say: Say) -> list[Staying]:
    """Delete everything of a stack, and return what stays.

    Run again after it was interrupted, it deletes the rest.

    Parameters
    ----------
    keep_data : keep the tables, with predictions and ledger
    say : called with a message for a person, at each step

    Raises
    ------
    DeploymentError
        If CloudFormation cannot delete a resource; the message names it and the reason.
    """
    for execution in inventory.running:
        say(f"stopping {execution.rpartition(':')[2]} ...")
        contents.step_functions.stop_execution(
            executionArn=execution, error="StackRemoved", cause="The stack is being removed."
        )
    if not keep_data:
        for table in inventory.tables:
            say(f"deleting table {table.name} ...")
            contents.dynamodb.delete_table(TableName=table.name)
    if inventory.status:
        say(f"deleting stack {inventory.stack} ...")
        _delete_stack(contents)
    # Only now does nothing write to the buckets and logs any more.
    for name in contents.buckets():
        _delete_bucket(contents, name, say)
    for layer in contents.layer_versions():
        say(f"deleting layer {layer.layer}, version {layer.number} ...")
        contents.lambda_.delete_layer_version(LayerName=layer.layer, VersionNumber=layer.number)
    for group in contents.log_groups():
        contents.logs.delete_log_group(logGroupName=group)
    if (uploads := contents.uploads()) and uploads.versions:
        say(f"deleting {len(uploads.versions):,} uploads of sam ...")
        delete_versions(contents.s3, uploads.bucket, uploads.versions)
    return list_staying(contents, inventory, keep_data)


def list_staying(contents: StackContents, inventory: Inventory, keep_data: bool) -> list[Staying]:
    """Return what a removal does not delete, with what it costs a month."""
    listed = prices_or_none(contents.region)
    staying = []
    for table in inventory.tables:
        if keep_data:
            gigabytes = table.size / 1e9
            usd = None
            if listed:
                usd = sum(listed[name].of(gigabytes) for name in ("dynamodb_gb_months", "dynamodb_recovery_gb_months"))
            staying.append(Staying(f"table {table.name}, {_megabytes(table.size)} with point-in-time recovery", usd))
        else:
            # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/PointInTimeRecovery_Howitworks.html
            staying.append(Staying(f"a backup of table {table.name}, which DynamoDB keeps for 35 days", 0.0))
    if inventory.uploads:
        staying.append(
            Staying(f"sam's bucket {inventory.uploads.bucket}, which all stacks share, without this one's uploads", 0.0)
        )
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/cloudwatch_concepts.html
    staying.append(Staying("the values of its metrics, which CloudWatch keeps for 15 months", 0.0))
    return staying


def _bucket(contents: StackContents, name: str) -> Bucket:
    versions, size = 0, 0
    for version in object_versions(contents.s3, name):
        versions += 1
        size += version.size
    return Bucket(name, versions, size)


def _table(contents: StackContents, name: str) -> Table | None:
    try:
        described = contents.dynamodb.describe_table(TableName=name)["Table"]
    except ClientError as error:
        if error_code(error) in NOT_FOUND:
            return None
        raise
    if described.get("TableStatus") == "DELETING":
        return None
    return Table(name, described.get("ItemCount", 0), described.get("TableSizeBytes", 0))


def _delete_bucket(contents: StackContents, name: str, say: Say) -> None:
    def report(deleted: int) -> None:
        if deleted % _REPORTED_OBJECTS == 0:
            say(f"  {deleted:,} objects deleted")

    say(f"emptying bucket {name} ...")
    give_up_uploads(contents.s3, name)
    delete_versions(contents.s3, name, object_versions(contents.s3, name), report)
    contents.s3.delete_bucket(Bucket=name)


def _delete_stack(contents: StackContents) -> None:
    contents.cloudformation.delete_stack(StackName=contents.stack)
    deadline = time.monotonic() + _DELETE_SECONDS
    while (status := contents.status()) is not None:
        if status == "DELETE_FAILED":
            raise DeploymentError(
                f"stack {contents.stack} could not be deleted: {_why_not(contents)}; mend that, and remove it again"
            )
        if time.monotonic() > deadline:
            raise DeploymentError(f"stack {contents.stack} is {status} after an hour; remove it again to go on")
        time.sleep(_POLL_SECONDS)


def _why_not(contents: StackContents) -> str:
    events = contents.cloudformation.describe_stack_events(StackName=contents.stack)["StackEvents"]
    reasons = [
        f"{event['LogicalResourceId']}: {event.get('ResourceStatusReason', 'no reason')}"
        for event in events
        if event.get("ResourceStatus") == "DELETE_FAILED" and event.get("LogicalResourceId") != contents.stack
    ]
    return "; ".join(reasons[:3]) or "CloudFormation names no reason"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
