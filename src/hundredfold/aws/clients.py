"""boto3 clients with the time-outs and retries that a batch needs."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

# One attempt may take 1 + 5 s, and three of them with botocore's jittered back-off (under 1 + 2 s) about 21 s at
# the very worst; throttling is answered in milliseconds, so the usual three attempts end within a second or two.
# "standard" also retries what "legacy" does not (5xx and time-outs of every operation), without the client-side
# rate limit of "adaptive", which would let one hot partition slow down the writes to all others.
_RETRIES = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=8,
)


def s3() -> "S3Client":
    return boto3.client("s3", config=_RETRIES)


def dynamodb(*, validate: bool = True) -> "DynamoDBClient":
    """A DynamoDB client; `validate=False` leaves out botocore's check of parameters, for the hot path."""
    return boto3.client("dynamodb", config=_RETRIES.merge(Config(parameter_validation=validate)))


def lambda_() -> "LambdaClient":
    return boto3.client("lambda", config=_RETRIES)


def step_functions() -> "SFNClient":
    return boto3.client("stepfunctions", config=_RETRIES)


def events() -> "EventBridgeClient":
    return boto3.client("events", config=_RETRIES)
