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


def scan_cost(deployment: Deployment) -> ScanCost:
    """Return what it costs to read all predictions of an ingest, and the ledger."""
    ledger = deployment.dynamodb.describe_table(TableName=deployment.ledger_table)["Table"]
    scanned = deployment.predictions.scanned_bytes() + ledger.get("TableSizeBytes", 0)
    return ScanCost(scanned, prices()["dynamodb_reads"].of(scanned / _READ_UNIT_BYTES))


def may_scan(deployment: Deployment, cost: ScanCost, *, wanted: bool | None) -> bool:
    """Tell whether to scan.

    Parameters
    ----------
    wanted : as the option `--scan` says; None if it is not set. Then a scan must cost nothing, or very little.
    """
    return wanted if wanted is not None else deployment.endpoint is not None or cost.usd <= FREE_USD
