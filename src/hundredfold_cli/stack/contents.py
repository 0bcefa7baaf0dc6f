"""What a stack consists of, whether CloudFormation deletes it with the stack or not.

CloudFormation keeps layer versions, tables and buckets. Nor does it know of what sam has uploaded for the stack.
"""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold_cli.stack.checkout import FUNCTIONS, LAYERS
from hundredfold_cli.stack.clients import Clients
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.object_versions import ObjectVersion, object_versions

if TYPE_CHECKING:
    from types_boto3_cloudformation import CloudFormationClient

SAM_STACK = "aws-sam-cli-managed-default"
"""The stack of sam's own bucket, which all stacks of an account share (`resolve_s3` of infra/samconfig.toml).
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-cli-command-reference-sam-deploy.html
"""


@dataclass(frozen=True, slots=True)
class Resource:
    """A resource of a CloudFormation stack."""

    logical_id: str
    kind: str
    physical_id: str


@dataclass(frozen=True, slots=True)
class LayerVersion:
    """A version of one of the stack's layers."""

    arn: str

    @property
    def layer(self) -> str:
        """The layer's name, which begins with the stack's."""
        return self.arn.split(":")[-2]

    @property
    def number(self) -> int:
        return int(self.arn.rpartition(":")[2])


@dataclass(frozen=True, slots=True)
class Uploads:
    """What sam has uploaded for a stack: all versions of the objects under the stack's name in sam's bucket."""

    bucket: str
    versions: tuple[ObjectVersion, ...]

    @property
    def size(self) -> int:
        """All bytes of them."""
        return sum(version.size for version in self.versions)


def contents_of(deployment: Deployment) -> "StackContents":
    """Return the contents of what is deployed."""
    return StackContents(deployment.session, deployment.endpoint, deployment.stack)


class StackContents(Clients):
    """The contents of one stack, which need not have been deployed to its end.

    Parameters
    ----------
    session : of the account and region
    endpoint : the local stack's URL; None on AWS
    stack : the CloudFormation stack's name
    """

    def __init__(self, session: boto3.Session, endpoint: str | None, stack: str) -> None:
        self._session = session
        self._endpoint = endpoint
        self.stack = stack

    def _client(self, service: Any) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)

    @cached_property
    def cloudformation(self) -> "CloudFormationClient":
        client: CloudFormationClient = self._client("cloudformation")
        return client

    @cached_property
    def region(self) -> str:
        return self._session.region_name or str(self.s3.meta.region_name)

    @cached_property
    def account(self) -> str:
        """The account's number."""
        return str(self._client("sts").get_caller_identity()["Account"])

    def status(self) -> str | None:
        """Return CloudFormation's status of the stack; None if there is none."""
        return self._stack_status(self.stack)

    def resources(self) -> tuple[Resource, ...]:
        """Return the resources that CloudFormation has for the stack now; none if there is no stack."""
        try:
            pages = list(self.cloudformation.get_paginator("list_stack_resources").paginate(StackName=self.stack))
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return ()
            raise
        return tuple(
            Resource(summary["LogicalResourceId"], summary["ResourceType"], summary.get("PhysicalResourceId", ""))
            for page in pages
            for summary in page["StackResourceSummaries"]
            if summary["ResourceStatus"] != "DELETE_COMPLETE"
        )

    def buckets(self) -> tuple[str, ...]:
        """Return those of the stack's two buckets that exist. Their names are fixed, so a removed stack's count too."""
        names = [f"{self.stack}-{use}-{self.account}-{self.region}" for use in ("source", "work")]
        return tuple(name for name in names if self._has_bucket(name))

    def running(self, state_machine: str) -> tuple[str, ...]:
        """Return the ARNs of the executions of a state machine that run; none if the state machine is gone."""
        pages = self.step_functions.get_paginator("list_executions").paginate(
            stateMachineArn=state_machine, statusFilter="RUNNING"
        )
        try:
            return tuple(execution["executionArn"] for page in pages for execution in page["executions"])
        except ClientError as error:
            if error_code(error) == "StateMachineDoesNotExist":
                return ()
            raise

    def layer_versions(self) -> tuple[LayerVersion, ...]:
        """Return all versions of the stack's layers."""
        return tuple(version for name in LAYERS for version in self._versions_of(f"{self.stack}-{name}"))

    def layers_of_functions(self, without: Collection[tuple[str, str]] = ()) -> set[str]:
        """Return the ARNs of the layer versions that functions use.

        All published versions are read, and what is deployed but not published.

        Parameters
        ----------
        without : versions that do not count, by their functions and numbers
        """
        return {
            layer["Arn"]
            for name in self.functions()
            for config in self._function_versions(name)
            if (name, config["Version"]) not in without
            for layer in config.get("Layers", [])
        }

    def functions(self) -> tuple[str, ...]:
        """Return the names that the stack's functions have, whether all of them are deployed or not."""
        return tuple(f"{self.stack}-{name.replace('_', '-')}" for name in FUNCTIONS)

    def log_groups(self) -> tuple[str, ...]:
        """Return the stack's log groups that exist."""
        names = {
            *(f"/aws/lambda/{name}" for name in self.functions()),
            f"/aws/vendedlogs/states/{self.stack}-batch-inference",
        }
        existing: list[str] = []
        for prefix in (f"/aws/lambda/{self.stack}-", f"/aws/vendedlogs/states/{self.stack}-"):
            pages = self.logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=prefix)
            existing += [group["logGroupName"] for page in pages for group in page["logGroups"]]
        return tuple(sorted(names.intersection(existing)))

    def uploads(self) -> Uploads | None:
        """Return what sam has uploaded for the stack; None if there is no bucket of sam's."""
        try:
            [sam] = self.cloudformation.describe_stacks(StackName=SAM_STACK)["Stacks"]
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return None
            raise
        outputs = {output["OutputKey"]: output["OutputValue"] for output in sam.get("Outputs", [])}
        bucket = outputs.get("SourceBucket", "")
        if not bucket or not self._has_bucket(bucket):
            return None
        return Uploads(bucket, tuple(object_versions(self.s3, bucket, f"{self.stack}/")))

    def template_text(self) -> str:
        """Return the deployed template as sam has sent it. It names the uploads that a roll-back would need."""
        body: Any = self.cloudformation.get_template(StackName=self.stack, TemplateStage="Original")["TemplateBody"]
        return body if isinstance(body, str) else json.dumps(body)

    def _stack_status(self, stack: str) -> str | None:
        try:
            return str(self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
        except ClientError as error:
            if error_code(error) == "ValidationError":
                return None
            raise

    def _has_bucket(self, name: str) -> bool:
        try:
            self.s3.head_bucket(Bucket=name)
        except ClientError as error:
            if error_code(error) in NOT_FOUND:
                return False
            raise
        return True

    def _versions_of(self, layer: str) -> Iterator[LayerVersion]:
        for page in self.lambda_.get_paginator("list_layer_versions").paginate(LayerName=layer):
            for version in page["LayerVersions"]:
                yield LayerVersion(version["LayerVersionArn"])

    def _function_versions(self, function: str) -> Iterator[Any]:
        try:
            for page in self.lambda_.get_paginator("list_versions_by_function").paginate(FunctionName=function):
                yield from page["Versions"]
        except ClientError as error:
            if error_code(error) not in NOT_FOUND:
                raise
