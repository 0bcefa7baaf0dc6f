"""Models: published versions of the inference function, and the alias that points to the live one."""

from typing import TYPE_CHECKING

from hundredfold.aws.errors import NOT_FOUND, mapped_errors
from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import Model
from hundredfold.settings import MODEL_CARD_VARIABLE

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

_BUSY = "Lambda did not say which model is live"


class LambdaModels:
    """Finds the version of a model (implements `ports.Models`).

    Parameters
    ----------
    alias : ARN of the inference function's alias, `arn:aws:lambda:<region>:<account>:function:<name>:<alias>`
    """

    def __init__(self, client: "LambdaClient", alias: str) -> None:
        self._client = client
        self._function, _, self._alias = alias.rpartition(":")

    def live(self) -> Model:
        with mapped_errors(_BUSY):
            alias = self._client.get_alias(FunctionName=self._function, Name=self._alias)
        number = str(alias["FunctionVersion"])
        if not number.isdecimal():
            raise InvalidIngestError(f"alias {self._alias} points to {number}, which is not a published version")
        return self.version(number)

    def version(self, number: str) -> Model:
        missing = InvalidIngestError(
            f"there is no version {number} of the model; hundredfold model list shows those there are"
        )
        with mapped_errors(_BUSY, {NOT_FOUND: missing}):
            configuration = self._client.get_function_configuration(FunctionName=self._function, Qualifier=number)
        variables = configuration.get("Environment", {}).get("Variables", {})
        return Model(f"{self._function}:{number}", number, variables.get(MODEL_CARD_VARIABLE, ""))
