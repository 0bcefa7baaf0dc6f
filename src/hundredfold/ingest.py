"""An ingest: its id, what the planner decides about it, and the request to resume it."""

import hashlib
import re
from dataclasses import asdict, dataclass
from typing import Any, Self

from hundredfold.batches import Batch
from hundredfold.errors import InvalidIngestError
from hundredfold.layout import Layout
from hundredfold.sources.object_names import stem_of
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.spec import SourceSpec, spec_from_dict

MOST_ID_CHARACTERS = 80
"""The longest name of an execution, and so the longest id of an ingest.

https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html (2026-11)
"""

# AWS allows more characters in a name. These are also safe in S3 keys, ledger keys, file names and URLs. An id must
# not end as the name of a resume does (see `resume_name`), or it could be taken for one.
_INGEST_ID = re.compile(rf"(?!.*\.resume-[0-9]+$)[A-Za-z0-9][A-Za-z0-9._-]{{0,{MOST_ID_CHARACTERS - 1}}}")

LIVE = "live"
"""In place of a version: the model that is live when the ingest is resumed."""


def check_ingest_id(ingest_id: str) -> str:
    """Return `ingest_id` if it can name an ingest, an execution and a folder of objects.

    Raises
    ------
    InvalidIngestError
        If it is empty, longer than MOST_ID_CHARACTERS, has characters other than A-Z a-z 0-9 . _ - or ends like the
        name of a resume
    """
    if not _INGEST_ID.fullmatch(ingest_id):
        raise InvalidIngestError(
            f"{ingest_id[:100]!r} cannot name an ingest: "
            f"use 1 to {MOST_ID_CHARACTERS} of A-Z a-z 0-9 . _ - and begin with a letter or digit, "
            "and do not end in .resume-<number>"
        )
    return ingest_id


def id_stem(name: str, longest: int = 60) -> str:
    """Return the first part of an ingest's id, made of the end of a name or key, for a person to recognise."""
    last = name.rstrip("/").rpartition("/")[2]
    stem = re.sub(r"[^A-Za-z0-9_-]+", "-", stem_of(last) or last.partition(".")[0])
    return stem.strip("-_")[:longest].rstrip("-_") or "ingest"


@dataclass(frozen=True, slots=True)
class Claim:
    """The claim of one start on an id, from before its upload until its ingest begins.

    Attributes
    ----------
    token : names the start. It is in the keys of what the start uploads, and in the input of its execution.
    by, at : who claimed the id, and when (ISO 8601)
    """

    token: str
    by: str
    at: str


def claim_from_input(execution_input: object) -> str:
    """Read the token of `{"claim": …}` in an execution's input. Return an empty text if the start made no claim.

    Raises
    ------
    InvalidIngestError
        If it is no text.
    """
    token = execution_input.get("claim", "") if isinstance(execution_input, dict) else ""
    if not isinstance(token, str):
        raise InvalidIngestError("the claim in the execution's input must be text")
    return token


MAX_REJECTED = "max_rejected_percent"
"""The member of an execution's input that limits the share of rejected records."""


def check_percent(value: object) -> float:
    """Return a share in percent as a float; raises ValueError if it is no number from 0 to 100."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError("no number from 0 to 100")
    return float(value)


def max_rejected_from_input(execution_input: object) -> float | None:
    """Read `{"max_rejected_percent": …}` in an execution's input. Return None if it has none.

    Raises
    ------
    InvalidIngestError
        If it is no number from 0 to 100.
    """
    if not isinstance(execution_input, dict) or MAX_REJECTED not in execution_input:
        return None
    try:
        return check_percent(execution_input[MAX_REJECTED])
    except ValueError:
        raise InvalidIngestError(f"{MAX_REJECTED} in the execution's input must be a number from 0 to 100") from None


@dataclass(frozen=True, slots=True)
class Model:
    """The model of an ingest: the published version of the inference function that it is pinned to.

    Attributes
    ----------
    function : the qualified ARN of the version
    version : its number
    card : SHA-256 of the released card, in hex; empty if the release recorded none
    """

    function: str
    version: str
    card: str = ""


@dataclass(frozen=True, slots=True)
class PartitionedPlan:
    """An ingest that is too large for one call of the planner. It is pinned and partitioned, but not planned yet.

    Attributes
    ----------
    spec, pinned, source_bytes, model, layout, max_rejected_percent : as for `Plan`
    partitions : how many there are
    partition_list : the JSON array of the partitions, which the state machine maps over
    """

    ingest_id: str
    spec: SourceSpec
    pinned: PinnedObject | None
    source_bytes: int
    model: Model
    partitions: int
    partition_list: ObjectLocation
    skipped_objects: int = 0
    layout: Layout = Layout.ITEM
    max_rejected_percent: float = 100.0

    def as_dict(self) -> dict[str, Any]:
        return {
            "needs_partitioning": True,
            **_shared_as_dict(self),
            "partition_list": asdict(self.partition_list),
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(**_shared_from_dict(data), partition_list=ObjectLocation(**data["partition_list"]))


@dataclass(frozen=True, slots=True)
class Plan:
    """What the planner decided. The state machine carries it, and the summary is checked against it.

    Attributes
    ----------
    spec : the source spec, with kind and compression filled in
    pinned : the object of all batches; None if each batch names its own
    source_bytes : how many bytes the source has
    manifest : the list of the batches, in groups
    batches, records, groups : how many the manifest has
    manifest_sha256 : the SHA-256 of the manifest, in hex
    partitions : how many partitions were planned; 0 if one call planned the whole ingest
    skipped_objects : how many objects of the source only mark a folder
    layout : how the predictions are stored. It stays, whatever the stack is deployed with later.
    max_rejected_percent : the share of the records that may be rejected before the ingest counts as failed
    """

    ingest_id: str
    spec: SourceSpec
    pinned: PinnedObject | None
    source_bytes: int
    manifest: ObjectLocation
    batches: int
    records: int
    model: Model
    groups: int = 0
    manifest_sha256: str = ""
    partitions: int = 0
    skipped_objects: int = 0
    layout: Layout = Layout.ITEM
    max_rejected_percent: float = 100.0

    def pinned_of(self, batch: Batch) -> PinnedObject:
        """Return the object that a batch of this plan is a byte range of."""
        pinned = batch.pinned or self.pinned
        assert pinned is not None  # noqa: S101 - if the plan has none, each batch has one
        return pinned

    def as_dict(self) -> dict[str, Any]:
        return {
            "needs_partitioning": False,
            **_shared_as_dict(self),
            "manifest": asdict(self.manifest),
            "batches": self.batches,
            "records": self.records,
            "groups": self.groups,
            "manifest_sha256": self.manifest_sha256,
        }

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Self:
        return cls(
            **_shared_from_dict(data),
            manifest=ObjectLocation(**data["manifest"]),
            batches=data["batches"],
            records=data["records"],
            groups=data["groups"],
            manifest_sha256=data["manifest_sha256"],
        )


def _shared_as_dict(plan: Plan | PartitionedPlan) -> dict[str, Any]:
    return {
        "ingest_id": plan.ingest_id,
        "spec": plan.spec.as_dict(),
        "pinned": plan.pinned and plan.pinned.as_dict(),
        "source_bytes": plan.source_bytes,
        "model": asdict(plan.model),
        "partitions": plan.partitions,
        "layout": plan.layout.value,
        **({"skipped_objects": plan.skipped_objects} if plan.skipped_objects else {}),
        **({MAX_REJECTED: plan.max_rejected_percent} if plan.max_rejected_percent < 100 else {}),
    }


def _shared_from_dict(data: dict[str, Any]) -> dict[str, Any]:
    return {
        "ingest_id": data["ingest_id"],
        "spec": spec_from_dict(data["spec"]),
        "pinned": PinnedObject(**data["pinned"]) if data["pinned"] else None,
        "source_bytes": data["source_bytes"],
        "model": Model(**data["model"]),
        "partitions": data["partitions"],
        "skipped_objects": data.get("skipped_objects", 0),
        "layout": Layout(data.get("layout", Layout.ITEM)),  # an older ingest has none
        "max_rejected_percent": check_percent(data.get(MAX_REJECTED, 100.0)),
    }


@dataclass(frozen=True, slots=True)
class Resume:
    """The request to continue an ingest that an earlier execution left unfinished.

    Attributes
    ----------
    model : the number of a published version, or LIVE; None for the pinned model
    rejected : whether to infer batches with rejected records again, too
    force : whether to sum the ingest up again if it is completed and has no batch to do
    """

    ingest_id: str
    model: str | None = None
    rejected: bool = False
    force: bool = False

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value or name != "force"}


def is_version(model: object) -> bool:
    """Tell whether a text is the number of a published version, as Lambda writes it."""
    return isinstance(model, str) and re.fullmatch("[1-9][0-9]{0,17}", model) is not None


def resume_from_input(execution_input: object) -> Resume | None:
    """Read the request of an execution's input: `{"resume": {"ingest_id": …}}`. Return None if it has no `resume`.

    It may also have `model`, the number of a published version or "live", and `rejected` and `force`, true or false.

    Raises
    ------
    InvalidIngestError
        If `resume` has another shape. The message shows the right one.
    """
    if not isinstance(execution_input, dict) or "resume" not in execution_input:
        return None
    resume = execution_input["resume"]
    expected = 'to resume, the execution\'s input must be {"resume": {"ingest_id": "..."}}'
    if not isinstance(resume, dict) or not isinstance(resume.get("ingest_id"), str):
        raise InvalidIngestError(f"{expected}; it names no ingest_id")
    model, rejected = resume.get("model"), resume.get("rejected", False)
    if model is not None and model != LIVE and not is_version(model):
        raise InvalidIngestError(f'{expected}; its model must be the number of a version, as text, or "{LIVE}"')
    force = resume.get("force", False)
    if not isinstance(rejected, bool) or not isinstance(force, bool):
        raise InvalidIngestError(f"{expected}; its rejected and force must be true or false")
    return Resume(check_ingest_id(resume["ingest_id"]), model, rejected, force)


def ingest_id_of(execution: str, execution_input: object) -> str:
    """Return the id of the ingest that an execution works on, from the execution's name and input.

    The first execution of an ingest is named by its id. An execution that resumes it has the id in its input. If the
    input is malformed, the name is returned.
    """
    try:
        resume = resume_from_input(execution_input)
    except InvalidIngestError:
        return execution
    return resume.ingest_id if resume else execution


def resume_name(ingest_id: str, number: int) -> str:
    """Name the execution that resumes an ingest for the `number`th time. Two concurrent attempts get the same name.

    An id that is too long is cut, and a digest keeps it distinct.
    """
    ending = f".resume-{number}"
    if len(ingest_id) + len(ending) > MOST_ID_CHARACTERS:
        digest = hashlib.sha256(ingest_id.encode()).hexdigest()[:12]
        ingest_id = f"{ingest_id[: MOST_ID_CHARACTERS - len(ending) - len(digest) - 1]}.{digest}"
    return ingest_id + ending
