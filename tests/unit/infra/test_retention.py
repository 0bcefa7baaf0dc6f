"""What stays when a stack is deleted, or when its first deployment fails, and for how long sources stay."""

from hundredfold_cli.stack.checkout import ROOT
from tools.workflow.template import Template

KEEPS_DATA = ("AWS::DynamoDB::Table", "AWS::S3::Bucket")


def test_what_has_data_stays_unless_its_first_deployment_fails(template: Template) -> None:
    kept = {name: resource for name, resource in template.resources.items() if resource["Type"] in KEEPS_DATA}

    assert set(kept) == {"PredictionsTable", "LedgerTable", "SourceBucket", "WorkBucket"}
    for resource in kept.values():
        assert resource["DeletionPolicy"] == "RetainExceptOnCreate"
        assert resource["UpdateReplacePolicy"] == "Retain"


def test_a_replaced_source_can_be_put_back_as_long_as_sources_are_kept(template: Template) -> None:
    bucket = template.properties("SourceBucket")
    [rule] = bucket["LifecycleConfiguration"]["Rules"]

    assert "put the old version back" in (ROOT / "docs/recovery.md").read_text()
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    assert rule["NoncurrentVersionExpiration"]["NoncurrentDays"] == rule["ExpirationInDays"] == {"Ref": "RetentionDays"}
