"""All versions of objects, from the answers of S3 itself: pages, marks of deletions, and refusals."""

import re
from typing import Any

import boto3
import pytest

from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.stack.object_versions import ObjectVersion, delete_versions, give_up_uploads, object_versions
from tests.unit.answering_server import AnsweringServer, Reply

XML = {"Content-Type": "application/xml"}


def reply(body: str) -> Reply:
    return Reply(f'<?xml version="1.0"?>{body}'.encode(), headers=XML)


@pytest.fixture
def s3(aws: AnsweringServer) -> Any:
    return boto3.client("s3", endpoint_url=aws.url)


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectVersions.html
def test_versions_and_marks_of_all_pages_are_listed(aws: AnsweringServer, s3: Any) -> None:
    aws.answer_in_turn(
        reply(
            "<ListVersionsResult><IsTruncated>true</IsTruncated><NextKeyMarker>a b</NextKeyMarker>"
            "<NextVersionIdMarker>v2</NextVersionIdMarker>"
            "<Version><Key>a b</Key><VersionId>v2</VersionId><Size>7</Size></Version>"
            "<DeleteMarker><Key>a b</Key><VersionId>m1</VersionId></DeleteMarker></ListVersionsResult>"
        ),
        reply(
            "<ListVersionsResult><IsTruncated>false</IsTruncated>"
            "<Version><Key>c</Key><VersionId>null</VersionId><Size>0</Size></Version></ListVersionsResult>"
        ),
    )

    assert list(object_versions(s3, "bucket", "a")) == [
        ObjectVersion("a b", "v2", 7), ObjectVersion("a b", "m1", 0), ObjectVersion("c", "null", 0),
    ]  # fmt: skip
    assert "prefix=a" in aws.requests[0].path
    assert "version-id-marker=v2" in aws.requests[1].path


# https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html
def test_a_call_deletes_a_thousand_at_most_and_all_are_reported(aws: AnsweringServer, s3: Any) -> None:
    aws.answer = lambda _: reply("<DeleteResult/>")
    reported: list[int] = []

    deleted = delete_versions(s3, "bucket", (ObjectVersion(str(n), "v", 1) for n in range(2_001)), reported.append)

    assert [len(re.findall(rb"<Object>", request.body)) for request in aws.requests] == [1_000, 1_000, 1]
    assert b"<VersionId>v</VersionId>" in aws.requests[2].body
    assert (deleted, reported) == (2_001, [1_000, 2_000, 2_001])


def test_nothing_is_asked_where_there_is_nothing_to_delete(aws: AnsweringServer, s3: Any) -> None:
    assert delete_versions(s3, "bucket", ()) == 0
    assert aws.requests == []


def test_an_object_that_s3_does_not_delete_ends_it_with_its_name_and_the_reason(aws: AnsweringServer, s3: Any) -> None:
    aws.answer_in_turn(
        reply(
            "<DeleteResult><Error><Key>b/c</Key><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>"
        )
    )

    with pytest.raises(DeploymentError, match=r"s3://bucket/b/c could not be deleted: AccessDenied"):
        delete_versions(s3, "bucket", [ObjectVersion("b/c", "v", 1)])


def test_uploads_that_were_not_finished_are_given_up(aws: AnsweringServer, s3: Any) -> None:
    aws.answer_in_turn(
        reply(
            "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>"
            "<Upload><Key>k</Key><UploadId>u1</UploadId></Upload></ListMultipartUploadsResult>"
        ),
        Reply(b"", 204),
    )

    give_up_uploads(s3, "bucket")

    assert (aws.requests[1].method, aws.requests[1].path) == ("DELETE", "/bucket/k?uploadId=u1")
