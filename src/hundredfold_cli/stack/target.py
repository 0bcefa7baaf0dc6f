"""The target of the commands: a stack, on the local stack or on AWS."""

from dataclasses import dataclass
from enum import StrEnum

import boto3

from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.checkout import LOCAL, UP
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import LocalStack


class Cloud(StrEnum):
    """Where a stack is deployed."""

    LOCAL = "local"
    AWS = "aws"


@dataclass(frozen=True, slots=True)
class Target:
    """What the commands work on.

    Attributes
    ----------
    stack : the CloudFormation stack's name
    """

    cloud: Cloud = Cloud.LOCAL
    stack: str = STACK_NAME

    def connect(self) -> tuple[boto3.Session, str | None]:
        """Return a session, and the local stack's URL; None on AWS.

        Raises
        ------
        NotThereError
            If the local stack does not run; the message says what to do.
        """
        if self.cloud is Cloud.AWS:
            return boto3.Session(), None
        stack = LocalStack(LOCAL)
        process = stack.running()
        if process is None:
            raise NotThereError(f"{stack.absence()}; start it with {UP}, or use --target aws")
        return process.session(), process.endpoint

    def find_deployment(self) -> Deployment:
        """Return what is deployed at this target.

        Raises
        ------
        NotThereError
            If the local stack does not run, or nothing is deployed; the message says what to do.
        """
        return Deployment.find(*self.connect(), self.stack)
