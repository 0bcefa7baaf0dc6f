"""boto3 clients, with the timeouts and retries that a batch needs."""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient
    from types_boto3_events import EventBridgeClient
    from types_boto3_lambda import LambdaClient
    from types_boto3_s3 import S3Client
    from types_boto3_stepfunctions import SFNClient

# One attempt takes 1 + 5 s at most. Three attempts with botocore's jittered backoff (under 1 + 2 s) take about 21 s at
# most. A throttled request is answered in milliseconds, so three attempts usually end within a second or two.
# "standard" retries 5xx and timeouts of every operation; "legacy" does not. "adaptive" would limit the rate of the
# whole client, so one hot partition would slow down the writes to all others.
_RETRIES = Config(
    connect_timeout=1,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    max_pool_connections=8,
)


def s3() -> "S3Client":
    return boto3.client("s3", config=_RETRIES)


def dynamodb(*, validate: bool = True) -> "DynamoDBClient":
    """Make a DynamoDB client. `validate=False` skips botocore's check of parameters, for the hot path."""
    return boto3.client("dynamodb", config=_RETRIES.merge(Config(parameter_validation=validate)))


def lambda_() -> "LambdaClient":
    return boto3.client("lambda", config=_RETRIES)


def step_functions() -> "SFNClient":
    return boto3.client("stepfunctions", config=_RETRIES)


def events() -> "EventBridgeClient":
    return boto3.client("events", config=_RETRIES)
