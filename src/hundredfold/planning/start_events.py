"""Start events: which ingest an event starts, if any.

The ingest's id is derived from the event. So an event that is delivered twice starts one ingest.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from hundredfold.errors import InvalidIngestError
from hundredfold.ingest import check_ingest_id, id_stem
from hundredfold.sources.object_names import stem_of
from hundredfold.sources.spec import ObjectsSpec, SourceSpec
from hundredfold.sources.uri import parse_source

_STEM_CHARACTERS = 40
_DIGEST_CHARACTERS = 16


@dataclass(frozen=True, slots=True)
class Start:
    """An ingest to start."""

    ingest_id: str
    spec: SourceSpec

    def as_input(self) -> dict[str, Any]:
        """Return the input of the ingest's execution."""
        return {"source": self.spec.as_dict()}


@dataclass(frozen=True, slots=True)
class IgnoredObject:
    """An object that no ingest is started for, and why."""

    location: str
    why: str


def start_for(event: object, scheduled_source: str) -> Start | IgnoredObject:
    """Decide which ingest an event of EventBridge starts.

    Parameters
    ----------
    event : says that an object was created in S3, or that a schedule is due
    scheduled_source : the source of scheduled ingests, in a form that `sources.uri.parse_source` reads

    Raises
    ------
    InvalidIngestError
        If it is another event, or the scheduled source makes no sense.
    """
    try:
        match event:
            case {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}:
                return _start_for_object(detail)
            case {"source": "aws.events", "detail-type": "Scheduled Event", "time": time}:
                return _start_for_schedule(datetime.fromisoformat(time), scheduled_source)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidIngestError(f"the event lacks something: {type(error).__name__}") from None
    raise InvalidIngestError("the event is neither of an object that was created in S3 nor of a schedule")


def _start_for_object(detail: Mapping[str, Any]) -> Start | IgnoredObject:
    bucket, key, etag = detail["bucket"]["name"], detail["object"]["key"], detail["object"]["etag"]
    if key.endswith("/"):
        return IgnoredObject(f"s3://{bucket}/{key}", "it stands for a folder")
    if stem_of(key) is None:
        return IgnoredObject(f"s3://{bucket}/{key}", "its name ends in no kind that is known")
    # Versioning may be off or suspended. Then the same content, put again, counts as the same object.
    version = detail["object"].get("version-id", "null")
    ingest_id = f"{id_stem(key, _STEM_CHARACTERS)}-{_digest(bucket, key, etag if version == 'null' else version)}"
    # The ETag pins the object. Later content under this key has an event and an ingest of its own.
    return Start(check_ingest_id(ingest_id), ObjectsSpec(bucket, key, etag=etag))


def _start_for_schedule(time: datetime, scheduled_source: str) -> Start:
    if not scheduled_source:
        raise InvalidIngestError(
            "a schedule is due, and the stack has no source for it; set the parameter ScheduleSource"
        )
    spec = parse_source(scheduled_source)
    at = f"{time.astimezone(UTC):%Y%m%dT%H%M%S}"
    digest = _digest(at, json.dumps(spec.as_dict(), sort_keys=True))
    return Start(check_ingest_id(f"{id_stem(spec.name, _STEM_CHARACTERS)}-{at}-{digest}"), spec)


def _digest(*texts: str) -> str:
    return hashlib.sha256(json.dumps(texts).encode()).hexdigest()[:_DIGEST_CHARACTERS]
