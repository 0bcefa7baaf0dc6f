"""Least privilege: what each deployed role may do is what it does, and nothing beyond it.

What is expected is written down here by hand, from what the code calls; the roles are asked through IAM itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support.deployed import DECRYPT_KEY, STREAM, TABLES, Stack

ACCOUNT = "000000000000"
REGION = "us-east-1"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:hundredfold"
KINESIS_STREAM = f"arn:aws:kinesis:{REGION}:{ACCOUNT}:stream/{STREAM}"
SOURCE_TABLE = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table/{TABLES}1"
STATES = f"arn:aws:states:{REGION}:{ACCOUNT}"


@dataclass(frozen=True)
class Role:
    """A role, named as in the template.

    Attributes
    ----------
    does : each action, with a resource that it is needed for
    not_resource : an allowed action, with a resource beyond the role's
    not_action : an action beyond the role's, with a resource of the role's
    conditions : of the statements that have one, by their first action; the local stack's IAM is not told what a call
        says of itself, and so denies what they allow
    """

    name: str
    does: list[tuple[str, str]]
    not_resource: tuple[str, str]
    not_action: tuple[str, str]
    conditions: Mapping[str, Any] = field(default_factory=dict)


# {source}, {work}: the buckets' ARNs; {predictions}, {ledger}: the tables'
ROLES = [
    Role(
        "PlanIngestRole",
        does=[
            ("s3:GetObject", "{source}/uploads/i1/0123/records.jsonl"),
            ("s3:ListBucket", "{source}"),
            ("s3:GetObject", "arn:aws:s3:::records-of-others/shared/records.jsonl"),
            ("s3:ListBucket", "arn:aws:s3:::records-of-others"),
            ("s3:PutObject", "{work}/ingests/i1/manifest.json"),
            ("s3:GetObject", "{work}/ingests/i1/manifest.json"),
            ("s3:PutObject", "{work}/ingests/i1/partitions/i1/000000.batches.jsonl"),
            ("s3:GetObject", "{work}/ingests/i1/partitions/i1/000000.batches.jsonl"),
            ("s3:ListBucket", "{work}"),
            ("dynamodb:PutItem", "{ledger}"),
            ("dynamodb:UpdateItem", "{ledger}"),
            ("dynamodb:GetItem", "{ledger}"),
            ("dynamodb:Query", "{ledger}"),
            ("s3:AbortMultipartUpload", "{work}/ingests/i1/staged/000000.jsonl"),
            ("dynamodb:DescribeTable", SOURCE_TABLE),
            ("dynamodb:Scan", SOURCE_TABLE),
            ("kms:Decrypt", DECRYPT_KEY),
            ("dynamodb:Query", f"{SOURCE_TABLE}/index/by-shelf"),
            ("lambda:GetAlias", f"{FUNCTION}-infer-batch:live"),
            ("lambda:GetFunctionConfiguration", f"{FUNCTION}-infer-batch:7"),
            ("lambda:InvokeFunction", f"{FUNCTION}-infer-batch:7"),
            ("s3:GetObject", "{work}/models/ab12.json"),
            ("s3:PutObject", "{work}/ingests/i1/card.json"),
            ("logs:CreateLogStream", "{logs}plan-ingest:log-stream:s"),
            ("logs:PutLogEvents", "{logs}plan-ingest:log-stream:s"),
        ],
        not_resource=("dynamodb:PutItem", "{predictions}"),
        not_action=("s3:PutObject", "{source}/uploads/i1/0123/records.jsonl"),
    ),
    Role(
        "InferBatchRole",
        does=[
            ("kms:Decrypt", DECRYPT_KEY),
            ("s3:GetObject", "{source}/uploads/i1/0123/records.jsonl"),
            ("s3:ListBucket", "{source}"),
            ("s3:GetObject", "arn:aws:s3:::records-of-others/shared/records.jsonl"),
            ("s3:ListBucket", "arn:aws:s3:::records-of-others"),
            ("s3:PutObject", "{work}/ingests/i1/rejected/00000000.jsonl"),
            ("s3:DeleteObject", "{work}/ingests/i1/rejected/00000000.jsonl"),
            ("s3:GetObject", "{work}/ingests/i1/staged/000000.jsonl"),
            ("dynamodb:UpdateItem", SOURCE_TABLE),
            *(
                (f"kinesis:{action}", KINESIS_STREAM)
                for action in (
                    "DescribeStream", "DescribeStreamSummary", "GetRecords", "GetShardIterator", "ListShards",
                )
            ),
            # Its stream is Kinesis'. The policy names actions of both services, and this ARN is neither's.
            ("dynamodb:DescribeStream", KINESIS_STREAM),
            ("dynamodb:GetRecords", KINESIS_STREAM),
            ("dynamodb:GetShardIterator", KINESIS_STREAM),
            ("dynamodb:ListStreams", "*"),
            ("s3:PutObject", "{work}/streams/tests-reviews/rejected/shardId-0/1.json"),
            ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:hundredfold-stream-failures"),
            ("dynamodb:BatchWriteItem", "{predictions}"),
            ("dynamodb:DeleteItem", "{predictions}"),
            ("dynamodb:PutItem", "{ledger}"),
            ("logs:CreateLogStream", "{logs}infer-batch:log-stream:s"),
            ("logs:PutLogEvents", "{logs}infer-batch:log-stream:s"),
        ],
        not_resource=("s3:PutObject", "{work}/ingests/i1/manifest.json"),
        not_action=("dynamodb:Scan", "{predictions}"),
    ),
    Role(
        "SummarizeIngestRole",
        does=[
            ("s3:GetObject", "{work}/ingests/i1/card.json"),
            ("dynamodb:Query", "{ledger}"),
            ("dynamodb:GetItem", "{ledger}"),
            ("dynamodb:PutItem", "{ledger}"),
            ("s3:PutObject", "{work}/index/i1/i1.bin"),
            ("s3:AbortMultipartUpload", "{work}/index/i1/i1.bin"),
            ("events:PutEvents", "{bus}"),
            ("logs:CreateLogStream", "{logs}summarize-ingest:log-stream:s"),
            ("logs:PutLogEvents", "{logs}summarize-ingest:log-stream:s"),
        ],
        not_resource=("dynamodb:GetItem", "{predictions}"),
        not_action=("dynamodb:DeleteItem", "{ledger}"),
        conditions={
            "events:PutEvents": {
                "StringEquals": {
                    "events:source": "hundredfold",
                    "events:detail-type": ["IngestCompleted", "IngestFailed", "IngestCorrected"],
                }
            }
        },
    ),
    Role(
        "StartIngestRole",
        does=[
            ("states:StartExecution", f"{STATES}:stateMachine:hundredfold-batch-inference"),
            ("sqs:SendMessage", f"arn:aws:sqs:{REGION}:{ACCOUNT}:hundredfold-not-started"),
            ("logs:CreateLogStream", "{logs}start-ingest:log-stream:s"),
            ("logs:PutLogEvents", "{logs}start-ingest:log-stream:s"),
        ],
        not_resource=("states:StartExecution", f"{STATES}:stateMachine:another"),
        not_action=("states:StopExecution", f"{STATES}:execution:hundredfold-batch-inference:i1"),
    ),
    Role(
        "BatchInferenceRole",
        does=[
            # PlanIngest, PlanPartition, JoinPartitions, SummarizeIngest, InferBatch, and what records a failure
            ("lambda:InvokeFunction", f"{FUNCTION}-plan-ingest"),
            ("lambda:InvokeFunction", f"{FUNCTION}-summarize-ingest"),
            ("lambda:InvokeFunction", f"{FUNCTION}-infer-batch:17"),
            ("dynamodb:UpdateItem", "{ledger}"),
            # PlanPartitions and InferBatches: their ItemReaders, their ResultWriters, their children
            ("s3:GetObject", "{work}/ingests/i1/partitions/i1/partitions.json"),
            ("s3:PutObject", "{work}/ingests/i1/partitions/i1/map-run/m/manifest.json"),
            ("s3:GetObject", "{work}/ingests/i1/manifest.json"),
            ("s3:PutObject", "{work}/ingests/i1/map-run/m/manifest.json"),
            ("s3:ListMultipartUploadParts", "{work}/ingests/i1/map-run/m/manifest.json"),
            ("s3:AbortMultipartUpload", "{work}/ingests/i1/map-run/m/manifest.json"),
            ("states:StartExecution", f"{STATES}:stateMachine:hundredfold-batch-inference"),
            ("states:DescribeExecution", f"{STATES}:execution:hundredfold-batch-inference:i1"),
            ("states:StopExecution", f"{STATES}:execution:hundredfold-batch-inference:i1"),
            ("states:RedriveExecution", f"{STATES}:execution:hundredfold-batch-inference/InferBatches:0123"),
            # its logging, which AWS gives no narrower resource for
            *(
                (f"logs:{action}", "*")
                for action in (
                    "CreateLogDelivery", "GetLogDelivery", "UpdateLogDelivery", "DeleteLogDelivery",
                    "ListLogDeliveries", "PutResourcePolicy", "DescribeResourcePolicies", "DescribeLogGroups",
                )
            ),
        ],
        not_resource=("lambda:InvokeFunction", f"{FUNCTION}-other"),
        not_action=("dynamodb:PutItem", "{ledger}"),
    ),
]  # fmt: skip


class Roles:
    """The deployed roles, and the ARNs of what they work on."""

    def __init__(self, stack: Stack) -> None:
        deployment = stack.deployment
        self.iam: Any = deployment.session.client("iam", endpoint_url=deployment.endpoint)
        client: Any = deployment.session.client("cloudformation", endpoint_url=deployment.endpoint)
        resources = client.list_stack_resources(StackName="hundredfold")["StackResourceSummaries"]
        self._names = {item["LogicalResourceId"]: item["PhysicalResourceId"] for item in resources}
        table = f"arn:aws:dynamodb:{REGION}:{ACCOUNT}:table"
        self._arns = {
            "source": f"arn:aws:s3:::{deployment.source_bucket}",
            "work": f"arn:aws:s3:::{deployment.work_bucket}",
            "predictions": f"{table}/{deployment.predictions_table}",
            "ledger": f"{table}/{deployment.ledger_table}",
            "bus": f"arn:aws:events:{REGION}:{ACCOUNT}:event-bus/default",
            "logs": f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:/aws/lambda/hundredfold-",
        }

    def decision(self, role: str, action: str, resource: str) -> str:
        """Ask IAM what it decides: allowed, implicitDeny or explicitDeny."""
        arn = self.iam.get_role(RoleName=self._names[role])["Role"]["Arn"]
        answer = self.iam.simulate_principal_policy(
            PolicySourceArn=arn,
            ActionNames=[action],
            ResourceArns=[resource.format(**self._arns)],
        )
        return str(answer["EvaluationResults"][0]["EvalDecision"])

    def statements(self, role: str) -> list[dict[str, Any]]:
        """Read all statements of a role, all of which are inline."""
        name = self._names[role]
        assert self.iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"] == []
        policies = [
            self.iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in self.iam.list_role_policies(RoleName=name)["PolicyNames"]
        ]
        documents = [json.loads(policy) if isinstance(policy, str) else policy for policy in policies]
        return [statement for document in documents for statement in document["Statement"]]


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.fixture(scope="module")
def roles(stack: Stack) -> Roles:
    return Roles(stack)


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_may_do_what_it_does(roles: Roles, role: Role) -> None:
    does = [one for one in role.does if one[0] not in role.conditions]

    decisions = {(action, resource): roles.decision(role.name, action, resource) for action, resource in does}

    assert decisions == dict.fromkeys(does, "allowed")


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_names_no_action_more(roles: Roles, role: Role) -> None:
    actions = {action for statement in roles.statements(role.name) for action in as_list(statement["Action"])}

    assert actions == {action for action, _ in role.does}


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_is_denied_another_resource_and_another_action(roles: Roles, role: Role) -> None:
    assert roles.decision(role.name, *role.not_resource) == "implicitDeny"
    assert roles.decision(role.name, *role.not_action) == "implicitDeny"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_role_has_the_conditions_that_are_written_down(roles: Roles, role: Role) -> None:
    conditions = {
        as_list(statement["Action"])[0]: statement["Condition"]
        for statement in roles.statements(role.name)
        if "Condition" in statement
    }

    assert conditions == role.conditions
    for action, resource in role.does:
        if action in role.conditions:
            assert roles.decision(role.name, action, resource) == "implicitDeny"


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role.name)
def test_a_resource_is_a_wildcard_only_where_aws_has_no_narrower_one(roles: Roles, role: Role) -> None:
    wildcards = [
        statement.get("Sid") for statement in roles.statements(role.name) if "*" in as_list(statement["Resource"])
    ]

    assert wildcards == {"BatchInferenceRole": ["DeliverLogs"], "InferBatchRole": ["FindStream"]}.get(role.name, [])


@pytest.mark.parametrize("bucket", ["source_bucket", "work_bucket"])
def test_a_bucket_is_private_encrypted_and_speaks_tls_only(stack: Stack, bucket: str) -> None:
    s3 = stack.deployment.s3
    name = getattr(stack.deployment, bucket)

    assert s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"] == {
        "BlockPublicAcls": True, "IgnorePublicAcls": True, "BlockPublicPolicy": True, "RestrictPublicBuckets": True,
    }  # fmt: skip
    rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
    assert rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "AES256"
    [statement] = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
    assert (statement["Effect"], statement["Action"], statement["Condition"]) == (
        "Deny", "s3:*", {"Bool": {"aws:SecureTransport": "false"}},
    )  # fmt: skip
    assert sorted(statement["Resource"]) == [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
    versioned = s3.get_bucket_versioning(Bucket=name).get("Status")
    assert versioned == ("Enabled" if bucket == "source_bucket" else None)
