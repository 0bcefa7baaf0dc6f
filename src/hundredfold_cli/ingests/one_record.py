"""The outcome of one record, looked up by its id."""

import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from hundredfold.batches import Batch
from hundredfold.errors import SourceChangedError, SourceMissingError
from hundredfold.ingest import Plan
from hundredfold.records import MAX_ID_BYTES, Reason
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.ingests.outcomes import batches_done, read_all_rejections, read_manifest
from hundredfold_cli.stack.deployment import Deployment

_MOST_LINES = 1_000
"""How many rejections with an invalid id are looked up in the source."""


def find_outcome(deployment: Deployment, plan: Plan, record_id: str) -> dict[str, Any]:
    """Return the prediction of a record or, if it was rejected, its rejection.

    An invalid id is not in its rejection. It is looked up in the source.

    Raises
    ------
    NotThereError
        If there is no outcome. The message says what there is in place of one.
    """
    done = batches_done(deployment, plan.ingest_id)
    can_be_key = 0 < len(record_id.encode(errors="replace")) <= MAX_ID_BYTES
    prediction = deployment.predictions.read_record(plan.ingest_id, record_id) if can_be_key else None
    if prediction and prediction.get("batch") in done:
        return prediction
    without_id: list[dict[str, Any]] = []
    for rejection in read_all_rejections(deployment, plan, done):
        if rejection["record_id"] == record_id:
            return rejection
        if rejection["record_id"] is None:
            without_id.append(rejection)
    if prediction:
        raise NotThereError(
            f"record {record_id!r} is in batch {prediction.get('batch')}, which is not done; "
            f"run: hundredfold resume {plan.ingest_id}"
        )
    invalid = [rejection for rejection in without_id if rejection["reason"] == Reason.INVALID_ID]
    try:
        for rejection, invalid_id in _invalid_ids(deployment, plan, invalid[:_MOST_LINES]):
            if record_id in {invalid_id, json.dumps(invalid_id)}:
                return rejection
    except (SourceChangedError, SourceMissingError):
        pass  # then the message below says how many there are
    counts = Counter(rejection["reason"] for rejection in without_id)
    there_is = ", ".join(f"{count:,} {reason}" for reason, count in counts.most_common())
    raise NotThereError(
        f"ingest {plan.ingest_id} has no outcome for a record {record_id!r}"
        + (f"; records without a valid id were rejected ({there_is}): --rejected lists them" if there_is else "")
    )


def _invalid_ids(
    deployment: Deployment, plan: Plan, rejections: list[dict[str, Any]]
) -> Iterator[tuple[dict[str, Any], object]]:
    """Yield rejections with the id that their line has."""
    if not rejections:
        return
    batches = {batch.batch: batch for batch in read_manifest(deployment, plan)}
    content, read = b"", -1
    for rejection in rejections:
        batch: Batch | None = batches.get(rejection["batch"])
        if batch is None:
            continue
        if read != batch.batch:
            content, read = deployment.sources.read(plan.pinned_of(batch), batch.offset, batch.length), batch.batch
        line = content[rejection["offset"] - batch.offset :].partition(b"\n")[0]
        try:
            yield rejection, json.loads(line)["id"]
        except (ValueError, LookupError, TypeError):
            continue
