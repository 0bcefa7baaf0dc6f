"""The policy of the person who deploys: all that CloudFormation needs for the template, and nothing more.

CloudFormation acts with that person's rights. The schema of each resource type says what its handlers may call, for all
properties that a resource of the type can have. `cloudformation_permissions.json` holds that. `UNUSED` takes away what
belongs to properties which the template does not use. If the template begins to use one, the right is needed, and these
tests ask for it.
"""

import json
import re
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from hundredfold_cli.stack.checkout import ROOT
from tools.workflow.template import Template, listed

POLICY = ROOT / "infra/policies/deploy.json"
PERMISSIONS = json.loads(Path(__file__).with_name("cloudformation_permissions.json").read_bytes())
POLICY_CHARACTERS = 6144
"""Of a managed policy, without white space.
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html"""

TRANSFORMED = {
    "AWS::Serverless::Function": "AWS::Lambda::Function",
    "AWS::Serverless::LayerVersion": "AWS::Lambda::LayerVersion",
    "AWS::Serverless::StateMachine": "AWS::StepFunctions::StateMachine",
}
"""What SAM makes of its own types. All roles are given, so it makes no role.
https://docs.aws.amazon.com/serverless-application-model/latest/developerguide/sam-specification-generated-resources.html"""


class Unused(NamedTuple):
    """Rights that a resource type needs only for some of its properties; a pattern of their names."""

    rights: str
    properties: tuple[str, ...]


TAGS = ("Tags",)
UNUSED: Mapping[str, tuple[Unused, ...]] = {
    "AWS::CloudWatch::Alarm": (Unused("cloudwatch:*agResource", TAGS),),
    "AWS::DynamoDB::Table": (
        Unused("dynamodb:*Import*", ("ImportSourceSpecification",)),
        Unused("s3:*", ("ImportSourceSpecification",)),
        Unused("logs:*", ("ImportSourceSpecification",)),
        Unused("dynamodb:*KinesisStreamingDestination", ("KinesisStreamSpecification",)),
        Unused("kinesis:*", ("KinesisStreamSpecification",)),
        Unused("dynamodb:UpdateContributorInsights", ("ContributorInsightsSpecification",)),
        Unused("dynamodb:*TimeToLive", ("TimeToLiveSpecification",)),
        Unused("dynamodb:*agResource", TAGS),
        Unused("kms:*", ()),  # the policy of the key of EncryptionKeyArn grants them: docs/aws.md
        # Of the service-linked role for scaling and for replicas.
        Unused("iam:CreateServiceLinkedRole", ("ProvisionedThroughput", "Replicas")),
    ),
    "AWS::IAM::ManagedPolicy": (
        Unused("iam:*GroupPolicy", ("Groups",)),
        Unused("iam:*UserPolicy", ("Users",)),
    ),
    "AWS::IAM::Role": (
        Unused("iam:*RolePermissionsBoundary", ("PermissionsBoundary",)),
        Unused("iam:UpdateRoleDescription", ("Description",)),
        Unused("iam:*agRole", TAGS),
    ),
    "AWS::Lambda::Function": (
        Unused("lambda:*Concurrency", ("ReservedConcurrentExecutions",)),
        Unused("lambda:*CodeSigning*", ("CodeSigningConfigArn",)),
        Unused("lambda:*RecursionConfig", ("RecursiveLoop",)),
        Unused("lambda:*RuntimeManagementConfig", ("RuntimeManagementConfig",)),
        Unused("lambda:*FunctionScalingConfig", ("FunctionScalingConfig",)),
        Unused("lambda:PassCapacityProvider", ("CapacityProviderConfig",)),
        Unused("lambda:PublishVersion", ("AutoPublishAlias", "PublishToLatestPublished")),
        Unused("ec2:*", ("VpcConfig",)),
        Unused("elasticfilesystem:*", ("FileSystemConfigs",)),
        Unused("kms:*", ()),  # as of tables
        Unused("lambda:UntagResource", TAGS),  # SAM's own tag is the same in every deployment
    ),
    "AWS::Logs::LogGroup": (
        Unused("logs:*DataProtectionPolicy", ("DataProtectionPolicy",)),
        Unused("logs:CreateLogDelivery", ("DataProtectionPolicy",)),
        Unused("logs:*ResourcePolic*", ("ResourcePolicyDocument",)),
        Unused("firehose:*", ("DataProtectionPolicy",)),
        Unused("s3:REST.PUT.OBJECT", ("DataProtectionPolicy",)),
        Unused("logs:*KmsKey", ("KmsKeyId",)),
        Unused("logs:*agLogGroup", TAGS),
        Unused("logs:DeleteRetentionPolicy", ()),  # every group keeps a retention: test_retention.py
    ),
    "AWS::S3::Bucket": (
        Unused("s3:*Tag*", TAGS),
        Unused("s3:UntagResource", TAGS),
        Unused("s3:*BucketAbac", ("AbacStatus",)),
        Unused("s3:*Analytics*", ("AnalyticsConfigurations",)),
        Unused("s3:*C[Oo][Rr][Ss]", ("CorsConfiguration",)),
        Unused("s3:*InventoryConfiguration", ("InventoryConfigurations",)),
        Unused("s3:*Metrics*", ("MetricsConfigurations",)),
        Unused("s3:*Replication*", ("ReplicationConfiguration",)),
        Unused("iam:PassRole", ("ReplicationConfiguration",)),
        Unused("s3:*Website", ("WebsiteConfiguration",)),
        Unused("s3:*AccelerateConfiguration", ("AccelerateConfiguration",)),
        Unused("s3:*Acl", ("AccessControl",)),
        Unused("s3:*ObjectLock*", ("ObjectLockEnabled", "ObjectLockConfiguration")),
        Unused("s3:*OwnershipControls", ("OwnershipControls",)),
        Unused("s3:*IntelligentTiering*", ("IntelligentTieringConfigurations",)),
        Unused("s3:*Metadata*", ("MetadataConfiguration", "MetadataTableConfiguration")),
        Unused("s3tables:*", ("MetadataConfiguration", "MetadataTableConfiguration")),
        Unused("s3:*BucketLogging", ("LoggingConfiguration",)),
        Unused("s3:DeleteObject", ("LoggingConfiguration",)),
        # No actions of IAM: removing a configuration needs the right to put one.
        # https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html
        Unused("s3:DeleteBucketEncryption", ()),
        Unused("s3:DeleteBucketLifecycle", ()),
    ),
    "AWS::SNS::Subscription": (
        # Topic, protocol and endpoint cannot change: another subscription is made.
        Unused("sns:SetSubscriptionAttributes", ("DeliveryPolicy", "FilterPolicy", "RedrivePolicy", "ReplayPolicy")),
    ),
    "AWS::SNS::Topic": (
        Unused("sns:PutDataProtectionPolicy", ("DataProtectionPolicy",)),
        Unused("sns:*agResource", TAGS),
        Unused("sns:*ubscribe", ("Subscription",)),
        Unused("sns:SetTopicAttributes", ("DisplayName", "KmsMasterKeyId", "TracingConfig", "SignatureVersion")),
    ),
    "AWS::SQS::Queue": (Unused("sqs:*agQueue", TAGS),),
    "AWS::StepFunctions::StateMachine": (Unused("states:UntagResource", TAGS),),
}

SAM = {
    # `sam deploy` makes a change set, and looks at what becomes of it: samcli/lib/deploy/deployer.py of aws-sam-cli.
    "cloudformation:CreateChangeSet",
    "cloudformation:DescribeChangeSet",
    "cloudformation:DescribeStackEvents",
    "cloudformation:DescribeStacks",
    "cloudformation:ExecuteChangeSet",
    "cloudformation:GetTemplateSummary",
    # The bucket that it makes for archives: samcli/lib/bootstrap/bootstrap.py. It has a tag.
    "s3:PutBucketTagging",
    "s3:PutObject",
}
COMMAND = {
    # Whether changes were confirmed: hundredfold_cli/deploy.py.
    "cloudformation:ListChangeSets",
    # `remove` and `model prune`: hundredfold_cli/stack/removal.py, contents.py and object_versions.py.
    "cloudformation:DeleteStack",
    "cloudformation:GetTemplate",
    "cloudformation:ListStackResources",
    "s3:AbortMultipartUpload",
    "s3:DeleteObject",
    "s3:DeleteObjectVersion",
    "s3:ListBucketMultipartUploads",
    "s3:ListBucketVersions",
    "states:ListExecutions",
    "states:StopExecution",
    # The lock of releases: hundredfold_cli/models/release_lock.py. The card: releases.py.
    "dynamodb:DeleteItem",
    "dynamodb:GetItem",
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    # `hundredfold doctor`.
    "iam:SimulatePrincipalPolicy",
    "lambda:GetAccountSettings",
}
RELEASES = ("models/releases.py", "models/layers.py")
"""Files of the command that call Lambda when something is released."""
LAMBDA_ACTIONS = {"Invoke": "InvokeFunction", "GetLayerVersionByArn": "GetLayerVersion"}
"""Operations of Lambda whose right has another name.
https://docs.aws.amazon.com/service-authorization/latest/reference/list_awslambda.html"""

ARNS = {
    "AWS::CloudWatch::Alarm": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:{name}",
    "AWS::CloudWatch::Dashboard": "arn:aws:cloudwatch::123456789012:dashboard/{name}",
    "AWS::DynamoDB::Table": "arn:aws:dynamodb:eu-west-1:123456789012:table/{name}",
    "AWS::Events::Rule": "arn:aws:events:eu-west-1:123456789012:rule/{name}",
    "AWS::IAM::ManagedPolicy": "arn:aws:iam::123456789012:policy/{name}",
    "AWS::IAM::Policy": "arn:aws:iam::123456789012:role/{name}",
    "AWS::IAM::Role": "arn:aws:iam::123456789012:role/{name}",
    "AWS::Lambda::EventInvokeConfig": "arn:aws:lambda:eu-west-1:123456789012:function:{name}:$LATEST",
    "AWS::Lambda::EventSourceMapping": "arn:aws:lambda:eu-west-1:123456789012:event-source-mapping:12ab",
    "AWS::Lambda::Function": "arn:aws:lambda:eu-west-1:123456789012:function:{name}",
    "AWS::Lambda::LayerVersion": "arn:aws:lambda:eu-west-1:123456789012:layer:{name}:1",
    "AWS::Lambda::Permission": "arn:aws:lambda:eu-west-1:123456789012:function:{name}",
    "AWS::Logs::LogGroup": "arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/{name}:*",
    "AWS::S3::Bucket": "arn:aws:s3:::{name}",
    "AWS::S3::BucketPolicy": "arn:aws:s3:::{name}",
    "AWS::SNS::Subscription": "arn:aws:sns:eu-west-1:123456789012:{name}",
    "AWS::SNS::Topic": "arn:aws:sns:eu-west-1:123456789012:{name}",
    "AWS::SQS::Queue": "arn:aws:sqs:eu-west-1:123456789012:{name}",
    "AWS::SQS::QueuePolicy": "arn:aws:sqs:eu-west-1:123456789012:{name}",
    "AWS::StepFunctions::StateMachine": "arn:aws:states:eu-west-1:123456789012:stateMachine:{name}",
}
"""What rights are for: a resource of each type, whose name begins with the stack's."""
OTHER_ARNS = {
    "iam:PassRole": "arn:aws:iam::123456789012:role/{name}",
    "s3:GetObject": "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-12ab/archive",
    "s3:GetObjectVersion": "arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-12ab/archive",
}
"""What rights are for that concern another thing than the resource itself: its role, and its archive."""


def types_of(template: Template) -> dict[str, set[str]]:
    """Return the resource types that CloudFormation makes, each with the properties that the template gives them."""
    used: dict[str, set[str]] = {}
    for resource in template.resources.values():
        properties = set(resource.get("Properties", {}))
        if resource["Type"] == "AWS::Serverless::Function":
            properties |= set(template.function_globals)
        used.setdefault(TRANSFORMED.get(resource["Type"], resource["Type"]), set()).update(properties)
    return used


def needed(template: Template) -> dict[str, set[str]]:
    """Return the rights that CloudFormation needs for the template, each with the resource types that need it."""
    rights: dict[str, set[str]] = {}
    for kind, properties in types_of(template).items():
        unused = [one.rights for one in UNUSED.get(kind, ()) if not properties.intersection(one.properties)]
        for handler in PERMISSIONS["types"][kind]["handlers"].values():
            for right in handler:
                if not any(fnmatchcase(right, pattern) for pattern in unused):
                    rights.setdefault(right, set()).add(kind)
    return rights


def statements(policy: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(policy["Statement"])


def granted(policy: Mapping[str, Any]) -> set[str]:
    return {action for statement in statements(policy) for action in listed(statement["Action"])}


def missing(policy: Mapping[str, Any], rights: Iterable[str]) -> list[str]:
    return sorted(set(rights) - granted(policy))


def used_by_releases() -> set[str]:
    """Return the rights for Lambda that the code of releases needs, by its calls."""
    code = "".join((ROOT / "src/hundredfold_cli" / file).read_text() for file in RELEASES)
    calls = re.findall(r'_lambda\.(?:get_paginator\("(\w+)"\)|(\w+)\()', code)
    operations = {(paged or direct).title().replace("_", "") for paged, direct in calls} - {"GetWaiter"}
    return {f"lambda:{LAMBDA_ACTIONS.get(operation, operation)}" for operation in operations}


@pytest.fixture(scope="module")
def policy() -> dict[str, Any]:
    parsed: dict[str, Any] = json.loads(POLICY.read_bytes())
    return parsed


def test_every_resource_type_of_the_template_is_known(template: Template) -> None:
    assert set(types_of(template)) == set(PERMISSIONS["types"])
    assert not [kind for kind in types_of(template) if kind.startswith("AWS::Serverless::")]


def test_all_that_cloudformation_needs_is_granted(policy: dict[str, Any], template: Template) -> None:
    assert missing(policy, needed(template)) == []


def test_all_that_sam_and_the_command_need_is_granted(policy: dict[str, Any]) -> None:
    assert "lambda:PublishVersion" in used_by_releases()
    assert missing(policy, SAM | COMMAND | used_by_releases()) == []


def test_nothing_is_granted_that_nobody_needs(policy: dict[str, Any], template: Template) -> None:
    assert sorted(granted(policy) - set(needed(template)) - SAM - COMMAND - used_by_releases()) == []


def test_an_action_that_is_taken_out_is_missed(policy: dict[str, Any], template: Template) -> None:
    everything = set(needed(template)) | SAM | COMMAND | used_by_releases()

    for action in granted(policy):
        without = [
            {**statement, "Action": [one for one in listed(statement["Action"]) if one != action]}
            for statement in statements(policy)
        ]
        assert missing({"Statement": without}, everything) == [action]


def test_a_property_that_the_template_begins_to_use_needs_its_rights(template: Template) -> None:
    resources = json.loads(json.dumps(template.resources))
    resources["LedgerTable"]["Properties"]["TimeToLiveSpecification"] = {"Enabled": True, "AttributeName": "until"}
    changed = Template(template.parameters, resources, {}, {}, template.function_globals)

    assert set(needed(changed)) - set(needed(template)) == {
        "dynamodb:DescribeTimeToLive",
        "dynamodb:UpdateTimeToLive",
    }


def test_what_is_taken_away_is_in_the_schema_of_its_type() -> None:
    for kind, unused in UNUSED.items():
        rights = {right for handler in PERMISSIONS["types"][kind]["handlers"].values() for right in handler}
        assert [one.rights for one in unused if not any(fnmatchcase(right, one.rights) for right in rights)] == []


@pytest.mark.parametrize("stack", ["hundredfold", "hundredfold-check"])
def test_rights_are_for_what_has_the_name_of_a_stack(stack: str, policy: dict[str, Any], template: Template) -> None:
    refused = [
        (right, kind)
        for right, kinds in needed(template).items()
        for kind in kinds
        if not allowed(policy, right, OTHER_ARNS.get(right, ARNS[kind]).format(name=f"{stack}-x"))
    ]

    assert refused == []


def allowed(policy: dict[str, Any], action: str, arn: str) -> bool:
    return any(
        action in listed(statement["Action"]) and any(fnmatchcase(arn, one) for one in listed(statement["Resource"]))
        for statement in statements(policy)
    )


def test_only_what_has_no_name_is_granted_on_everything(policy: dict[str, Any]) -> None:
    everywhere = {
        action for one in statements(policy) if "*" in listed(one["Resource"]) for action in listed(one["Action"])
    }

    assert everywhere == {
        "cloudwatch:DescribeAlarms",
        "iam:SimulatePrincipalPolicy",
        "lambda:CreateEventSourceMapping",
        "lambda:DeleteEventSourceMapping",
        "lambda:GetAccountSettings",
        "lambda:GetEventSourceMapping",
        "lambda:ListLayerVersions",
        "lambda:UpdateEventSourceMapping",
        "logs:DescribeLogGroups",
    }
    assert not allowed(policy, "iam:PassRole", "arn:aws:iam::123456789012:role/admin")
    assert not allowed(policy, "s3:GetObject", "arn:aws:s3:::somebody-elses/key")


def test_roles_are_passed_to_the_two_services_that_run_with_them(policy: dict[str, Any]) -> None:
    [passing] = [statement for statement in statements(policy) if "iam:PassRole" in listed(statement["Action"])]

    assert passing["Condition"] == {
        "StringEquals": {"iam:PassedToService": ["lambda.amazonaws.com", "states.amazonaws.com"]}
    }


def test_it_fits_into_a_managed_policy(policy: dict[str, Any]) -> None:
    assert len(json.dumps(policy, separators=(",", ":"))) <= POLICY_CHARACTERS
