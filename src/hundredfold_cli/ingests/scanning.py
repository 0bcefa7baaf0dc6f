"""Scanning tables: what that costs, and whether it is done without being asked for."""

from dataclasses import dataclass

from hundredfold.accounting.prices import prices
from hundredfold_cli.stack.deployment import Deployment

FREE_USD = 0.01
"""A scan that costs no more than this is done without being asked for."""

_READ_UNIT_BYTES = 4096
"""A strongly consistent read unit.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html (2026-11)"""


@dataclass(frozen=True, slots=True)
class ScanCost:
    """What a scan of the tables reads, and its list price in us-east-1."""

    scanned_bytes: int
    usd: float

    def __str__(self) -> str:
        return f"{self.scanned_bytes / 1_000_000:,.1f} MB, about ${self.usd:.4f}"


def cost_of_predictions(deployment: Deployment, ingest_id: str) -> ScanCost:
    """Return what it costs to read all predictions of an ingest, beyond its own."""
    return _cost(deployment.predictions.scanned_bytes(ingest_id))


def cost_of_tables(deployment: Deployment) -> ScanCost:
    """Return what it costs to scan the tables of predictions and of the ledger."""
    tables = (deployment.predictions_table, deployment.ledger_table)
    descriptions = (deployment.dynamodb.describe_table(TableName=table)["Table"] for table in tables)
    return _cost(sum(description.get("TableSizeBytes", 0) for description in descriptions))


def _cost(scanned_bytes: int) -> ScanCost:
    return ScanCost(scanned_bytes, prices()["dynamodb_reads"].of(scanned_bytes / _READ_UNIT_BYTES))


def may_scan(deployment: Deployment, cost: ScanCost, *, wanted: bool | None) -> bool:
    """Tell whether to scan.

    Parameters
    ----------
    wanted : as the option `--scan` says; None if it is not set. Then a scan must cost nothing, or very little.
    """
    return wanted if wanted is not None else deployment.endpoint is not None or cost.usd <= FREE_USD
