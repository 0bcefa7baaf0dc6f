"""S3: objects in memory, and a client with the methods of boto3's that our code calls."""

import hashlib
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.simulation.services.calls import Calls, refusal


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object. Its ETag is as S3 makes it of one that was put whole or in parts."""

    content: bytes
    etag: str
    modified: datetime


@dataclass
class S3:
    """The service.

    Attributes
    ----------
    now : returns the time as S3 has it
    watch : called with bucket, key and content at each change; the content is None if the object was removed
    uploads : parts of multipart uploads that were neither completed nor aborted, by id
    """

    now: Callable[[], datetime]
    watch: Callable[[str, str, bytes | None], None] = lambda _bucket, _key, _content: None
    page_keys: int = 1000
    buckets: dict[str, dict[str, StoredObject]] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    _number: int = 0

    def bucket(self, name: str, operation: str) -> dict[str, StoredObject]:
        if name not in self.buckets:
            raise refusal("NoSuchBucket", operation, 404)
        return self.buckets[name]

    def put(self, bucket: str, key: str, content: bytes, etag: str = "") -> str:
        etag = etag or hashlib.md5(content, usedforsecurity=False).hexdigest()
        self.bucket(bucket, "PutObject")[key] = StoredObject(content, f'"{etag}"', self.now())
        self.watch(bucket, key, content)
        return f'"{etag}"'

    def find(self, bucket: str, key: str, operation: str) -> StoredObject:
        found = self.bucket(bucket, operation).get(key)
        if found is None:
            # The answer to HEAD has no body, and so no other code.
            raise refusal("404" if operation == "HeadObject" else "NoSuchKey", operation, 404)
        return found

    def get(self, bucket: str, key: str, wanted: str, etag: str) -> tuple[StoredObject, bytes]:
        """Return an object, and the wanted range of it."""
        found = self.find(bucket, key, "GetObject")
        if etag and found.etag.strip('"') != etag.strip('"'):
            raise refusal("PreconditionFailed", "GetObject", 412)
        if not wanted:
            return found, found.content
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        if int(first) >= len(found.content):
            raise refusal("InvalidRange", "GetObject", 416)
        return found, found.content[int(first) : int(last) + 1 if last else None]

    def remove(self, bucket: str, key: str) -> None:
        if self.bucket(bucket, "DeleteObject").pop(key, None) is not None:
            self.watch(bucket, key, None)

    def begin_upload(self, bucket: str) -> str:
        self.bucket(bucket, "CreateMultipartUpload")
        self._number += 1
        upload = f"upload-{self._number}"
        self.uploads[upload] = {}
        return upload

    def put_part(self, upload: str, number: int, content: bytes) -> str:
        if upload not in self.uploads:
            raise refusal("NoSuchUpload", "UploadPart", 404)
        self.uploads[upload][number] = content
        return f'"{hashlib.md5(content, usedforsecurity=False).hexdigest()}"'

    def complete_upload(self, bucket: str, key: str, upload: str, parts: list[Any]) -> str:
        if upload not in self.uploads:
            raise refusal("NoSuchUpload", "CompleteMultipartUpload", 404)
        numbers = [part["PartNumber"] for part in parts]
        if numbers != sorted(set(numbers)) or not set(numbers) <= self.uploads[upload].keys():
            raise refusal("InvalidPart", "CompleteMultipartUpload")
        held = self.uploads.pop(upload)
        chosen = [held[number] for number in numbers]
        digests = b"".join(hashlib.md5(part, usedforsecurity=False).digest() for part in chosen)
        etag = f"{hashlib.md5(digests, usedforsecurity=False).hexdigest()}-{len(chosen)}"
        return self.put(bucket, key, b"".join(chosen), etag)


class S3Client:
    """What boto3 gives as a client of S3."""

    def __init__(self, service: S3, calls: Calls) -> None:
        self._service = service
        self._calls = calls

    def head_bucket(self, *, Bucket: str) -> Any:  # noqa: N803 - boto3's name
        return self._call("HeadBucket", lambda: self._service.bucket(Bucket, "HeadBucket") and {}, Bucket)

    def head_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        found = self._call("HeadObject", lambda: self._service.find(Bucket, Key, "HeadObject"), Key)
        return {"ETag": found.etag, "ContentLength": len(found.content), "LastModified": found.modified}

    def get_object(self, *, Bucket: str, Key: str, Range: str = "", IfMatch: str = "") -> Any:  # noqa: N803
        found, content = self._call("GetObject", lambda: self._service.get(Bucket, Key, Range, IfMatch), Key)
        return {
            "Body": io.BytesIO(content),
            "ETag": found.etag,
            "ContentLength": len(content),
            "LastModified": found.modified,
        }

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> Any:  # noqa: N803
        return {"ETag": self._call("PutObject", lambda: self._service.put(Bucket, Key, bytes(Body)), Key)}

    def delete_object(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        self._call("DeleteObject", lambda: self._service.remove(Bucket, Key), Key)
        return {}

    def create_multipart_upload(self, *, Bucket: str, Key: str) -> Any:  # noqa: N803
        return {"UploadId": self._call("CreateMultipartUpload", lambda: self._service.begin_upload(Bucket), Key)}

    def upload_part(self, *, Bucket: str, Key: str, UploadId: str, PartNumber: int, Body: bytes) -> Any:  # noqa: N803
        del Bucket
        part = bytes(Body)
        return {"ETag": self._call("UploadPart", lambda: self._service.put_part(UploadId, PartNumber, part), Key)}

    def complete_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str, MultipartUpload: Any) -> Any:  # noqa: N803
        parts = MultipartUpload["Parts"]
        etag = self._call(
            "CompleteMultipartUpload", lambda: self._service.complete_upload(Bucket, Key, UploadId, parts), Key
        )
        return {"ETag": etag}

    def abort_multipart_upload(self, *, Bucket: str, Key: str, UploadId: str) -> Any:  # noqa: N803
        del Bucket
        self._call("AbortMultipartUpload", lambda: self._service.uploads.pop(UploadId, None), Key)
        return {}

    def get_bucket_lifecycle_configuration(self, *, Bucket: str) -> Any:  # noqa: N803
        return {"Rules": [{"Expiration": {"Days": 30}, "Filter": {"Prefix": "ingests/"}, "ID": Bucket}]}

    def upload_file(self, Filename: str, Bucket: str, Key: str, Callback: Callable[[int], None]) -> None:  # noqa: N803
        content = Path(Filename).read_bytes()
        self.put_object(Bucket=Bucket, Key=Key, Body=content)
        Callback(len(content))

    def get_paginator(self, operation: str) -> "ObjectPages":
        assert operation == "list_objects_v2"
        return ObjectPages(self)

    def page(self, bucket: str, prefix: str, after: str) -> list[Any]:
        def apply() -> list[Any]:
            objects = self._service.bucket(bucket, "ListObjectsV2")
            keys = sorted(key for key in objects if key.startswith(prefix) and key > after)[: self._service.page_keys]
            return [
                {
                    "Key": key,
                    "ETag": objects[key].etag,
                    "Size": len(objects[key].content),
                    "LastModified": objects[key].modified,
                }
                for key in keys
            ]

        return self._call("ListObjectsV2", apply, prefix)

    @property
    def page_keys(self) -> int:
        return self._service.page_keys

    def _call[T](self, operation: str, apply: Callable[[], T], about: object) -> T:
        return self._calls.call("s3", operation, apply, about)


@dataclass(frozen=True)
class ObjectPages:
    """A paginator of ListObjectsV2."""

    client: S3Client

    def paginate(self, *, Bucket: str, Prefix: str = "") -> Iterator[dict[str, Any]]:  # noqa: N803
        after = ""
        while True:
            contents = self.client.page(Bucket, Prefix, after)
            yield {"Contents": contents} if contents else {}
            if len(contents) < self.client.page_keys:
                return
            after = contents[-1]["Key"]


def utc(seconds: float) -> datetime:
    """Return seconds since 1970 as a time."""
    return datetime.fromtimestamp(seconds, UTC)
