"""`python -m tools.template.policies` has every policy of the template read by parliament, a linter of IAM policies.

It knows the actions of AWS's services, the resources that each can be allowed on, and the conditions that it has. It
takes them from AWS's service authorization reference of its release: https://github.com/duo-labs/parliament
"""

import importlib
import json
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from tools.template.conditions import condition_names, decided
from tools.template.decide import with_parameters
from tools.workflow.template import TEMPLATE, parse_long_forms

ACCOUNT, REGION, STACK = "123456789012", "us-east-1", "hundredfold"
DEPLOYING = TEMPLATE.parent / "policies/deploy.json"

PSEUDO = {"AWS::Partition": "aws", "AWS::Region": REGION, "AWS::AccountId": ACCOUNT, "AWS::StackName": STACK}
ARNS = {
    "AWS::DynamoDB::Table": f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{{}}",
    "AWS::Events::Rule": f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{{}}",
    "AWS::Logs::LogGroup": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:{{}}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{}",
    "AWS::SQS::Queue": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{{}}",
    "AWS::Serverless::Function": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{{}}",
    "AWS::Serverless::StateMachine": f"arn:aws:states:{REGION}:{ACCOUNT}:stateMachine:{{}}",
}
"""The ARN of a resource, by its type, with a place for its name."""

_ON_ONE_STREAM = "actions of Kinesis and DynamoDB stand on the ARN of a stream, which is of one of them"
_OF_SNS_AND_OF_A_MACHINE = (
    "AWS has given those of SNS the resource of their topic since: cfn-lint's data of 2026 has it. Executions are "
    "listed of a state machine, and not of a Map Run, which is the action's other resource"
)
EXPECTED: Mapping[tuple[str, str], tuple[set[str], str]] = {
    ("BatchInferenceRole", "RESOURCE_MISMATCH"): (
        {"states:DescribeExecution"},
        "it describes executions of the Standard type, and has no need of the other resource of the action",
    ),
    ("ReadStreamPolicy", "RESOURCE_MISMATCH"): (
        {"dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator"},
        _ON_ONE_STREAM,
    ),
    ("deploy.json", "INVALID_ARN"): (
        {"arn:aws:cloudformation:*:aws:transform/Serverless-2016-10-31"},
        "https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-iam-template.html has this ARN",
    ),
    ("deploy.json", "RESOURCE_STAR"): (
        {
            "cloudwatch:DescribeAlarms",
            "lambda:DeleteEventSourceMapping",
            "lambda:GetEventSourceMapping",
            "lambda:UpdateEventSourceMapping",
        },
        "mappings have random ids and no names; alarms are described all at once",
    ),
    ("deploy.json", "RESOURCE_MISMATCH"): (
        {"sns:GetSubscriptionAttributes", "sns:Unsubscribe", "states:ListExecutions"},
        _OF_SNS_AND_OF_A_MACHINE,
    ),
}
"""What parliament finds and is as it should be, by the policy and the finding: actions or ARNs, and the reason."""


def policies(template: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each policy of a decided template, after its resource's logical id, with all functions resolved."""
    for name, resource in template["Resources"].items():
        properties = resource.get("Properties", {})
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", []) if isinstance(policy, dict)]
        if "PolicyDocument" in properties:
            documents.append(properties["PolicyDocument"])
        for document in documents:
            yield name, resolved(document, template)


def resolved(value: Any, template: Mapping[str, Any]) -> Any:
    """Return a part of a decided template with values in place of CloudFormation's functions.

    Raises
    ------
    ValueError
        If a function or a type of resource is not known here.
    """
    match value:
        case {"Ref": str(name)}:
            return _reference(name, template)
        case {"Fn::GetAtt": str(text)} if text.endswith(".Arn"):
            return _arn(text.removesuffix(".Arn"), template)
        case {"Fn::Sub": str(text)}:
            return _substituted(text, template, {})
        case {"Fn::Sub": [str(text), dict(variables)]}:
            return _substituted(text, template, variables)
        case {"Fn::Select": [int(index), parts]}:
            return resolved(parts, template)[index]
        case {"Fn::Split": [str(separator), text]}:
            return str(resolved(text, template)).split(separator)
        case dict() if any(name.startswith("Fn::") for name in value):
            raise ValueError(f"this function is not known: {value}")
        case dict():
            return {name: resolved(part, template) for name, part in value.items()}
        case list():
            return [resolved(part, template) for part in value]
        case _:
            return value


def findings(name: str, policy: Mapping[str, Any]) -> list[str]:
    """Return what parliament finds in a policy, but for what is expected, and what is expected and not found."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of pkg_resources, and of escapes in its regular expressions
        analyze = importlib.import_module("parliament").analyze_policy_string

    subjects: dict[str, set[str]] = {issue: set() for policy_name, issue in EXPECTED if policy_name == name}
    for finding in analyze(json.dumps(policy), include_community_auditors=False).findings:
        subjects.setdefault(finding.issue, set()).update(_subjects(finding))
    found = []
    for issue, named in subjects.items():
        expected, _ = EXPECTED.get((name, issue), (set[str](), ""))
        found += [f"{name}: {issue}: {subject}" for subject in sorted(named - expected)]
        found += [f"{name}: {issue} is expected of {subject}, and not found" for subject in sorted(expected - named)]
    return found


def _subjects(finding: Any) -> set[str]:
    """Return the actions or the text that a finding is about."""
    if isinstance(finding.detail, list):
        return {part["action"] if isinstance(part, dict) else str(part) for part in finding.detail}
    return {str(finding.location.get("string", finding.detail))}


def all_policies() -> list[tuple[str, dict[str, Any]]]:
    """Return each policy of the template as all conditions hold, and the one of the person who deploys."""
    parsed = parse_long_forms(TEMPLATE.read_text())
    choice = dict.fromkeys(condition_names(parsed), True)
    template = with_parameters(decided(parsed, choice), choice)
    return [*policies(template), (DEPLOYING.name, json.loads(DEPLOYING.read_text()))]


def _reference(name: str, template: Mapping[str, Any]) -> Any:
    if name in PSEUDO:
        return PSEUDO[name]
    if name in template["Parameters"]:
        parameter = template["Parameters"][name]
        default = parameter["Default"]
        return str(default).split(",") if parameter["Type"] == "CommaDelimitedList" else default
    kind = template["Resources"][name]["Type"]
    return _arn(name, template) if kind == "AWS::Serverless::StateMachine" else name.lower()


def _arn(name: str, template: Mapping[str, Any]) -> str:
    return ARNS[template["Resources"][name]["Type"]].format(name.lower())


def _substituted(text: str, template: Mapping[str, Any], variables: Mapping[str, Any]) -> str:
    def replace(match: re.Match[str]) -> str:
        name = match[1]
        if name in variables:
            return str(resolved(variables[name], template))
        return _arn(name[:-4], template) if name.endswith(".Arn") else str(_reference(name, template))

    return re.sub(r"\$\{([^}!]+)\}", replace, text)


def main() -> int:
    """Print every finding, and return how many there are."""
    read = all_policies()
    wrong = [finding for name, policy in read for finding in findings(name, policy)]
    print("\n".join([*wrong, f"{len(read)} policies: {len(wrong) or 'no'} findings"]))
    return len(wrong)


if __name__ == "__main__":
    sys.exit(bool(main()))
