"""The names of errors that a state can meet, from AWS's service models and documentation and from our own classes.

A name in `Retry` or `Catch` that no error has is never matched, and nothing says so: not AWS, not a validator.
"""

import builtins
import inspect
from functools import cache

import botocore.session

from hundredfold import errors
from tools.workflow.states import State

RESERVED = frozenset(
    f"States.{name}"
    for name in (
        "ALL", "BranchFailed", "DataLimitExceeded", "ExceedToleratedFailureThreshold", "HeartbeatTimeout",
        "IntrinsicFailure", "ItemReaderFailed", "NoChoiceMatched", "ParameterPathFailure", "Permissions",
        "QueryEvaluationError", "ResultPathMatchFailure", "ResultWriterFailed", "Runtime", "TaskFailed", "Timeout",
    )
)  # fmt: skip
"""https://docs.aws.amazon.com/step-functions/latest/dg/concepts-error-handling.html, read 2026-11-24."""

MAP_ONLY = frozenset({"States.ExceedToleratedFailureThreshold", "States.ItemReaderFailed", "States.ResultWriterFailed"})

SERVICES = {
    # what stands in a Resource: (botocore's service, the prefix of its errors, errors that the service model lacks)
    "lambda": (
        "lambda",
        "Lambda",
        # https://docs.aws.amazon.com/step-functions/latest/dg/sfn-best-practices.html#bp-lambda-serviceexception
        {"AWSLambdaException", "ClientExecutionTimeoutException", "SdkClientException", "Unknown"},
    ),
    "dynamodb": (
        "dynamodb",
        "DynamoDB",
        # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
        {"AccessDeniedException", "AmazonDynamoDBException", "SdkClientException", "ThrottlingException",
         "ValidationException"},
    ),
}  # fmt: skip

RUNTIME = frozenset({"Sandbox.Timedout", "Runtime.ExitError", "Runtime.OutOfMemory", "Runtime.ImportModuleError"})
"""What Lambda itself says of a function: https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html.

A function that was out of memory has been seen under two names: `Runtime.ExitError` ("signal: killed",
https://github.com/awslabs/amazon-s3-find-and-forget/pull/283) and `Runtime.OutOfMemory`
(https://github.com/nasa-gcn/gcn.nasa.gov/pull/3628), both read 2026-11-24.
"""

OWN = frozenset(
    name
    for name, value in vars(errors).items()
    if inspect.isclass(value) and issubclass(value, errors.HundredfoldError)
)
RETRYABLE = frozenset(name for name in OWN if getattr(errors, name).retryable)
PYTHON = frozenset(
    name for name, value in vars(builtins).items() if inspect.isclass(value) and issubclass(value, Exception)
)


def integration(state: State) -> tuple[str, str]:
    """Return service and action of an optimised integration: `arn:aws:states:::lambda:invoke` is `lambda`, `invoke`."""
    service, action = str(state.body["Resource"]).split(":::", 1)[1].split(":", 1)
    return service, action.split(".")[0]


@cache
def modelled(service: str, operation: str) -> frozenset[str]:
    """Return the errors that botocore's model of the service has for an operation.

    The SDK for Java ends all of them with Exception, and which of the two Step Functions tells is not documented: both.
    """
    model = botocore.session.get_session().get_service_model(service).operation_model(operation)
    names = {shape.name for shape in model.error_shapes}
    return frozenset(names | {f"{name.removesuffix('Exception')}Exception" for name in names})


def possible(state: State) -> frozenset[str]:
    """Return the names of all errors that this state can meet, for its `Retry` and `Catch`."""
    if state.type == "Map":
        return RESERVED
    reserved = RESERVED - MAP_ONLY
    if state.type != "Task":
        return reserved
    service, action = integration(state)
    botocore_service, prefix, more = SERVICES[service]
    modelled_here = modelled(botocore_service, action[0].upper() + action[1:])
    names = reserved | {f"{prefix}.{name}" for name in modelled_here | more}
    return names | RUNTIME | OWN | PYTHON if service == "lambda" else names
