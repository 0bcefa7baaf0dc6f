"""What an ingest is called, where its objects lie, and what the planner decides about it."""

import re
from dataclasses import asdict, dataclass
from typing import Any, Self

from hundredfold.errors import InvalidIngestError

# An ingest's id is the name of its execution: AWS allows 1 to 80 characters there. Of those it allows, these
# are safe everywhere else the id goes too: S3 keys, ledger keys, file names and URLs.
# https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (2026-11)
_INGEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")


def check_ingest_id(ingest_id: str) -> str:
    """Return `ingest_id` if it can name an ingest, an execution and a folder of objects.

    Raises
    ------
    InvalidIngestError
        If it is empty, longer than 80 characters, or has other characters than A-Z a-z 0-9 . _ -
    """
    if not _INGEST_ID.fullmatch(ingest_id):
        raise InvalidIngestError(
            f"{ingest_id[:100]!r} cannot name an ingest: "
            "use 1 to 80 of A-Z a-z 0-9 . _ - and begin with a letter or digit"
        )
    return ingest_id


@dataclass(frozen=True, slots=True)
class ObjectLocation:
    """An object in S3."""

    bucket: str
    key: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True, slots=True)
class Source:
    """The object that holds an ingest's records, pinned by its ETag to the content that was planned.

    `size` is in bytes.
    """

    bucket: str
    key: str
    etag: str
    size: int

    @property
    def location(self) -> ObjectLocation:
        return ObjectLocation(self.bucket, self.key)


@dataclass(frozen=True, slots=True)
class Model:
    """The published version of the inference function that an ingest is pinned to.

    `version` is the number that Lambda gave it, `function` its qualified ARN.
    """

    function: str
    version: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What the planner decided: the state machine carries it, and the summary is checked against it."""

    ingest_id: str
    source: Source
    manifest: ObjectLocation
    batches: int
    records: int
    model: Model

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            ingest_id=data["ingest_id"],
            source=Source(**data["source"]),
            manifest=ObjectLocation(**data["manifest"]),
            batches=data["batches"],
            records=data["records"],
            model=Model(**data["model"]),
        )


def source_key(ingest_id: str) -> str:
    """Where the command line uploads an ingest's records to, in the source bucket."""
    return f"ingests/{ingest_id}/records.jsonl"


def manifest_key(ingest_id: str) -> str:
    """Where the planner writes an ingest's manifest to, in the work bucket."""
    return f"ingests/{ingest_id}/manifest.json"


def rejections_key(ingest_id: str, batch: int) -> str:
    """Where a batch's rejections are written to, in the work bucket; no object if it has none."""
    return f"ingests/{ingest_id}/rejected/{batch:08d}.jsonl"


def card_key(ingest_id: str) -> str:
    """Where the card of the model that scores an ingest is kept with it, in the work bucket."""
    return f"ingests/{ingest_id}/card.json"


def source_from_input(execution_input: object) -> ObjectLocation:
    """Read the input of an execution: `{"source": {"bucket": …, "key": …}}`.

    Raises
    ------
    InvalidIngestError
        If it has any other shape; the message shows the right one.
    """
    expected = 'the execution\'s input must be {"source": {"bucket": "...", "key": "..."}}'
    if not isinstance(execution_input, dict):
        raise InvalidIngestError(f"{expected}, not {type(execution_input).__name__}")
    source = execution_input.get("source")
    if not isinstance(source, dict):
        raise InvalidIngestError(f"{expected}; it has no object named source")
    for field in ("bucket", "key"):
        if not isinstance(source.get(field), str) or not source[field]:
            raise InvalidIngestError(f"{expected}; its source has no {field}")
    return ObjectLocation(source["bucket"], source["key"])
