"""The cost of an ingest: what it used, and the prices of its region."""

from hundredfold.accounting.prices import PriceList, prices
from hundredfold.accounting.usage import OTHER_MEMORY_MB, Usage, usage_of_ledger
from hundredfold.errors import InvalidIngestError
from hundredfold_cli.console import say
from hundredfold_cli.ingests.invocations import read_invocations, with_reports
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
    if not reports:
        return usage
    started, seconds = str(status.summary["started_at"]), float(status.summary["seconds"])
    return with_reports(usage, read_invocations(deployment, ingest_id, started, seconds))


def regional_prices(deployment: Deployment) -> PriceList:
    """Return the prices of the deployment's region. Without a list for it, return those of us-east-1 and say so."""
    region = deployment.session.region_name or ""
    try:
        return prices(region)
    except FileNotFoundError:
        say(f"there is no price list for {region}; these are the prices of us-east-1")
        return prices()
