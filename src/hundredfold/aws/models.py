"""Models: published versions of the inference function, and the alias that points to the live one."""

import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError, ReadTimeoutError

from hundredfold.aws.errors import NOT_FOUND, NOT_READY, error_code, mapped_errors
from hundredfold.errors import InvalidIngestError, StoreBusyError
from hundredfold.ingest import Model
from hundredfold.settings import MODEL_CARD_VARIABLE

if TYPE_CHECKING:
    from types_boto3_lambda import LambdaClient

READY_SECONDS, PAUSE_SECONDS = 600, 5
"""How long a version is waited for, and how long between two looks. The planner has 900 seconds."""

_BUSY = "Lambda did not say which model is live"


class LambdaModels:
    """Finds the version of a model (implements `ports.Models`).

    Parameters
    ----------
    alias : ARN of the inference function's alias, `arn:aws:lambda:<region>:<account>:function:<name>:<alias>`
    sleep : waits for so many seconds
    """

    def __init__(self, client: "LambdaClient", alias: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._sleep = sleep
        self._function, _, self._alias = alias.rpartition(":")

    def live(self) -> Model:
        with mapped_errors(_BUSY):
            alias = self._client.get_alias(FunctionName=self._function, Name=self._alias)
        number = str(alias["FunctionVersion"])
        if not number.isdecimal():
            raise InvalidIngestError(f"alias {self._alias} points to {number}, which is not a published version")
        return self.version(number)

    def version(self, number: str) -> Model:
        configuration = self._ready(number)
        variables = configuration.get("Environment", {}).get("Variables", {})
        return Model(f"{self._function}:{number}", number, variables.get(MODEL_CARD_VARIABLE, ""))

    def _ready(self, number: str) -> Any:
        """Return the configuration of a version once it can be invoked.

        Lambda makes a version with SnapStart inactive if nobody has invoked it for 14 days, and makes it active again
        when somebody tries to: https://docs.aws.amazon.com/lambda/latest/dg/snapstart-troubleshooting.html
        """
        for _ in range(READY_SECONDS // PAUSE_SECONDS):
            configuration = self._configuration(number)
            state = configuration.get("State", "Active")
            if state == "Active":
                return configuration
            if state not in {"Inactive", "Pending"}:
                reason = configuration.get("StateReasonCode", "no reason was reported")
                raise InvalidIngestError(
                    f"version {number} of the model cannot be invoked: Lambda calls it {state} ({reason}); "
                    "release the model again"
                )
            if state == "Inactive":
                self._wake(number)
            self._sleep(PAUSE_SECONDS)
        raise StoreBusyError(f"version {number} of the model was not ready after {READY_SECONDS} seconds: {state}")

    def _configuration(self, number: str) -> Any:
        missing = InvalidIngestError(
            f"there is no version {number} of the model; hundredfold model list shows those there are"
        )
        with mapped_errors(_BUSY, {NOT_FOUND: missing}):
            return self._client.get_function_configuration(FunctionName=self._function, Qualifier=number)

    def _wake(self, number: str) -> None:
        """Invoke a version without effects. The call fails, but then Lambda prepares the version."""
        payload = json.dumps({"action": "smoke_test"})
        with mapped_errors("Lambda did not begin to prepare the model"):
            try:
                self._client.invoke(FunctionName=self._function, Qualifier=number, Payload=payload)
            except ReadTimeoutError:
                pass  # the invocation goes on without us
            except ClientError as error:
                if error_code(error) not in NOT_READY:
                    raise
