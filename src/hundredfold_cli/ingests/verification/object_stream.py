"""Objects in S3 as a verification reads them: whole, in order, with one request."""

import io
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.aws.errors import CHANGED, DENIED, NOT_FOUND, error_code
from hundredfold.errors import SourceChangedError, SourceMissingError

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

_ATTEMPTS = 4
"""How often a read is tried. A connection may end in the middle of a long object."""


@dataclass(frozen=True, slots=True)
class FoundObject:
    """An object as it is now."""

    bucket: str
    key: str
    etag: str
    size: int
    modified: datetime

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


def find_object(s3: "S3Client", bucket: str, key: str) -> FoundObject | None:
    """Look an object up. Return None if there is none, or if nobody may say.

    Raises
    ------
    ClientError
        If S3 refuses for another reason.
    """
    try:
        head = s3.head_object(Bucket=bucket, Key=key)
    except ClientError as error:
        if error_code(error) in NOT_FOUND | DENIED:
            return None
        raise
    return FoundObject(bucket, key, head["ETag"].strip('"'), head["ContentLength"], head["LastModified"])


class ObjectStream(io.RawIOBase):
    """The content of an object from a byte on, as a stream. If the connection ends, it goes on from there.

    Reading raises SourceChangedError or SourceMissingError if the object is no longer the one with the ETag.
    """

    def __init__(
        self, s3: "S3Client", bucket: str, key: str, etag: str, start: int = 0, end: int | None = None
    ) -> None:
        super().__init__()
        self._s3 = s3
        self._request: dict[str, Any] = {"Bucket": bucket, "Key": key, "IfMatch": f'"{etag}"'}
        self._name = f"s3://{bucket}/{key}"
        self._position = start
        self._end = end
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = self._read(len(buffer))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)

    def close(self) -> None:
        if self._body is not None:
            self._body.close()
        super().close()

    def _read(self, size: int) -> bytes:
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                if self._body is None:
                    self._body = self._open()
                return bytes(self._body.read(size))
            except BotoCoreError:  # of a connection that was cut: IncompleteReadError, ReadTimeoutError and others
                self._body = None
                if attempt == _ATTEMPTS:
                    raise
        raise AssertionError  # pragma: no cover

    def _open(self) -> Any:
        last = "" if self._end is None else self._end - 1
        wanted: Any = {"Range": f"bytes={self._position}-{last}"} if self._position or self._end is not None else {}
        try:
            return self._s3.get_object(**self._request, **wanted)["Body"]
        except ClientError as error:
            code = error_code(error)
            if code in {"InvalidRange", "416"}:
                return io.BytesIO()  # the range begins at the end of the object
            if code in CHANGED:
                raise SourceChangedError(self._name) from None
            if code in NOT_FOUND | DENIED:
                raise SourceMissingError(self._name, "there is no such object any more, or access is denied") from None
            raise


def open_stream(
    s3: "S3Client", bucket: str, key: str, etag: str, start: int = 0, end: int | None = None
) -> io.BufferedReader:
    """Open an object, or a range of it, as a buffered stream."""
    return io.BufferedReader(ObjectStream(s3, bucket, key, etag, start, end), 1024 * 1024)
