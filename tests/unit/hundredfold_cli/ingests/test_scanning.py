"""What a scan costs, and when it is done without being asked for."""

from types import SimpleNamespace
from typing import Any

import pytest

from hundredfold_cli.ingests.scanning import ScanCost, cost_of_predictions, cost_of_tables, may_scan


def deployment(endpoint: str | None, **sizes: int) -> Any:
    describe = SimpleNamespace(describe_table=lambda TableName: {"Table": {"TableSizeBytes": sizes[TableName]}})  # noqa: N803
    return SimpleNamespace(
        endpoint=endpoint,
        predictions_table="predictions",
        ledger_table="ledger",
        dynamodb=describe,
        predictions=SimpleNamespace(scanned_bytes=lambda _: sizes["predictions"]),
    )


def test_a_scan_costs_a_read_unit_for_4_kb() -> None:
    # 400 MB are 97,656 units of 4,096 bytes, at $0.125 a million
    cost = cost_of_predictions(deployment(None, predictions=400_000_000), "i1")

    assert cost.usd == pytest.approx(0.012207, abs=1e-6)
    assert str(cost) == "400.0 MB, about $0.0122"
    assert cost_of_tables(deployment(None, predictions=300, ledger=100)).scanned_bytes == 400


@pytest.mark.parametrize(
    ("endpoint", "usd", "wanted", "scans"),
    [
        (None, 0.01, None, True),
        (None, 0.02, None, False),
        (None, 0.02, True, True),
        (None, 0.00, False, False),
        ("http://127.0.0.1:1", 5.0, None, True),
        ("http://127.0.0.1:1", 0.0, False, False),
    ],
)
def test_it_is_done_if_it_costs_a_cent_at_most_or_is_wanted(
    endpoint: str | None, usd: float, wanted: bool | None, scans: bool
) -> None:
    assert may_scan(deployment(endpoint), ScanCost(1, usd), wanted=wanted) is scans
