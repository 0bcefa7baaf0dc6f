"""The small ingests of the checks."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from hundredfold.batches import BatchFailure, BatchOutcome
from hundredfold.sources.spec import ObjectsSpec
from hundredfold_cli.errors import DeploymentError
from hundredfold_cli.ingests.executions import find_execution
from hundredfold_cli.ingests.request import IngestRequest
from hundredfold_cli.ingests.source_options import SourceOptions
from hundredfold_cli.ingests.start import new_ingest_id, start_ingest
from hundredfold_cli.ingests.status import IngestStatus, ingest_status
from hundredfold_cli.ingests.stored import StoredObjects
from hundredfold_cli.ingests.uploads import FileUpload
from hundredfold_cli.stack.deployment import Deployment

ENDED_SECONDS = 900
_PAUSE_SECONDS = 0.5


@dataclass(frozen=True)
class EndedIngest:
    """An ingest of the checks, once it has ended."""

    status: IngestStatus
    entries: tuple[BatchOutcome | BatchFailure, ...]
    began: datetime
    ended: datetime

    @cached_property
    def ingest_id(self) -> str:
        return str(self.summary["ingest_id"])

    @property
    def summary(self) -> dict[str, Any]:
        return self.status.summary

    @property
    def done(self) -> list[BatchOutcome]:
        return [entry for entry in self.entries if isinstance(entry, BatchOutcome)]

    @property
    def failures(self) -> list[BatchFailure]:
        return [entry for entry in self.entries if isinstance(entry, BatchFailure)]

    @property
    def counts(self) -> str:
        """What became of its records, in words."""
        names = ("records", "predicted", "rejected", "failed")
        return f"{self.summary['status']}: " + ", ".join(f"{self.summary[name]} {name}" for name in names)

    @property
    def adds_up(self) -> bool:
        """Whether each record has one outcome, by the summary."""
        summary = self.summary
        return bool(summary["records"] == summary["predicted"] + summary["rejected"] + summary["failed"])


def start_records(deployment: Deployment, records: Sequence[dict[str, Any]], folder: Path, name: str) -> str:
    """Start an ingest of records that are uploaded as one object, and return its id."""
    file = folder / f"{name}.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in records))
    return _start(deployment, FileUpload(file), name)


def start_objects(deployment: Deployment, lines: Sequence[dict[str, Any]], name: str) -> str:
    """Start an ingest of objects with one record each, so that each record is a batch; return its id."""
    prefix = f"checks/{new_ingest_id(name)}/"
    for number, record in enumerate(lines):
        put_object(deployment, f"{prefix}{number:03d}.jsonl", [record])
    return start_stored(deployment, ObjectsSpec(deployment.source_bucket, prefix=prefix), name)


def start_stored(deployment: Deployment, spec: ObjectsSpec, name: str) -> str:
    """Start an ingest of what is in S3, and return its id."""
    request = StoredObjects(spec, SourceOptions())
    request.check(deployment)
    return _start(deployment, request, name)


def put_object(deployment: Deployment, key: str, records: Sequence[dict[str, Any]]) -> None:
    """Put records into the source bucket."""
    body = "".join(json.dumps(record) + "\n" for record in records).encode()
    deployment.s3.put_object(Bucket=deployment.source_bucket, Key=key, Body=body)


def await_end(
    deployment: Deployment, ingest_id: str, *, redrives: int = 0, seconds: float = ENDED_SECONDS
) -> EndedIngest:
    """Wait until an ingest has ended.

    Parameters
    ----------
    redrives : how often it was redriven. DescribeExecution, eventually consistent, may show an end of before

    Raises
    ------
    DeploymentError
        If it does not end in time.
    """
    deadline = time.monotonic() + seconds
    while True:
        execution = find_execution(deployment, ingest_id)
        if execution and execution["status"] != "RUNNING" and execution.get("redriveCount", 0) >= redrives:
            break
        if time.monotonic() > deadline:
            raise DeploymentError(f"ingest {ingest_id} has not ended within {seconds:.0f} s")
        time.sleep(_PAUSE_SECONDS)
    return EndedIngest(
        ingest_status(deployment, ingest_id),
        tuple(deployment.ledger.entries(ingest_id)),
        execution["startDate"],
        execution["stopDate"],
    )


def _start(deployment: Deployment, request: IngestRequest, name: str) -> str:
    ingest_id = new_ingest_id(f"check-{name}")
    start_ingest(deployment, request, ingest_id, lambda _: None)
    return ingest_id
