"""Sources and work objects in S3."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, NoReturn

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.adapters.clients import CHANGED, DENIED, NOT_FOUND, error_code, is_busy
from hundredfold.errors import SourceChangedError, SourceMissingError, StoreBusyError
from hundredfold.ingest import ObjectLocation, Source

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

STREAM_PART_BYTES = 4 * 1024 * 1024
"""How much of a source is read, and held, at once. A part that fails is read again alone."""


class S3Sources:
    """Reads sources by byte range, each read pinned to the ETag that was planned (fulfils `ports.Sources`)."""

    def __init__(self, client: "S3Client") -> None:
        self._client = client

    def pin(self, location: ObjectLocation) -> Source:
        try:
            head = self._client.head_object(Bucket=location.bucket, Key=location.key)
        except (ClientError, BotoCoreError) as error:
            _raise(error, location)
        return Source(location.bucket, location.key, head["ETag"].strip('"'), head["ContentLength"])

    def read(self, source: Source, offset: int, length: int) -> bytes:
        try:
            answer = self._client.get_object(
                Bucket=source.bucket,
                Key=source.key,
                Range=f"bytes={offset}-{offset + length - 1}",
                IfMatch=f'"{source.etag}"',
            )
            content = answer["Body"].read()
        except (ClientError, BotoCoreError) as error:
            _raise(error, source.location)
        if len(content) != length:
            raise SourceChangedError(str(source.location))
        return content

    def stream(self, source: Source) -> Iterator[bytes]:
        for offset in range(0, source.size, STREAM_PART_BYTES):
            yield self.read(source, offset, min(STREAM_PART_BYTES, source.size - offset))


class S3WorkObjects:
    """Keeps an ingest's own objects in the work bucket (fulfils `ports.WorkObjects`)."""

    def __init__(self, client: "S3Client", bucket: str) -> None:
        self._client = client
        self.bucket = bucket

    def write(self, key: str, content: bytes) -> None:
        try:
            self._client.put_object(Bucket=self.bucket, Key=key, Body=content)
        except (ClientError, BotoCoreError) as error:
            _raise(error, ObjectLocation(self.bucket, key))

    def read(self, key: str) -> bytes | None:
        """Read an object; None if there is none. Without the right to list, S3 answers that with 403."""
        try:
            return self._client.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        except ClientError as error:
            if error_code(error) in NOT_FOUND | DENIED:
                return None
            _raise(error, ObjectLocation(self.bucket, key))
        except BotoCoreError as error:
            _raise(error, ObjectLocation(self.bucket, key))

    def remove(self, key: str) -> None:
        try:
            self._client.delete_object(Bucket=self.bucket, Key=key)
        except (ClientError, BotoCoreError) as error:
            _raise(error, ObjectLocation(self.bucket, key))


def _raise(error: ClientError | BotoCoreError, location: ObjectLocation) -> NoReturn:
    if is_busy(error):
        raise StoreBusyError(f"S3 did not answer for {location}: {type(error).__name__}") from None
    assert isinstance(error, ClientError)  # noqa: S101 - is_busy took all others
    code = error_code(error)
    if code in CHANGED:
        raise SourceChangedError(str(location)) from None
    if code in NOT_FOUND:
        raise SourceMissingError(str(location), "there is no such object") from None
    if code in DENIED:
        raise SourceMissingError(str(location), "access is denied, or there is no such object") from None
    raise error
