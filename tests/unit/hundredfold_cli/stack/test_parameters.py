"""The parameters of a stack that differ from the template's defaults."""

from collections.abc import Mapping
from urllib.parse import parse_qs

from hundredfold_cli.stack.parameters import describe_differences, differing_parameters
from tests.unit.answering_server import AnsweringServer, Reply, Request
from tests.unit.aws_services import AwsServices

NAMESPACE = 'xmlns="http://cloudformation.amazonaws.com/doc/2010-05-15/"'


def members(name: str, parameters: Mapping[str, str]) -> str:
    return "".join(
        f"<member><ParameterKey>{key}</ParameterKey><{name}>{value}</{name}></member>"
        for key, value in parameters.items()
    )


def answer(request: Request, values: Mapping[str, str], defaults: Mapping[str, str]) -> Reply:
    [action] = parse_qs(request.body.decode())["Action"]
    if action == "DescribeStacks":
        stack = f"<StackName>hundredfold</StackName><Parameters>{members('ParameterValue', values)}</Parameters>"
        result = f"<Stacks><member>{stack}</member></Stacks>"
    else:
        result = f"<Parameters>{members('DefaultValue', defaults)}</Parameters>"
    body = f"<{action}Response {NAMESPACE}><{action}Result>{result}</{action}Result></{action}Response>"
    return Reply(body.encode(), 200, {"Content-Type": "text/xml"})


def test_values_that_differ_are_named_with_the_default(aws: AnsweringServer) -> None:
    deployment = AwsServices(aws).deployment()
    values = {"MaxConcurrency": "2", "BatchRecords": "100", "StartOnArrival": "yes", "AlarmEmail": "", "Gone": "1"}
    defaults = {"MaxConcurrency": "8", "BatchRecords": "100", "StartOnArrival": "no", "AlarmEmail": ""}
    aws.answer = lambda request: answer(request, values, defaults)

    differing = differing_parameters(deployment)

    assert differing == {"MaxConcurrency": ("2", "8"), "StartOnArrival": ("yes", "no")}
    assert describe_differences(differing) == (
        "not the template's defaults: MaxConcurrency is 2 (default: 8), StartOnArrival is yes (default: no). "
        "A value stays until --parameter NAME=VALUE sets another one."
    )


def test_no_difference_is_said_too(aws: AnsweringServer) -> None:
    deployment = AwsServices(aws).deployment()
    aws.answer = lambda request: answer(request, {"BatchRecords": "100"}, {"BatchRecords": "100"})

    assert describe_differences(differing_parameters(deployment)) == "all parameters have the template's defaults."
