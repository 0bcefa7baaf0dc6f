"""Objects in S3: where one is, and which content of it is read."""

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
    """An object that batches are byte ranges of. Its ETag pins the content that was planned.

    Attributes
    ----------
    size : in bytes
    staged_from : the source that the planner staged this object from; empty if the object is the source itself
    """

    bucket: str
    key: str
    etag: str
    size: int
    staged_from: str = ""

    @property
    def marks_folder(self) -> bool:
        """Whether it only marks a folder, as the S3 console makes them: an empty object whose key ends in a slash."""
        return self.key.endswith("/") and not self.size

    @property
    def location(self) -> ObjectLocation:
        return ObjectLocation(self.bucket, self.key)

    def __str__(self) -> str:
        """Return the name that a person knows: the source's, if this object was staged from it."""
        return self.staged_from or str(self.location)

    def as_dict(self) -> dict[str, Any]:
        values = {"bucket": self.bucket, "key": self.key, "etag": self.etag, "size": self.size}
        return {**values, "staged_from": self.staged_from} if self.staged_from else values
