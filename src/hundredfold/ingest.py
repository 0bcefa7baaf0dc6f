"""What an ingest is called, where its objects lie, and what the planner decides about it."""

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any, Self

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.sources.object_names import stem_of
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import SourceSpec, spec_from_dict

MOST_ID_CHARACTERS = 80
"""The longest id of an ingest, since it is the name of an execution.
https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (2026-11)"""

# Of the characters that AWS allows in a name, these are safe everywhere else the id goes too: S3 keys, ledger keys,
# file names and URLs. An id that ends like the execution of a resume (see `resume_name`) could be taken for one.
_INGEST_ID = re.compile(rf"(?!.*\.resume-[0-9]+$)[A-Za-z0-9][A-Za-z0-9._-]{{0,{MOST_ID_CHARACTERS - 1}}}")
LIVE = "live"
"""In place of a version: the model that is live when the ingest is resumed."""


def check_ingest_id(ingest_id: str) -> str:
    """Return `ingest_id` if it can name an ingest, an execution and a folder of objects.

    Raises
    ------
    InvalidIngestError
        If it is empty, longer than `MOST_ID_CHARACTERS`, has other characters than A-Z a-z 0-9 . _ - or ends as the
        execution of a resume does
    """
    if not _INGEST_ID.fullmatch(ingest_id):
        raise InvalidIngestError(
            f"{ingest_id[:100]!r} cannot name an ingest: "
            f"use 1 to {MOST_ID_CHARACTERS} of A-Z a-z 0-9 . _ - and begin with a letter or digit, "
            "and end in no .resume-<number>"
        )
    return ingest_id


def id_stem(name: str, longest: int = 60) -> str:
    """Return the beginning of an ingest's id that tells a person what it is of: the last part of a name or key."""
    last = name.rstrip("/").rpartition("/")[2]
    words = re.sub(r"[^A-Za-z0-9_-]+", "-", stem_of(last) or last.partition(".")[0])
    return words.strip("-_")[:longest].rstrip("-_") or "ingest"


@dataclass(frozen=True, slots=True)
class Model:
    """The published version of the inference function that an ingest is pinned to.

    Attributes
    ----------
    function : the version's qualified ARN
    version : the number that Lambda gave it
    card : SHA-256 of the model's card, in hex, as it was released; empty if the release recorded none
    """

    function: str
    version: str
    card: str = ""


@dataclass(frozen=True, slots=True)
class PartitionedPlan:
    """An ingest that is too large for one call of the planner: pinned and partitioned, and not planned yet.

    Attributes
    ----------
    spec, pinned, source_bytes, model : as of `Plan`
    partitions : how many there are
    partition_list : the JSON array of them, which the state machine maps over
    """

    ingest_id: str
    spec: SourceSpec
    pinned: PinnedObject | None
    source_bytes: int
    model: Model
    partitions: int
    partition_list: ObjectLocation

    def as_dict(self) -> dict[str, Any]:
        return {
            "needs_partitioning": True,
            "ingest_id": self.ingest_id,
            "spec": self.spec.as_dict(),
            "pinned": self.pinned and self.pinned.as_dict(),
            "source_bytes": self.source_bytes,
            "model": asdict(self.model),
            "partitions": self.partitions,
            "partition_list": asdict(self.partition_list),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            ingest_id=data["ingest_id"],
            spec=spec_from_dict(data["spec"]),
            pinned=PinnedObject(**data["pinned"]) if data["pinned"] else None,
            source_bytes=data["source_bytes"],
            model=Model(**data["model"]),
            partitions=data["partitions"],
            partition_list=ObjectLocation(**data["partition_list"]),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What the planner decided. The state machine carries it, and the summary is checked against it.

    Attributes
    ----------
    spec : the source that was asked for, with kind and compression as they were found
    pinned : the object that all batches are of; None if each batch names its own
    source_bytes : how many bytes of the source were read
    manifest : the list of the batches
    batches, records : how many the manifest has
    manifest_sha256 : the manifest's digest, in hex
    partitions : how many partitions it was planned in; 0 if one call planned it whole
    """

    ingest_id: str
    spec: SourceSpec
    pinned: PinnedObject | None
    source_bytes: int
    manifest: ObjectLocation
    batches: int
    records: int
    model: Model
    manifest_sha256: str = ""
    partitions: int = 0

    def pinned_of(self, batch: Batch) -> PinnedObject:
        """Return the object that a batch of this plan is a byte range of."""
        pinned = batch.pinned or self.pinned
        assert pinned is not None  # noqa: S101 - where the plan has none, each batch has
        return pinned

    def as_dict(self) -> dict[str, Any]:
        return {
            "needs_partitioning": False,
            "ingest_id": self.ingest_id,
            "spec": self.spec.as_dict(),
            "pinned": self.pinned and self.pinned.as_dict(),
            "source_bytes": self.source_bytes,
            "manifest": asdict(self.manifest),
            "batches": self.batches,
            "records": self.records,
            "model": asdict(self.model),
            "manifest_sha256": self.manifest_sha256,
            "partitions": self.partitions,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            ingest_id=data["ingest_id"],
            spec=spec_from_dict(data["spec"]),
            pinned=PinnedObject(**data["pinned"]) if data["pinned"] else None,
            source_bytes=data["source_bytes"],
            manifest=ObjectLocation(**data["manifest"]),
            batches=data["batches"],
            records=data["records"],
            model=Model(**data["model"]),
            manifest_sha256=data["manifest_sha256"],
            partitions=data["partitions"],
        )


@dataclass(frozen=True, slots=True)
class Resume:
    """What an execution is asked that goes on with an ingest, which an earlier execution left unfinished.

    Attributes
    ----------
    model : the number of a published version, or LIVE; None for the model that the ingest is pinned to
    rejected : also offer the batches again that have rejected records
    """

    ingest_id: str
    model: str | None = None
    rejected: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def resume_from_input(execution_input: object) -> Resume | None:
    """Read the input of an execution that resumes an ingest: `{"resume": {"ingest_id": …}}`; None for any other.

    Beside `ingest_id` it may have `model`, the number of a published version or "live", and `rejected`, true or false.

    Raises
    ------
    InvalidIngestError
        If there is a `resume` of any other shape; the message shows the right one.
    """
    if not isinstance(execution_input, dict) or "resume" not in execution_input:
        return None
    resume = execution_input["resume"]
    expected = 'to resume, the execution\'s input must be {"resume": {"ingest_id": "..."}}'
    if not isinstance(resume, dict) or not isinstance(resume.get("ingest_id"), str):
        raise InvalidIngestError(f"{expected}; it names no ingest_id")
    model, rejected = resume.get("model"), resume.get("rejected", False)
    if model is not None and not (
        isinstance(model, str) and (model == LIVE or re.fullmatch("[1-9][0-9]{0,17}", model))
    ):
        raise InvalidIngestError(f'{expected}; its model must be the number of a version, as text, or "{LIVE}"')
    if not isinstance(rejected, bool):
        raise InvalidIngestError(f"{expected}; its rejected must be true or false")
    return Resume(check_ingest_id(resume["ingest_id"]), model, rejected)


def ingest_id_of(execution: str, execution_input: object) -> str:
    """Return the id of the ingest that an execution works on, from its name and its input.

    The first execution of an ingest has its id as its name; one that resumes it says so in its input. What an input
    that cannot be understood is about is the execution's own affair: its name is returned.
    """
    try:
        resume = resume_from_input(execution_input)
    except InvalidIngestError:
        return execution
    return resume.ingest_id if resume else execution


def resume_name(ingest_id: str, number: int) -> str:
    """Name the execution that resumes an ingest for the `number`th time: two who try at once get the same name.

    Too long an id is cut, and told from others by its digest.
    """
    ending = f".resume-{number}"
    if len(ingest_id) + len(ending) > MOST_ID_CHARACTERS:
        digest = hashlib.sha256(ingest_id.encode()).hexdigest()[:12]
        ingest_id = f"{ingest_id[: MOST_ID_CHARACTERS - len(ending) - len(digest) - 1]}.{digest}"
    return ingest_id + ending
