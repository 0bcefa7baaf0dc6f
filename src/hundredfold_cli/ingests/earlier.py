"""Earlier ingests of the same model, which an ingest is compared with."""

from collections.abc import Iterable
from itertools import islice

from botocore.exceptions import ClientError

from hundredfold.batches import BatchOutcome, Sketch
from hundredfold.planning.shadows import SHADOW
from hundredfold.summary import Status
from hundredfold_cli.stack.deployment import Deployment
from hundredfold_cli.stack.ingest_list import ListedIngest

MOST_EARLIER = 3
"""How many earlier ingests one is compared with."""
_LOOKED_AT = 200
"""Among how many of the newest ingests they are looked for."""


def earlier_ingests(deployment: Deployment, ingest_id: str, version: str, started_at: str) -> list[ListedIngest]:
    """Return the newest ingests that a model version completed before another one, up to MOST_EARLIER.

    Parameters
    ----------
    started_at : when the other one started, ISO 8601
    """
    if not version:
        return []
    try:
        newest = islice(deployment.ingests.newest([Status.COMPLETED], limit=_LOOKED_AT), _LOOKED_AT)
        earlier = (
            ingest
            for ingest in newest
            if ingest.model_version == version
            and ingest.began_at < started_at
            and ingest.ingest_id != ingest_id
            and SHADOW not in ingest.ingest_id
        )
        return list(islice(earlier, MOST_EARLIER))
    except ClientError:
        return []  # a stack of an older release has no list


def sketch_of(deployment: Deployment, ingest_id: str, version: str) -> Sketch | None:
    """Add up what a model version counted of an ingest. Return None if it has no baseline."""
    entries = deployment.ledger.entries(ingest_id)
    done = (entry for entry in entries if isinstance(entry, BatchOutcome))
    return add_fitting(entry.sketch for entry in done if entry.sketch and entry.model_version in {version, ""})


def add_fitting(sketches: Iterable[Sketch]) -> Sketch | None:
    """Add up sketches that have the bins of the first one."""
    total: Sketch | None = None
    for sketch in sketches:
        if total is None:
            total = sketch
        elif _bins(sketch) == _bins(total):
            total += sketch
    return total


def _bins(sketch: Sketch) -> tuple[int, int, tuple[int, ...]]:
    return len(sketch.labels), len(sketch.scores), tuple(map(len, sketch.inputs))
