"""Where the commands work: on the local stack, or on AWS."""

from dataclasses import dataclass
from enum import StrEnum

import boto3

from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.checkout import LOCAL
from hundredfold_cli.stack.deployment import STACK_NAME, Deployment
from hundredfold_cli.stack.local_stack import LocalStack


class Target(StrEnum):
    """Where the commands work."""

    LOCAL = "local"
    AWS = "aws"


@dataclass(slots=True)
class Choice:
    """What the options before the command say."""

    target: Target = Target.LOCAL
    stack: str = STACK_NAME


choice = Choice()


def find_deployment() -> Deployment:
    """Return what is deployed at the chosen target.

    Raises
    ------
    NotThereError
        If the local stack does not run, or nothing is deployed; the message says what to do.
    """
    if choice.target is Target.AWS:
        return Deployment.find(boto3.Session(), None, choice.stack)
    process = LocalStack(LOCAL).running()
    if process is None:
        raise NotThereError("the local stack is not running; start it with make up, or use --target aws")
    return process.deployment(choice.stack)
