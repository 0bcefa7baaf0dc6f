"""What was deployed: a stack's outputs, and the AWS clients to reach it with."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code
from hundredfold.aws.ledger import DynamoLedger
from hundredfold.aws.lookup import Lookup, PackedItems
from hundredfold.aws.objects import S3Sources, S3WorkObjects
from hundredfold.aws.source_tables import DynamoTables
from hundredfold.layout import Layout
from hundredfold.model.engine import LibraryLayer
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.checkout import DEPLOY_FIRST
from hundredfold_cli.stack.clients import Clients
from hundredfold_cli.stack.ingest_list import IngestList
from hundredfold_cli.stack.packed_reader import PackedBatches, PredictionsByLayout
from hundredfold_cli.stack.predictions_reader import ItemPredictions, PredictionsReader

if TYPE_CHECKING:
    from types_boto3_cloudwatch import CloudWatchClient

STACK_NAME = "hundredfold"
FUNCTIONS = ("infer-batch", "plan-ingest", "summarize-ingest")
"""The functions that work on an ingest. Their names in AWS begin with the stack's."""


@dataclass(frozen=True)
class Deployment(Clients):
    """A deployed stack: its outputs, and clients for the services that it uses.

    Attributes
    ----------
    endpoint : the local stack's URL; None on AWS
    model_layer : the ARN of the model layer that was built with the stack
    library_layers : the ARN of each layer of libraries that a model may need
    layout : how new ingests store their predictions
    """

    session: boto3.Session
    endpoint: str | None
    state_machine: str
    source_bucket: str
    work_bucket: str
    predictions_table: str
    ledger_table: str
    infer_function: str
    model_layer: str
    library_layers: Mapping[LibraryLayer, str]
    layout: Layout = Layout.ITEM

    @classmethod
    def find(cls, session: boto3.Session, endpoint: str | None, stack: str) -> "Deployment":
        """Read the outputs of a CloudFormation stack.

        Raises
        ------
        NotThereError
            If there is no such stack, or it was not deployed to its end.
        """
        try:
            stacks = session.client("cloudformation", endpoint_url=endpoint).describe_stacks(StackName=stack)["Stacks"]
        except ClientError as error:
            if error_code(error) == "ValidationError":
                raise NotThereError(f"no stack {stack} is deployed; run {DEPLOY_FIRST}") from None
            raise
        outputs = {output["OutputKey"]: output["OutputValue"] for output in stacks[0].get("Outputs", [])}
        try:
            return cls(
                session=session,
                endpoint=endpoint,
                state_machine=outputs["StateMachineArn"],
                source_bucket=outputs["SourceBucketName"],
                work_bucket=outputs["WorkBucketName"],
                predictions_table=outputs["PredictionsTableName"],
                ledger_table=outputs["LedgerTableName"],
                infer_function=outputs["InferBatchFunctionName"],
                model_layer=outputs["ModelLayerArn"],
                library_layers={layer: outputs[f"{layer.capitalize()}LayerArn"] for layer in LibraryLayer},
                layout=Layout(outputs["PredictionsLayout"]),
            )
        except KeyError as missing:
            status = stacks[0]["StackStatus"]
            raise NotThereError(f"stack {stack} is {status} and has no output {missing}; deploy it again") from None

    def execution(self, name: str) -> str:
        """Return the ARN of the execution of this name."""
        return f"{self.state_machine.replace(':stateMachine:', ':execution:')}:{name}"

    @property
    def stack(self) -> str:
        """The CloudFormation stack's name. The names of functions, log groups and dashboards begin with it."""
        return self.state_machine.rpartition(":")[2].removesuffix("-batch-inference")

    def log_group(self, function: str) -> str:
        """Return the log group of one of FUNCTIONS."""
        return f"/aws/lambda/{self.stack}-{function}"

    def log_events(self, function: str, begin: int, end: int) -> Iterator[Any]:
        """Yield what one of FUNCTIONS has logged from `begin` to `end`, in milliseconds since 1970."""
        pages = self.logs.get_paginator("filter_log_events")
        for page in pages.paginate(logGroupName=self.log_group(function), startTime=begin, endTime=end):
            yield from page["events"]

    def client(self, service: Any) -> Any:
        """Make a client for a service that few commands use."""
        return self._client(service)

    def _client(self, service: Any) -> Any:
        config = Config(retries={"mode": "standard", "total_max_attempts": 5}, max_pool_connections=16)
        return self.session.client(service, endpoint_url=self.endpoint, config=config)

    @cached_property
    def cloudwatch(self) -> "CloudWatchClient":
        client: CloudWatchClient = self._client("cloudwatch")
        return client

    @cached_property
    def ledger(self) -> DynamoLedger:
        return DynamoLedger(self.dynamodb, self.ledger_table)

    @cached_property
    def ingests(self) -> IngestList:
        return IngestList(self.dynamodb, self.ledger_table)

    @cached_property
    def predictions(self) -> PredictionsReader:
        tables = {"predictions_table": self.predictions_table, "ledger_table": self.ledger_table}
        return PredictionsByLayout(
            ItemPredictions(self.dynamodb, self.predictions_table),
            PackedBatches(PackedItems(self.dynamodb, self.ledger_table), Lookup(self.dynamodb, self.s3, **tables)),
            self.ledger,
        )

    @cached_property
    def work(self) -> S3WorkObjects:
        return S3WorkObjects(self.s3, self.work_bucket, may_list=True)

    @cached_property
    def sources(self) -> S3Sources:
        return S3Sources(self.s3)

    @cached_property
    def tables(self) -> DynamoTables:
        return DynamoTables(self.dynamodb)
