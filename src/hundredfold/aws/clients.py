"""botocore clients, with the timeouts and retries that a batch needs.

boto3's clients are of the same classes. But importing boto3 also imports its resources and its transfers of files. That
is a fifth of an environment's start, and functions use neither.
"""

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config
from botocore.session import Session, get_session

from hundredfold.aws.service_models import UsedServices

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
    client: S3Client = _client("s3")
    return client


def dynamodb(*, validate: bool = True) -> "DynamoDBClient":
    """Make a DynamoDB client. `validate=False` skips botocore's check of parameters, for the hot path."""
    client: DynamoDBClient = _client("dynamodb", Config(parameter_validation=validate))
    return client


def lambda_() -> "LambdaClient":
    client: LambdaClient = _client("lambda")
    return client


def step_functions() -> "SFNClient":
    client: SFNClient = _client("stepfunctions")
    return client


def events() -> "EventBridgeClient":
    client: EventBridgeClient = _client("events")
    return client


def _client(service: str, config: Config | None = None) -> Any:
    return _session().create_client(service, config=_RETRIES.merge(config) if config else _RETRIES)


@cache
def _session() -> Session:
    """Return the session that all clients share: it looks up credentials and reads botocore's data once."""
    session = get_session()
    session.register_component("data_loader", UsedServices())
    return session
