"""Roles and policies of the template: who may assume a role, and that it covers the keys which the code uses."""

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import pytest

from hundredfold import keys
from tools.workflow.template import TEMPLATE, Template, branches, functions, listed, parse_long_forms, resource_named

ROLE = "AWS::IAM::Role"

USERS = {
    "BatchInferenceRole": ("BatchInference", "states.amazonaws.com"),
    "PlanIngestRole": ("PlanIngestFunction", "lambda.amazonaws.com"),
    "InferBatchRole": ("InferBatchFunction", "lambda.amazonaws.com"),
    "SummarizeIngestRole": ("SummarizeIngestFunction", "lambda.amazonaws.com"),
    "StartIngestRole": ("StartIngestFunction", "lambda.amazonaws.com"),
}
"""What runs with each role, and the service that assumes it."""

NEEDED = [
    ("PlanIngestRole", "s3:PutObject", keys.manifest_key("i1")),
    ("PlanIngestRole", "s3:GetObject", keys.manifest_key("i1")),
    ("PlanIngestRole", "s3:PutObject", keys.resumed_manifest_key("i1", "i1.resume-1")),
    ("PlanIngestRole", "s3:PutObject", keys.staged_key("i1", 0)),
    ("PlanIngestRole", "s3:PutObject", keys.partitions_key("i1", "i1")),
    ("PlanIngestRole", "s3:GetObject", keys.partition_ranges_key("i1", "i1", 0)),
    ("PlanIngestRole", "s3:GetObject", keys.partition_batches_key("i1", "i1", 0)),
    ("PlanIngestRole", "s3:PutObject", keys.card_key("i1")),
    ("PlanIngestRole", "s3:PutObject", keys.earlier_card_key("i1", "7")),
    ("PlanIngestRole", "s3:GetObject", keys.model_card_key("ab12")),
    ("InferBatchRole", "s3:GetObject", keys.staged_key("i1", 0)),
    ("InferBatchRole", "s3:PutObject", keys.rejections_key("i1", 0)),
    ("InferBatchRole", "s3:DeleteObject", keys.rejections_key("i1", 0)),
    ("SummarizeIngestRole", "s3:GetObject", keys.card_key("i1")),
    ("SummarizeIngestRole", "s3:GetObject", keys.earlier_card_key("i1", "7")),
    ("SummarizeIngestRole", "s3:PutObject", keys.index_key("i1", "i1.resume-1")),
    ("BatchInferenceRole", "s3:GetObject", keys.manifest_key("i1")),
    ("BatchInferenceRole", "s3:GetObject", keys.resumed_manifest_key("i1", "i1.resume-1")),
    ("BatchInferenceRole", "s3:GetObject", keys.partitions_key("i1", "i1")),
]
"""Which role does what to which object of the work bucket."""

DENIED = [
    ("InferBatchRole", "s3:PutObject", keys.manifest_key("i1")),
    ("InferBatchRole", "s3:PutObject", keys.card_key("i1")),
    ("InferBatchRole", "s3:GetObject", keys.rejections_key("i1", 0)),
    ("SummarizeIngestRole", "s3:GetObject", keys.manifest_key("i1")),
    ("SummarizeIngestRole", "s3:GetObject", keys.index_key("i1", "i1")),
    ("PlanIngestRole", "s3:PutObject", keys.model_card_key("ab12")),
]


def statements(role: str, template: Template) -> Iterator[dict[str, Any]]:
    for policy in template.properties(role)["Policies"]:
        yield from policy["PolicyDocument"]["Statement"]


def may(role: str, action: str, key: str, template: Template) -> bool:
    """Say whether a role may do something to an object of the work bucket."""
    patterns = [
        resource["Fn::Sub"].removeprefix("${WorkBucket.Arn}/")
        for statement in statements(role, template)
        if action in listed(statement["Action"])
        for resource in listed(statement["Resource"])
        if resource_named(resource) == "WorkBucket" and "Fn::Sub" in resource
    ]
    return any(fnmatchcase(key, pattern) for pattern in patterns)


@pytest.mark.parametrize(("role", "action", "key"), NEEDED)
def test_a_role_covers_the_keys_that_its_function_uses(role: str, action: str, key: str, template: Template) -> None:
    assert may(role, action, key, template)


@pytest.mark.parametrize(("role", "action", "key"), DENIED)
def test_a_role_covers_no_key_of_others(role: str, action: str, key: str, template: Template) -> None:
    assert not may(role, action, key, template)


def test_an_upload_of_the_command_starts_no_ingest(template: Template) -> None:
    [pattern] = template.properties("ArrivalRule")["EventPattern"]["detail"]["object"]["key"]

    assert not keys.upload_key("i1", "0123").startswith(pattern["prefix"])


@pytest.mark.parametrize("role", USERS)
def test_only_its_service_for_this_account_may_assume_a_role_and_only_one_thing_has_it(
    role: str, template: Template
) -> None:
    user, service = USERS[role]

    assert template.properties(role)["AssumeRolePolicyDocument"] == {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            }
        ],
    }
    users = [
        name
        for name, resource in template.resources.items()
        if resource_named(resource.get("Properties", {}).get("Role")) == role
    ]
    assert users == [user]


def test_every_role_is_known_and_has_the_policy_for_tracing(template: Template) -> None:
    roles = template.of_type(ROLE)

    assert set(roles) == set(USERS)
    assert all(role["ManagedPolicyArns"] == [{"Ref": "TracePolicy"}] for role in roles.values())
    assert template.resources["TracePolicy"]["Condition"] == "Traced"


def test_every_role_may_ask_which_calls_to_trace(template: Template) -> None:
    [statement] = template.properties("TracePolicy")["PolicyDocument"]["Statement"]

    # https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSXRayDaemonWriteAccess.html
    assert {"xray:GetSamplingRules", "xray:GetSamplingTargets"} < set(statement["Action"])


def test_a_redrive_may_start_the_children_of_a_map_again(template: Template) -> None:
    [resource] = [one["Resource"] for one in statements("BatchInferenceRole", template)
                  if one["Action"] == "states:RedriveExecution"]  # fmt: skip

    assert resource["Fn::Sub"].endswith(":execution:${AWS::StackName}-batch-inference/*")


def test_a_resource_is_a_wildcard_only_where_aws_has_no_narrower_one(template: Template) -> None:
    attached = [
        statement
        for policy in ("TracePolicy", "ReadStreamPolicy", "DecryptSourcesPolicy")
        for statement in template.properties(policy)["PolicyDocument"]["Statement"]
    ]
    everything = [*attached, *(statement for role in USERS for statement in statements(role, template))]

    assert {statement["Sid"] for statement in everything if "*" in listed(statement["Resource"])} == {
        "Trace",
        "FindStream",
        "DeliverLogs",
    }


# It is not documented whether CloudFormation evaluates a function in the branch that is not chosen. A Ref to what a
# condition leaves out is documented:
# https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-conditions.html
def test_a_branch_that_may_not_be_chosen_has_no_function_but_references() -> None:
    alternatives = list(branches(parse_long_forms(TEMPLATE.read_text())))

    assert alternatives
    assert {name for alternative in alternatives for name in functions(alternative)} == set()


def test_a_function_may_read_the_stream_before_lambda_is_asked_to_map_it(template: Template) -> None:
    policy, mapping = template.resources["ReadStreamPolicy"], template.resources["StreamMapping"]
    [find] = [one for one in policy["Properties"]["PolicyDocument"]["Statement"] if one["Sid"] == "FindStream"]

    assert mapping["DependsOn"] == "ReadStreamPolicy"
    assert policy["Condition"] == mapping["Condition"] == "HasStream"
    assert policy["Properties"]["Roles"] == [{"Ref": "InferBatchRole"}]
    assert find["Action"] == "dynamodb:ListStreams"
    assert find["Resource"] == "*"  # the action has no resource


READS = {"s3:GetObject", "dynamodb:Scan", "dynamodb:Query", "kinesis:GetRecords", "dynamodb:GetRecords"}
"""The actions that read what others have encrypted."""
SOURCES = {"SourceBucket", "SourceObjectArns", "SourceTableArns", "StreamArn"}
"""What holds records: the stack's own bucket, and parameters that name others."""


def reading_roles(template: Template) -> set[str]:
    """Return the roles that may read sources or a stream, by all policies of the template."""
    policies = [
        (role, policy["PolicyDocument"]["Statement"])
        for role in USERS
        for policy in template.properties(role)["Policies"]
    ]
    for policy in template.of_type("AWS::IAM::Policy").values():
        policies += [(resource_named(role), policy["PolicyDocument"]["Statement"]) for role in policy["Roles"]]
    return {
        role
        for role, statements in policies
        for statement in statements
        if READS & set(listed(statement["Action"]))
        and any(resource_named(resource) in SOURCES for resource in listed(statement["Resource"]))
    }


def test_every_role_that_reads_sources_or_a_stream_may_decrypt_them(template: Template) -> None:
    policy = template.resources["DecryptSourcesPolicy"]

    assert {resource_named(role) for role in policy["Properties"]["Roles"]} == reading_roles(template)
    assert reading_roles(template) == {"PlanIngestRole", "InferBatchRole"}
    assert policy["Properties"]["PolicyDocument"]["Statement"] == [
        {
            "Sid": "DecryptSources",
            "Effect": "Allow",
            "Action": "kms:Decrypt",
            "Resource": {"Ref": "DecryptKeyArns"},
        }
    ]


def test_without_keys_there_is_no_right_to_decrypt(template: Template) -> None:
    conditions = parse_long_forms(TEMPLATE.read_text())["Conditions"]

    assert template.default("DecryptKeyArns") == ""
    assert template.resources["DecryptSourcesPolicy"]["Condition"] == "HasDecryptKeys"
    assert conditions["HasDecryptKeys"] == {
        "Fn::Not": [{"Fn::Equals": [{"Fn::Join": ["", {"Ref": "DecryptKeyArns"}]}, ""]}]
    }
    granting = [name for name, resource in template.resources.items() if "kms:" in str(resource)]
    assert granting == ["DecryptSourcesPolicy", "UseEncryptionKeyPolicy"]


def test_a_key_of_ones_own_encrypts_what_is_kept_and_every_role_may_use_it(template: Template) -> None:
    long = parse_long_forms(TEMPLATE.read_text())
    key = {"Ref": "EncryptionKeyArn"}

    assert template.default("EncryptionKeyArn") == ""
    assert long["Conditions"]["HasEncryptionKey"] == {"Fn::Not": [{"Fn::Equals": [key, ""]}]}
    for name in template.of_type("AWS::DynamoDB::Table"):
        assert long["Resources"][name]["Properties"]["SSESpecification"] == {
            "Fn::If": [
                "HasEncryptionKey",
                {"SSEEnabled": True, "SSEType": "KMS", "KMSMasterKeyId": key},
                {"Ref": "AWS::NoValue"},  # the key that AWS owns, which is free
            ]
        }
    for name in template.of_type("AWS::S3::Bucket"):
        [rule] = long["Resources"][name]["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"]
        assert rule["ServerSideEncryptionByDefault"]["Fn::If"] == [
            "HasEncryptionKey",
            {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key},
            {"SSEAlgorithm": "AES256"},
        ]
    policy = template.resources["UseEncryptionKeyPolicy"]
    assert policy["Condition"] == "HasEncryptionKey"
    assert {resource_named(role) for role in policy["Properties"]["Roles"]} == set(USERS)
    actions: set[str] = set()
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        assert statement["Resource"] == key
        actions.update(listed(statement["Action"]))
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    assert actions == {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*", "kms:DescribeKey"}


def test_every_queue_refuses_what_is_not_over_tls(template: Template) -> None:
    denials = {
        resource_named(policy["Queues"][0]): [
            statement for statement in policy["PolicyDocument"]["Statement"] if statement["Effect"] == "Deny"
        ]
        for policy in template.of_type("AWS::SQS::QueuePolicy").values()
    }

    assert denials == {
        queue: [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "sqs:*",
                "Resource": {"Fn::GetAtt": f"{queue}.Arn"},
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
        for queue in template.of_type("AWS::SQS::Queue")
    }


def test_every_bucket_is_private_encrypted_and_refuses_what_is_not_over_tls(template: Template) -> None:
    policies = template.of_type("AWS::S3::BucketPolicy").values()
    buckets = template.of_type("AWS::S3::Bucket")

    assert {resource_named(policy["Bucket"]) for policy in policies} == set(buckets)
    for policy in policies:
        bucket = resource_named(policy["Bucket"])
        assert policy["PolicyDocument"]["Statement"] == [
            {
                "Sid": "TlsOnly",
                "Effect": "Deny",
                "Principal": "*",
                "Action": "s3:*",
                "Resource": [{"Fn::GetAtt": f"{bucket}.Arn"}, {"Fn::Sub": f"${{{bucket}.Arn}}/*"}],
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            }
        ]
    for properties in buckets.values():
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
