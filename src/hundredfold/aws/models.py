"""Which model is live: an alias of the inference function, and the published version it points to."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code, is_busy
from hundredfold.errors import InvalidIngestError, StoreBusyError
from hundredfold.ingest import Model
from hundredfold.settings import MODEL_CARD_VARIABLE

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
        version = self._ask(lambda: self._client.get_alias(FunctionName=self._function, Name=self._alias))
        number = str(version["FunctionVersion"])
        if not number.isdecimal():
            raise InvalidIngestError(f"alias {self._alias} points to {number}, which is not a published version")
        return self.version(number)

    def version(self, number: str) -> Model:
        try:
            configuration = self._ask(
                lambda: self._client.get_function_configuration(FunctionName=self._function, Qualifier=number)
            )
        except ClientError as error:
            if error_code(error) in NOT_FOUND:
                raise InvalidIngestError(
                    f"there is no version {number} of the model; hundredfold model list shows those there are"
                ) from None
            raise
        variables = configuration.get("Environment", {}).get("Variables", {})
        return Model(f"{self._function}:{number}", number, variables.get(MODEL_CARD_VARIABLE, ""))

    def _ask[T](self, call: Callable[[], T]) -> T:
        try:
            return call()
        except (ClientError, BotoCoreError) as error:
            if is_busy(error):
                raise StoreBusyError(f"Lambda did not say which model is live: {type(error).__name__}") from None
            raise
