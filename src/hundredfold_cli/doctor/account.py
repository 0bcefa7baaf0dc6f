"""What a deployment needs of the account: credentials, a region, concurrent executions, and names that are free."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import NOT_FOUND, configuration_advice, error_code, error_name
from hundredfold_cli.doctor.finding import Finding
from hundredfold_cli.doctor.rights import examine_rights
from hundredfold_cli.estimates.scenario import GROUP_BATCHES, GROUPS_AT_ONCE
from hundredfold_cli.stack.deployment import FUNCTIONS

PARTITIONS = {"aws": "", "aws-cn": "China", "aws-us-gov": "GovCloud"}
"""https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html"""
GONE = NOT_FOUND | {"StateMachineDoesNotExist", "ValidationError"}
"""What services answer about a thing that is not there."""
UPDATABLE = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "REVIEW_IN_PROGRESS"}
)
"""States of a stack that can be deployed.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/view-stack-events.html"""
DOCUMENTATION = "docs/aws.md"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who calls AWS, and where."""

    arn: str
    account: str
    partition: str
    region: str


class AccountClients:
    """Clients of one account. They are made when they are needed, since a region may be missing."""

    def __init__(self, session: boto3.Session, endpoint: str | None) -> None:
        self._session = session
        self._endpoint = endpoint

    @property
    def region(self) -> str | None:
        return self._session.region_name

    def __call__(self, service: Any) -> Any:
        return self._session.client(service, endpoint_url=self._endpoint)


def examine_account(clients: AccountClients, stack: str, *, local: bool) -> list[Finding]:
    """Look at the account, from its credentials on; what needs them is left out without them.

    Parameters
    ----------
    stack : the name to deploy under
    local : of the local stack, whose account is not a real one
    """
    findings = [] if local else [endpoint(os.environ), region(clients)]
    try:
        identity = caller(clients)
    except (BotoCoreError, ClientError) as error:
        advice = configuration_advice(error) or f"run aws sts get-caller-identity, and see {DOCUMENTATION}"
        findings.append(Finding("credentials", f"not accepted ({error_name(error)})", advice))
        findings.append(
            Finding("account", "not looked at, without credentials", "mend the credentials, and look again")
        )
        return findings
    findings.append(Finding("credentials", f"{identity.arn} of account {identity.account}"))
    findings.append(partition(identity))
    looks: tuple[tuple[str, Callable[[], Finding]], ...] = (
        ("concurrent executions", lambda: concurrency(clients("lambda").get_account_settings()["AccountLimit"])),
        ("names", lambda: names(clients, stack, identity)),
        ("rights", lambda: examine_rights(clients("iam"), identity.arn, identity.account, identity.region, stack)),
    )
    return [*findings, *(_looked(subject, look) for subject, look in looks)]


def endpoint(environment: Mapping[str, str]) -> Finding:
    """Say where requests go. A variable of the local stack that is still set leads them to it."""
    if url := environment.get("AWS_ENDPOINT_URL"):
        return Finding("endpoint", f"AWS_ENDPOINT_URL leads to {url}", "unset AWS_ENDPOINT_URL, to reach AWS")
    return Finding("endpoint", "AWS")


def region(clients: AccountClients) -> Finding:
    """Say which region it is."""
    if clients.region:
        return Finding("region", clients.region)
    return Finding("region", "none", "set AWS_DEFAULT_REGION, or run: aws configure set region REGION")


def caller(clients: AccountClients) -> Identity:
    """Ask who the caller is; raises BotoCoreError or ClientError if nobody can be asked or knows the credentials."""
    answer = clients("sts").get_caller_identity()
    return Identity(answer["Arn"], answer["Account"], answer["Arn"].split(":")[1], clients.region or "")


def partition(identity: Identity) -> Finding:
    """Say which partition it is."""
    where = PARTITIONS.get(identity.partition)
    if where is None:
        action = f"deploy to one of the partitions {', '.join(PARTITIONS)}: the template knows no other"
        return Finding("partition", identity.partition, action)
    return Finding("partition", f"{identity.partition}{f' ({where})' if where else ''}")


def concurrency(limits: Mapping[str, Any]) -> Finding:
    """Compare the account's concurrent executions with what an ingest calls at once.

    https://docs.aws.amazon.com/lambda/latest/api/API_AccountLimit.html
    """
    in_all, free = limits["ConcurrentExecutions"], limits["UnreservedConcurrentExecutions"]
    at_once = GROUPS_AT_ONCE * GROUP_BATCHES
    detail = f"{in_all:,} in this region, {in_all - free:,} of them reserved by functions; an ingest uses {at_once}"
    if free >= at_once:
        return Finding("concurrent executions", detail)
    return Finding(
        "concurrent executions",
        detail,
        f"deploy with --parameter GroupBatches={max(1, free - 2)}, or have the quota raised: "
        "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
        "--desired-value 1000",
    )


def names(clients: AccountClients, stack: str, identity: Identity) -> Finding:
    """Look whether the stack can be deployed, and for a first deployment whether its names are free."""
    status = stack_status(clients("cloudformation"), stack)
    if status in UPDATABLE:
        return Finding("names", f"stack {stack} is {status}, and is updated")
    if status and status.endswith("_IN_PROGRESS"):
        return Finding("names", f"stack {stack} is {status}", "wait until that has ended, and look again")
    if status and not status.startswith("DELETE_COMPLETE"):
        return Finding("names", f"stack {stack} is {status}", f"run hundredfold --stack {stack} remove, then deploy")
    if used := sorted(taken(clients, stack, identity)):
        return Finding(
            "names",
            f"taken already: {', '.join(used)}",
            f"remove them, or deploy under another name: hundredfold --stack {stack}-2 deploy",
        )
    return Finding("names", f"all that begin with {stack}- are free")


def stack_status(cloudformation: Any, stack: str) -> str | None:
    """Return the state of a stack; None if there is none."""
    try:
        return str(cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"])
    except ClientError as error:
        if error_code(error) in GONE:
            return None
        raise


def taken(clients: AccountClients, stack: str, identity: Identity) -> list[str]:
    """Return the names that the template gives and that are taken: buckets, functions, log groups, state machine."""
    s3, lambda_ = clients("s3"), clients("lambda")
    machine = f"{stack}-batch-inference"
    machines = f"arn:{identity.partition}:states:{identity.region}:{identity.account}:stateMachine"
    looks: list[tuple[str, Callable[[], object]]] = [
        *(
            (f"bucket {bucket}", lambda bucket=bucket: s3.head_bucket(Bucket=bucket))
            for bucket in (f"{stack}-{kind}-{identity.account}-{identity.region}" for kind in ("source", "work"))
        ),
        *(
            (f"function {name}", lambda name=name: lambda_.get_function_configuration(FunctionName=name))
            for name in (f"{stack}-{function}" for function in FUNCTIONS)
        ),
        (
            f"state machine {machine}",
            lambda: clients("stepfunctions").describe_state_machine(stateMachineArn=f"{machines}:{machine}"),
        ),
    ]
    groups = clients("logs").describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{stack}-")["logGroups"]
    ours = {f"/aws/lambda/{stack}-{function}" for function in FUNCTIONS}
    return [
        *(name for name, look in looks if _is_there(look)),
        *(f"log group {group['logGroupName']}" for group in groups if group["logGroupName"] in ours),
    ]


def _is_there(look: Callable[[], object]) -> bool:
    """Look for one thing. A bucket of another account answers 403, and its name is taken too."""
    try:
        look()
    except ClientError as error:
        return error_code(error) not in GONE
    return True


def _looked(subject: str, look: Callable[[], Finding]) -> Finding:
    """Look, and say what is missing if AWS refuses to answer."""
    try:
        return look()
    except ClientError as error:
        action = f"give yourself the rights in infra/policies/deploy.json: {DOCUMENTATION}"
        return Finding(subject, f"{error.operation_name} was refused: {error_code(error)}", action)
    except BotoCoreError as error:
        return Finding(subject, error_name(error), configuration_advice(error) or "look at the network, and try again")
