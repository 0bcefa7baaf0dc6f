"""The policy of the person who deploys has what `remove` and `model prune` call, on this stack's things only."""

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase

import pytest

from hundredfold_cli.models.pruning import Pruner
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.contents import SAM_STACK
from hundredfold_cli.stack.removal import DESCRIPTION, remove, take_inventory
from tests.unit.hundredfold_cli.account_in_memory import SAM_BUCKET, Account, layer
from tests.unit.hundredfold_cli.models import test_pruning
from tools.workflow.template import listed

POLICY = json.loads((ROOT / "infra/policies/deploy.json").read_text())

STACK = "hundredfold"
SAMS = "aws-sam-cli-managed-default-1"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:hundredfold-infer-batch"
LAYER = "arn:aws:lambda:us-east-1:123456789012:layer:hundredfold-core"
MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:hundredfold-batch-inference"
EXECUTION = "arn:aws:states:us-east-1:123456789012:execution:hundredfold-batch-inference:i1"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/hundredfold-LedgerTable-1"
CLOUDFORMATION = "arn:aws:cloudformation:us-east-1:123456789012:stack/hundredfold/0"
BUCKET = "arn:aws:s3:::hundredfold-source-123456789012-us-east-1"
OBJECT = f"{BUCKET}/uploads/a"

RIGHTS: Mapping[tuple[str, str], list[tuple[str, str]]] = {
    ("CloudFormation", "describe_stacks"): [("cloudformation:DescribeStacks", CLOUDFORMATION)],
    ("CloudFormation", "list_stack_resources"): [("cloudformation:ListStackResources", CLOUDFORMATION)],
    ("CloudFormation", "get_template"): [("cloudformation:GetTemplate", CLOUDFORMATION)],
    ("CloudFormation", "delete_stack"): [("cloudformation:DeleteStack", CLOUDFORMATION)],
    ("Lambda", "list_layer_versions"): [("lambda:ListLayerVersions", "*")],
    ("Lambda", "delete_layer_version"): [("lambda:DeleteLayerVersion", f"{LAYER}:1")],
    ("Lambda", "list_versions_by_function"): [("lambda:ListVersionsByFunction", FUNCTION)],
    ("S3", "head_bucket"): [("s3:ListBucket", BUCKET), ("s3:ListBucket", f"arn:aws:s3:::{SAMS}")],
    ("S3", "list_object_versions"): [
        ("s3:ListBucketVersions", BUCKET), ("s3:ListBucketVersions", f"arn:aws:s3:::{SAMS}"),
    ],
    # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
    ("S3", "delete_objects"): [
        (f"s3:DeleteObject{version}", key)
        for version in ("", "Version")
        for key in (OBJECT, f"arn:aws:s3:::{SAMS}/hundredfold/0123")
    ],
    ("S3", "list_multipart_uploads"): [("s3:ListBucketMultipartUploads", BUCKET), ("s3:AbortMultipartUpload", OBJECT)],
    ("S3", "delete_bucket"): [("s3:DeleteBucket", BUCKET)],
    ("DynamoDB", "describe_table"): [("dynamodb:DescribeTable", TABLE)],
    ("DynamoDB", "delete_table"): [("dynamodb:DeleteTable", TABLE)],
    ("Logs", "describe_log_groups"): [("logs:DescribeLogGroups", "*")],
    ("Logs", "delete_log_group"): [
        ("logs:DeleteLogGroup", "arn:aws:logs:us-east-1:123456789012:log-group:/aws/lambda/hundredfold-infer-batch"),
    ],
    ("StepFunctions", "list_executions"): [("states:ListExecutions", MACHINE)],
    ("StepFunctions", "stop_execution"): [("states:StopExecution", EXECUTION)],
}  # fmt: skip
"""What each call needs, and on what. Who may call GetCallerIdentity is everybody."""

OF_RELEASES = [
    ("lambda:DeleteFunction", f"{FUNCTION}:7"), ("lambda:GetAlias", f"{FUNCTION}:live"),
    ("dynamodb:GetItem", TABLE), ("dynamodb:PutItem", TABLE), ("dynamodb:DeleteItem", TABLE),
]  # fmt: skip
"""What pruning calls by the releases: versions and the lock. It reads the ledger and executions too, which who works
with ingests may."""


def allowed(action: str, arn: str) -> bool:
    return any(
        action in listed(statement["Action"]) and any(fnmatchcase(arn, one) for one in listed(statement["Resource"]))
        for statement in POLICY["Statement"]
    )


@pytest.fixture(scope="module")
def called() -> set[tuple[str, str]]:
    """All operations that a removal and a prune call."""
    removing = Account(
        statuses={STACK: "UPDATE_COMPLETE", SAM_STACK: "CREATE_COMPLETE"},
        templates={STACK: DESCRIPTION},
        resources={
            STACK: [
                ("LedgerTable", "AWS::DynamoDB::Table", "t"),
                ("BatchInference", "AWS::StepFunctions::StateMachine", MACHINE),
            ]
        },
        layers={f"{STACK}-core": [1]},
        objects={f"{STACK}-work-123456789012-us-east-1": [("a", "v1")], SAM_BUCKET: [(f"{STACK}/a", "v1")]},
        tables={"t": 1},
        log_groups={f"/aws/lambda/{STACK}-infer-batch"},
        running=["i1"],
    )
    remove(removing.contents(STACK), take_inventory(removing.contents(STACK)), False, lambda _: None)
    pruning = test_pruning.account()
    test_pruning.pruner(pruning, "1").prune(1)
    assert isinstance(test_pruning.pruner(pruning), Pruner)
    assert layer("s-core", 1) not in str(pruning.layers)
    return removing.operations | pruning.operations


def test_what_each_call_needs_is_known(called: set[tuple[str, str]]) -> None:
    assert called == set(RIGHTS)


def test_who_may_deploy_may_do_all_that_is_called() -> None:
    needed = [*(right for rights in RIGHTS.values() for right in rights), *OF_RELEASES]

    assert [right for right in needed if not allowed(*right)] == []


@pytest.mark.parametrize(
    ("action", "arn"),
    [
        ("s3:DeleteObjectVersion", f"arn:aws:s3:::{SAMS}/another-stack/0123"),
        ("s3:DeleteObject", "arn:aws:s3:::somebody-elses/key"),
        ("states:StopExecution", "arn:aws:states:us-east-1:123456789012:execution:shop:1"),
        ("dynamodb:DeleteTable", "arn:aws:dynamodb:us-east-1:123456789012:table/shop"),
    ],
)
def test_what_belongs_to_others_stays(action: str, arn: str) -> None:
    assert not allowed(action, arn)
