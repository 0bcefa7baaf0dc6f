"""Which model is live: an alias of the inference function, and the published version it points to."""

from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import is_busy
from hundredfold.errors import InvalidIngestError, StoreBusyError
from hundredfold.ingest import Model

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient


class LambdaModels:
    """Resolves the live model (fulfils `ports.Models`).

    `alias` is the ARN of the inference function's alias: `arn:aws:lambda:<region>:<account>:function:<name>:<alias>`.
    """

    def __init__(self, client: "LambdaClient", alias: str) -> None:
        self._client = client
        self._function, _, self._alias = alias.rpartition(":")

    def live(self) -> Model:
        try:
            version = self._client.get_alias(FunctionName=self._function, Name=self._alias)["FunctionVersion"]
        except (ClientError, BotoCoreError) as error:
            if is_busy(error):
                raise StoreBusyError(f"Lambda did not say which model is live: {type(error).__name__}") from None
            raise
        if not version.isdecimal():
            raise InvalidIngestError(f"alias {self._alias} points to {version}, which is not a published version")
        return Model(f"{self._function}:{version}", version)
