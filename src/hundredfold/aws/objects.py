"""Objects in S3: sources that are read by byte range, and the objects of an ingest in the work bucket."""

import io
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self, cast

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import CHANGED, DENIED, NOT_FOUND, Codes, error_code, mapped_errors
from hundredfold.errors import HundredfoldError, SourceChangedError, SourceMissingError
from hundredfold.sources.objects import STREAM_PART_BYTES, ObjectLocation, PinnedObject

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client
    from types_boto3_s3.type_defs import CompletedPartTypeDef

UPLOAD_PART_BYTES = 8 * 1024 * 1024
"""How many bytes of an upload are held, and sent, at once. S3 takes 10,000 parts: 84 GB."""


class S3Sources:
    """Reads objects by byte range, each read pinned to the planned ETag (implements `ports.Sources`)."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def pin(self, location: ObjectLocation) -> PinnedObject:
        with _mapped_errors(location):
            head = self._client.head_object(Bucket=location.bucket, Key=location.key)
        return PinnedObject(location.bucket, location.key, head["ETag"].strip('"'), head["ContentLength"])

    def list(self, bucket: str, prefix: str) -> Iterator[PinnedObject]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        with _mapped_errors(ObjectLocation(bucket, prefix)):
            for page in pages:
                for item in page.get("Contents", []):
                    yield PinnedObject(bucket, item["Key"], item["ETag"].strip('"'), item["Size"])

    def open(self, pinned: PinnedObject) -> BinaryIO:
        return cast("BinaryIO", _InParts(_PinnedFile(self, pinned), STREAM_PART_BYTES))

    def read(self, pinned: PinnedObject, offset: int, length: int) -> bytes:
        with _mapped_errors(pinned.location):
            answer = self._client.get_object(
                Bucket=pinned.bucket,
                Key=pinned.key,
                Range=f"bytes={offset}-{offset + length - 1}",
                IfMatch=f'"{pinned.etag}"',
            )
            content = answer["Body"].read()
        if len(content) != length:
            raise SourceChangedError(str(pinned.location))
        return content

    def stream(self, pinned: PinnedObject, start: int = 0) -> Iterator[bytes]:
        for offset in range(start, pinned.size, STREAM_PART_BYTES):
            yield self.read(pinned, offset, min(STREAM_PART_BYTES, pinned.size - offset))


class _PinnedFile(io.RawIOBase):
    """A pinned object as a file, read by byte ranges."""

    def __init__(self, sources: S3Sources, pinned: PinnedObject) -> None:
        super().__init__()
        self._sources = sources
        self._pinned = pinned
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._pinned.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), self._pinned.size - self._position)
        if length <= 0:
            return 0
        content = self._sources.read(self._pinned, self._position, length)
        buffer[:length] = content
        self._position += length
        return length


class _InParts(io.BufferedReader):
    """Fills its whole buffer at each read, even if the caller wants less: text is read 8 KiB at a time."""

    def read1(self, size: int = -1, /) -> bytes:
        self.peek()
        return super().read1(size)


class S3Upload:
    """Writes an object in parts (implements `ports.Upload`). An object of a single part is put whole."""

    def __init__(self, client: "S3Client", location: ObjectLocation) -> None:
        self._client = client
        self._location = location
        self._held = bytearray()
        self._size = 0
        self._upload = ""
        self._parts: list[CompletedPartTypeDef] = []

    def write(self, content: bytes) -> None:
        self._held += content
        self._size += len(content)
        while len(self._held) >= UPLOAD_PART_BYTES:
            self._send(bytes(self._held[:UPLOAD_PART_BYTES]))
            del self._held[:UPLOAD_PART_BYTES]

    def finish(self) -> PinnedObject:
        bucket, key = self._location.bucket, self._location.key
        with _mapped_errors(self._location):
            if not self._upload:
                etag = self._client.put_object(Bucket=bucket, Key=key, Body=bytes(self._held))["ETag"]
            else:
                if self._held:
                    self._send(bytes(self._held))
                etag = self._client.complete_multipart_upload(
                    Bucket=bucket, Key=key, UploadId=self._upload, MultipartUpload={"Parts": self._parts}
                )["ETag"]
                self._upload = ""
        return PinnedObject(bucket, key, etag.strip('"'), self._size)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Abort an upload that was not finished. If that fails too, the bucket's lifecycle rule does it within days."""
        if self._upload:
            with suppress(ClientError, BotoCoreError):
                self._client.abort_multipart_upload(
                    Bucket=self._location.bucket, Key=self._location.key, UploadId=self._upload
                )

    def _send(self, part: bytes) -> None:
        bucket, key = self._location.bucket, self._location.key
        with _mapped_errors(self._location):
            if not self._upload:
                self._upload = self._client.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
            number = len(self._parts) + 1
            sent = self._client.upload_part(Bucket=bucket, Key=key, UploadId=self._upload, PartNumber=number, Body=part)
            self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})


class S3WorkObjects:
    """Keeps the objects of an ingest in the work bucket (implements `ports.WorkObjects`).

    Parameters
    ----------
    may_list : whether the caller may list the bucket. If it may not, S3 answers 403 for an object that is not there,
        instead of 404, and `read` takes both for "no object". Some functions may not; the command may.
    """

    def __init__(self, client: "S3Client", bucket: str, *, may_list: bool = False) -> None:
        self._client = client
        self.bucket = bucket
        self._absent = NOT_FOUND if may_list else NOT_FOUND | DENIED

    def begin(self, key: str) -> S3Upload:
        return S3Upload(self._client, ObjectLocation(self.bucket, key))

    def write(self, key: str, content: bytes) -> None:
        with _mapped_errors(ObjectLocation(self.bucket, key)):
            self._client.put_object(Bucket=self.bucket, Key=key, Body=content)

    def read(self, key: str) -> bytes | None:
        with _mapped_errors(ObjectLocation(self.bucket, key)):
            try:
                return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
            except ClientError as error:
                if error_code(error) in self._absent:
                    return None
                raise

    def stream(self, key: str) -> Iterator[bytes] | None:
        sources = S3Sources(self._client)
        try:
            return sources.stream(sources.pin(ObjectLocation(self.bucket, key)))
        except SourceMissingError:
            return None

    def keys(self, prefix: str) -> Iterator[str]:
        """Return the keys that begin with `prefix`, in order. The caller must be allowed to list the bucket."""
        return (pinned.key for pinned in S3Sources(self._client).list(self.bucket, prefix))

    def remove(self, key: str) -> None:
        with _mapped_errors(ObjectLocation(self.bucket, key)):
            self._client.delete_object(Bucket=self.bucket, Key=key)


def _mapped_errors(location: ObjectLocation) -> AbstractContextManager[None]:
    name = str(location)
    meanings: dict[Codes, HundredfoldError] = {
        CHANGED: SourceChangedError(name),
        NOT_FOUND: SourceMissingError(name, "there is no such object"),
        DENIED: SourceMissingError(name, "access is denied, or there is no such object"),
    }
    return mapped_errors(f"S3 did not answer for {name}", meanings)
