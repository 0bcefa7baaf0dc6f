"""The cost of an ingest: what it used, and the prices of its region."""

from collections.abc import Iterator
from datetime import datetime

from hundredfold.accounting.prices import PriceList, prices
from hundredfold.accounting.usage import OTHER_MEMORY_MB, Usage, usage_of_ledger
from hundredfold.errors import InvalidIngestError
from hundredfold_cli.console import say
from hundredfold_cli.ingests.executions import find_execution
from hundredfold_cli.ingests.invocations import Span, late_reports, read_invocations, with_reports
from hundredfold_cli.ingests.status import IngestStatus
from hundredfold_cli.stack.deployment import Deployment


def ingest_usage(deployment: Deployment, status: IngestStatus, *, reports: bool = True) -> Usage:
    """Return what an ingest used, by its ledger and by what Lambda reported in the logs.

    Parameters
    ----------
    reports : False to leave out what Lambda reported

    Raises
    ------
    InvalidIngestError
        If the ingest was never planned.
    """
    ingest_id = str(status.summary["ingest_id"])
    if status.plan is None:
        raise InvalidIngestError(f"ingest {ingest_id} was never planned, so there is nothing to bill")
    usage = usage_of_ledger(deployment.ledger.entries(ingest_id), status.plan, other_memory_mb=OTHER_MEMORY_MB)
    usage = usage.with_executions(max(len(status.summary.get("executions", [])), 1))
    if not reports:
        return usage
    logged = read_invocations(deployment, ingest_id, execution_spans(deployment, status))
    if late := late_reports(usage, logged):
        say(f"as logged so far: {late:,} of {usage.attempts:,} calls have no REPORT line, and count as an average one")
    return with_reports(usage, logged)


def execution_spans(deployment: Deployment, status: IngestStatus) -> Iterator[Span]:
    """Yield when the executions of an ingest ran: the first one, and each resume.

    Step Functions forgets an execution after 90 days. Its logs may still be there. So of the last execution, the
    summary's own times are taken.
    """
    ingest_id = str(status.summary["ingest_id"])
    begin = _milliseconds(datetime.fromisoformat(str(status.summary["started_at"])))
    yield Span(begin, begin + round(float(status.summary["seconds"]) * 1000))
    names = [ingest_id, *(str(resume["execution"]) for resume in status.summary.get("resumed", []))]
    for name in names:
        execution = find_execution(deployment, name)
        if execution and "stopDate" in execution:
            yield Span(_milliseconds(execution["startDate"]), _milliseconds(execution["stopDate"]))


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def regional_prices(deployment: Deployment) -> PriceList:
    """Return the prices of the deployment's region. Without a list for it, return those of us-east-1 and say so."""
    region = deployment.session.region_name or ""
    try:
        return prices(region)
    except FileNotFoundError:
        say(f"there is no price list for {region}; these are the prices of us-east-1")
        return prices()
