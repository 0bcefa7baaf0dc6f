"""Sources and work objects in S3."""

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
"""How much of an object that is written in pieces is held and sent at once. S3 takes 10,000 parts: 84 GB."""


class S3Sources:
    """Reads sources by byte range, each read pinned to the ETag that was planned (fulfils `ports.Sources`)."""

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

    def open(self, source: PinnedObject) -> BinaryIO:
        return cast("BinaryIO", _InParts(_PinnedFile(self, source), STREAM_PART_BYTES))

    def read(self, source: PinnedObject, offset: int, length: int) -> bytes:
        with _mapped_errors(source.location):
            answer = self._client.get_object(
                Bucket=source.bucket,
                Key=source.key,
                Range=f"bytes={offset}-{offset + length - 1}",
                IfMatch=f'"{source.etag}"',
            )
            content = answer["Body"].read()
        if len(content) != length:
            raise SourceChangedError(str(source.location))
        return content

    def stream(self, source: PinnedObject, start: int = 0) -> Iterator[bytes]:
        for offset in range(start, source.size, STREAM_PART_BYTES):
            yield self.read(source, offset, min(STREAM_PART_BYTES, source.size - offset))


class _PinnedFile(io.RawIOBase):
    """A pinned object as a file, read by byte ranges."""

    def __init__(self, sources: S3Sources, source: PinnedObject) -> None:
        super().__init__()
        self._sources = sources
        self._source = source
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._source.size}[whence]
        self._position = max(0, base + offset)
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        length = min(len(buffer), self._source.size - self._position)
        if length <= 0:
            return 0
        content = self._sources.read(self._source, self._position, length)
        buffer[:length] = content
        self._position += length
        return length


class _InParts(io.BufferedReader):
    """Reads a part whenever it has nothing left, also for those who ask for less: text is read 8 KiB at a time."""

    def read1(self, size: int = -1, /) -> bytes:
        self.peek()
        return super().read1(size)


class S3Upload:
    """Writes an object in parts (fulfils `ports.Upload`); one that fits into a single part is put as it is."""

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
        """Give up what was not finished. If that fails too, the bucket's lifecycle rule does it within days."""
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
    """Keeps an ingest's own objects in the work bucket (fulfils `ports.WorkObjects`).

    Parameters
    ----------
    may_list : whether this caller has the right to list the bucket. Functions have not, and then S3 answers with 403
        for an object that is not there, instead of 404.
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
        """Find the keys that begin with `prefix`, in order; needs the right to list the bucket."""
        return (found.key for found in S3Sources(self._client).list(self.bucket, prefix))

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
