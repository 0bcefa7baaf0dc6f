"""Following an ingest until it ends."""

import time
from datetime import UTC, datetime

from hundredfold_cli.ingests.status import IngestStatus, execution_of, ingest_status, totals
from hundredfold_cli.ingests.terminal import ingest_progress
from hundredfold_cli.stack.deployment import Deployment

_EXECUTION_SECONDS = 0.25
_LEDGER_SECONDS = 1.0
_BATCHES_READ_A_SECOND = 500
"""Looking at the ledger reads an entry for each batch: the larger the ingest, the less often that is done."""


def follow(deployment: Deployment, ingest_id: str) -> IngestStatus:
    """Show an ingest's progress until its execution has ended, and return how it stands then.

    Raises
    ------
    IngestNotFoundError
    """
    now = ingest_status(deployment, ingest_id)
    plan = None
    next_look = 0.0
    with ingest_progress(ingest_id) as progress:
        while not now.ended:
            execution = execution_of(deployment, now.execution)
            if execution is None or execution["status"] != "RUNNING":
                now = ingest_status(deployment, ingest_id)
                continue
            if time.monotonic() >= next_look:
                plan = plan or ingest_status(deployment, ingest_id).plan
                if plan:
                    seconds = (datetime.now(UTC) - execution["startDate"]).total_seconds()
                    progress.show(totals(deployment, ingest_id), plan.records, plan.batches, seconds)
                    next_look = time.monotonic() + max(_LEDGER_SECONDS, plan.batches / _BATCHES_READ_A_SECOND)
            time.sleep(_EXECUTION_SECONDS)
    return now
