"""What `hundredfold ingest` scores: a request, wherever the records are."""

from collections.abc import Callable, Mapping
from typing import Protocol

from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import SourceSpec
from hundredfold_cli.ingests.preview.first_records import FirstRecords
from hundredfold_cli.stack.deployment import Deployment

type Uploaded = Callable[[int], None]
"""Called after each uploaded chunk, with its number of bytes."""


class IngestRequest(Protocol):
    """Records that are to be scored.

    Attributes
    ----------
    name : what the ingest is named after
    found : the options of the command that say what the content has shown, and neither an option nor the name
    options : how the records are read, with what the content has shown; complete once it was checked
    size : bytes to upload; None if nothing is uploaded, or the size is known only at the end
    """

    name: str

    @property
    def found(self) -> tuple[str, ...]: ...

    @property
    def options(self) -> ReadOptions: ...

    @property
    def size(self) -> int | None: ...

    def check(self, deployment: Deployment) -> None:
        """Check that the records are there, before anything else; raises InvalidIngestError or SourceMissingError."""
        ...

    def first_records(self, deployment: Deployment) -> FirstRecords | None:
        """Read the first records, once they are checked; None if they cannot be seen before they are uploaded."""
        ...

    def map_fields(self, fields: Mapping[str, str]) -> None:
        """Take fields from these columns, beside those that the options name."""
        ...

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        """Upload the records if they are not in AWS yet, and return where they are.

        Parameters
        ----------
        token : of the start's claim. What is uploaded goes to a key with it, and is pinned by its ETag.
        """
        ...

    def describe(self, ingest_id: str) -> str:
        """Say what the command does with the records."""
        ...
