"""Executions of the state machine: starting them."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from hundredfold.aws.errors import error_code, mapped_errors

if TYPE_CHECKING:
    from types_boto3_stepfunctions import SFNClient


class StepFunctionsExecutions:
    """Starts executions of the state machine."""

    def __init__(self, client: "SFNClient", state_machine: str) -> None:
        self._client = client
        self._state_machine = state_machine

    def start(self, name: str, execution_input: Mapping[str, Any]) -> bool:
        """Start an execution. Return False if there has been one of this name. Raise StoreBusyError."""
        with mapped_errors(f"Step Functions did not start {name}"):
            try:
                self._client.start_execution(
                    stateMachineArn=self._state_machine, name=name, input=json.dumps(execution_input)
                )
            except ClientError as error:
                if error_code(error) == "ExecutionAlreadyExists":
                    return False
                raise
        return True
