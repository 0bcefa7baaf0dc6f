"""Objects in S3, and how they are pinned."""

from dataclasses import dataclass
from typing import Any

STREAM_PART_BYTES = 4 * 1024 * 1024
"""How many bytes of a source are read, and held, at once. A part that fails is read again alone."""


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """An object in S3."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class PinnedObject:
    """An object that batches are byte ranges of, pinned by its ETag to the content that was planned.

    Attributes
    ----------
    size : in bytes
    staged_from : what the planner staged it from, if it did; else the object is the ingest's origin itself
    """

    bucket: str
    key: str
    etag: str
    size: int
    staged_from: str = ""

    @property
    def location(self) -> ObjectLocation:
        return ObjectLocation(self.bucket, self.key)

    def __str__(self) -> str:
        """Name what a person knows it by."""
        return self.staged_from or str(self.location)

    def as_dict(self) -> dict[str, Any]:
        values = {"bucket": self.bucket, "key": self.key, "etag": self.etag, "size": self.size}
        return {**values, "staged_from": self.staged_from} if self.staged_from else values
