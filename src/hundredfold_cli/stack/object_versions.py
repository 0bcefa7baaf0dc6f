"""All versions of a bucket's objects. In a bucket with versions, deleting an object only hides it, and it still costs.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/delete-or-empty-bucket.html
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import batched
from typing import TYPE_CHECKING

from hundredfold_cli.errors import DeploymentError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_KEYS_A_CALL = 1000
"""The most that one DeleteObjects takes. https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html"""


@dataclass(frozen=True, slots=True)
class ObjectVersion:
    """A version of an object, or the mark that the object was deleted, which has no bytes."""

    key: str
    version: str
    size: int


def object_versions(s3: "S3Client", bucket: str, prefix: str = "") -> Iterator[ObjectVersion]:
    """Yield all versions of the objects under a prefix. A bucket without versions has one of each."""
    for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix):
        for version in page.get("Versions", []):
            yield ObjectVersion(version["Key"], version["VersionId"], version["Size"])
        for mark in page.get("DeleteMarkers", []):
            yield ObjectVersion(mark["Key"], mark["VersionId"], 0)


def delete_versions(
    s3: "S3Client", bucket: str, versions: Iterable[ObjectVersion], progress: Callable[[int], None] = lambda _: None
) -> int:
    """Delete versions for good, and return their number.

    Parameters
    ----------
    progress : called with the number of those deleted so far, after each 1,000

    Raises
    ------
    DeploymentError
        If S3 refuses one; the message names it and the reason.
    """
    deleted = 0
    for some in batched(versions, _KEYS_A_CALL, strict=False):
        objects = [{"Key": version.key, "VersionId": version.version} for version in some]
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})  # type: ignore[typeddict-item]
        if errors := answer.get("Errors"):
            first = errors[0]
            raise DeploymentError(
                f"s3://{bucket}/{first.get('Key')} could not be deleted: {first.get('Code')}; run the command again"
            )
        deleted += len(objects)
        progress(deleted)
    return deleted


def give_up_uploads(s3: "S3Client", bucket: str) -> None:
    """Give up the uploads that were begun and not finished. They cost, and no listing of objects has them."""
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket)
    for upload in (upload for page in pages for upload in page.get("Uploads", [])):
        s3.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
