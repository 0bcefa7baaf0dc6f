"""Whether the caller may deploy, by IAM's own simulation of the rights in infra/policies/deploy.json."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError

from hundredfold_cli.doctor.finding import Finding
from hundredfold_cli.stack.checkout import DEPLOYING_POLICY, unpack

NAME = "hundredfold"
"""What the names of resources begin with in the policy. A stack of another name has its own name in its place."""
SHOWN = 5
"""How many missing rights are named; there may be a hundred."""


def examine_rights(iam: Any, arn: str, account: str, region: str, stack: str) -> Finding:
    """Simulate each statement of the policy for the caller.

    A right counts if it is allowed for one of the statement's resources. Service control policies are not simulated:
    https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

    Parameters
    ----------
    arn : of the caller, as STS has it
    """
    if arn.endswith(":root"):
        return Finding("rights", "those of the root user, who may do everything")
    unpack()
    policy = json.loads(DEPLOYING_POLICY.read_bytes())
    source = principal(iam, arn)
    denied = [
        action
        for statement in policy["Statement"]
        for action in _denied(iam, source, statement, account, region, stack, arn.split(":")[1])
    ]
    if not denied:
        return Finding("rights", f"all {sum(len(one['Action']) for one in policy['Statement'])} rights to deploy")
    more = f" and {len(denied) - SHOWN} more" if len(denied) > SHOWN else ""
    return Finding(
        "rights",
        f"{len(denied)} are missing: {', '.join(denied[:SHOWN])}{more}",
        f"give {source} the policy infra/policies/deploy.json: docs/aws.md",
    )


def principal(iam: Any, arn: str) -> str:
    """Return the user or role that IAM can simulate: of a session, the role that it has assumed.

    A session's ARN lacks the path of its role. Roles of IAM Identity Center have one, so IAM is asked for the role:
    https://docs.aws.amazon.com/singlesignon/latest/userguide/referencingpermissionsets.html
    """
    _, partition, service, _, account, resource = arn.split(":", 5)
    if service != "sts" or not resource.startswith("assumed-role/"):
        return arn
    role = resource.split("/")[1]
    try:
        return str(iam.get_role(RoleName=role)["Role"]["Arn"])
    except ClientError:
        return f"arn:{partition}:iam::{account}:role/{role}"


def concrete(pattern: str, account: str, region: str, stack: str, partition: str) -> str:
    """Return a resource that a pattern of the policy is for, since IAM simulates no patterns.

    Examples
    --------
    >>> concrete("arn:aws:dynamodb:*:*:table/hundredfold*", "123456789012", "eu-west-1", "orders", "aws")
    'arn:aws:dynamodb:eu-west-1:123456789012:table/orders-x'
    """
    if pattern == "*":
        return pattern
    _, _, service, its_region, its_account, resource = pattern.split(":", 5)
    parts = ("arn", partition, service, its_region.replace("*", region), its_account.replace("*", account))
    return ":".join((*parts, resource.replace(f"{NAME}*", f"{stack}-x").replace("*", "x")))


def _denied(
    iam: Any, source: str, statement: Mapping[str, Any], account: str, region: str, stack: str, partition: str
) -> Iterator[str]:
    resources = statement["Resource"] if isinstance(statement["Resource"], list) else [statement["Resource"]]
    request: dict[str, Any] = {
        "PolicySourceArn": source,
        "ActionNames": statement["Action"],
        "ResourceArns": [concrete(resource, account, region, stack, partition) for resource in resources],
    }
    if condition := statement.get("Condition"):
        request["ContextEntries"] = [
            {"ContextKeyName": key, "ContextKeyValues": values[:1], "ContextKeyType": "string"}
            for key, values in condition["StringEquals"].items()
        ]
    allowed = {
        result["EvalActionName"]
        for page in iam.get_paginator("simulate_principal_policy").paginate(**request)
        for result in page["EvaluationResults"]
        if result["EvalDecision"] == "allowed"
    }
    yield from (action for action in statement["Action"] if action not in allowed)
