"""Following an ingest until it ends."""

import time
from datetime import UTC, datetime

from hundredfold_cli.ingests.executions import find_execution
from hundredfold_cli.ingests.progress import ingest_progress
from hundredfold_cli.ingests.status import IngestStatus, ingest_status, ledger_totals
from hundredfold_cli.stack.deployment import Deployment

_EXECUTION_SECONDS = 0.25
"""How often Step Functions is asked whether the execution still runs."""

_LEDGER_SECONDS = 1.0
_LEDGER_ENTRIES_A_SECOND = 500
"""How often the ledger is read. It has an entry for each batch, so a larger ingest is read less often."""


def follow(deployment: Deployment, ingest_id: str) -> IngestStatus:
    """Show an ingest's progress until its execution has ended, and return its status then.

    Raises
    ------
    IngestNotFoundError
        If there is no such ingest.
    """
    status = ingest_status(deployment, ingest_id)
    plan = None
    next_look = 0.0
    with ingest_progress(ingest_id) as progress:
        while not status.ended:
            execution = find_execution(deployment, status.execution)
            if execution is None or execution["status"] != "RUNNING":
                status = ingest_status(deployment, ingest_id)
                continue
            if time.monotonic() >= next_look:
                plan = plan or ingest_status(deployment, ingest_id).plan
                if plan:
                    seconds = (datetime.now(UTC) - execution["startDate"]).total_seconds()
                    progress.show(ledger_totals(deployment, ingest_id), plan.records, plan.batches, seconds)
                    next_look = time.monotonic() + max(_LEDGER_SECONDS, plan.batches / _LEDGER_ENTRIES_A_SECOND)
            time.sleep(_EXECUTION_SECONDS)
    return status
