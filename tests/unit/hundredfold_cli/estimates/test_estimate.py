"""Estimates: the best batch size, break-even, a month. Expected figures are worked out by hand."""

from dataclasses import replace

import pytest

from hundredfold.accounting.bill import Bill, Line, bill_of
from hundredfold.accounting.prices import prices
from hundredfold.accounting.usage import Assumptions, usage_lines
from hundredfold.layout import Layout
from hundredfold_cli.estimates.estimate import (
    METRICS,
    break_even,
    by_service,
    deviation,
    expect,
    fastest,
    make_estimate,
    month,
    optimum,
    prediction_gb,
)
from hundredfold_cli.estimates.scenario import Scenario


def line(price: str, usd: float) -> Line:
    return Line(price, "x", 1.0, "unit", usd, usd)


BILL = Bill(
    (line("dynamodb_writes", 0.03), line("standard_transitions", 0.01), line("lambda_requests", 0.002)), "r", "d"
)


def test_services_come_the_dearest_first() -> None:
    assert by_service(BILL) == {
        "DynamoDB": pytest.approx(0.03),
        "Step Functions": pytest.approx(0.01),
        "Lambda": pytest.approx(0.002),
        "S3": 0,
        "logs": 0,
    }
    assert list(by_service(BILL))[:3] == ["DynamoDB", "Step Functions", "Lambda"]


def test_a_bill_deviates_by_what_is_counted_and_by_what_takes_time() -> None:
    scenario = Scenario(50_000, layout=Layout.PACKED)
    expected = expect(scenario, prices())
    # Given twice the time of each call, and 400 write units more, which are $0.00025
    usage = scenario.usage()
    used = replace(usage, infer_seconds=2 * usage.infer_seconds, prediction_writes=usage.prediction_writes + 400)

    deviates = deviation(bill_of(usage_lines(used), prices()), used, scenario, prices())

    assert deviates.counted == pytest.approx(0.00025 / expected.usd)
    inference = next(line.usd for line in expected.lines if line.what == "inference")
    assert deviates.timed == pytest.approx(inference / expected.usd)
    assert deviates.batch_ms == pytest.approx(2 * deviates.expected_batch_ms)
    assert deviates.together == pytest.approx((0.00025 + inference) / expected.usd)


def test_an_endpoint_is_held_against_all_but_the_writes() -> None:
    endpoints = {endpoint.instance: endpoint for endpoint in break_even(BILL, prices())}

    # $0.115 x 730 h = $83.95 a month; an ingest without DynamoDB is $0.012
    assert endpoints["ml.m5.large"].usd_a_month == pytest.approx(83.95)
    assert endpoints["ml.m5.large"].ingests_a_month == pytest.approx(6_995.83, abs=0.01)
    # $0.056 x 730 h = $40.88
    assert endpoints["ml.t2.medium"].ingests_a_month == pytest.approx(3_406.67, abs=0.01)
    assert endpoints["ml.m5.large"].unsure


@pytest.mark.parametrize(
    ("ingests_a_day", "metrics_usd"),
    [
        (10, 5.0),  # 40 metrics x $0.30 x 10 of 24 hours
        (1_000, 12.0),  # 40 x $0.30: every hour has an ingest
    ],
)
def test_a_month_has_its_ingests_and_what_stands_whether_they_run_or_not(
    ingests_a_day: float, metrics_usd: float
) -> None:
    bill = month(BILL, ingests_a_day, prediction_gb=0.01, price_list=prices())

    assert METRICS == 40
    assert bill.of("metric_") == pytest.approx(metrics_usd)
    assert bill.of("alarm_") == pytest.approx(0.90)  # nine
    assert bill.of("dashboard_") == pytest.approx(6.00)  # two
    assert bill.of("standard_") == pytest.approx(0.01 * 30 * ingests_a_day)
    # 0.01 GB x 30 days x ingests, at $0.25 and $0.20 a GB-month
    assert bill.of("dynamodb_gb_") == pytest.approx(0.01 * 30 * ingests_a_day * 0.25)
    assert bill.of("dynamodb_recovery_") == pytest.approx(0.01 * 30 * ingests_a_day * 0.20)


ASSUMED = Assumptions(
    cpu_ms_a_batch=10, cpu_ms_a_record=0.2, wait_ms_a_batch=20, wait_ms_a_call=10, child_overhead_seconds=0.05
)


def test_the_best_sizes_are_the_smallest_of_the_cheapest_that_fit() -> None:
    best = optimum(Scenario(50_000, assumed=ASSUMED), prices())

    assert best is not None
    assert best.broken_limits() == []
    cost = expect(best, prices()).usd
    candidates = [
        Scenario(50_000, size, group_batches=group_batches, assumed=ASSUMED)
        for size in (1, 10, 100, 500, 1_000, 2_000, 5_000, 10_000)
        for group_batches in (1, 8, 25, 40)
    ]
    fit = {candidate: expect(candidate, prices()).usd for candidate in candidates if not candidate.broken_limits()}
    assert cost <= min(fit.values()) * 1.02
    near = [candidate for candidate, usd in fit.items() if usd <= cost / 1.02]
    assert all(candidate.batch_records > best.batch_records for candidate in near)


def test_a_warm_table_makes_many_at_once_cheaper() -> None:
    new = Scenario(50_000, assumed=ASSUMED)
    warm = replace(new, table_writes=25_000)

    assert expect(warm, prices()).usd < expect(new, prices()).usd
    assert warm.seconds < new.seconds
    assert (warm.wait_seconds, warm.broken_limits()) == (0, [])


def test_there_is_no_best_batch_size_where_one_record_takes_too_long() -> None:
    assert optimum(Scenario(10, 1, assumed=Assumptions(cpu_ms_a_record=60_000)), prices()) is None


def test_fifty_thousand_records_by_hand() -> None:
    warm = Scenario(50_000, 100, 1_769, group_batches=25, record_bytes=120, assumed=ASSUMED, table_writes=40_000)
    bill = expect(warm, prices())

    assert bill.of("dynamodb_writes") == pytest.approx(0.031565625)  # (50,000 + 500 + 2 + 3) x 0.000000625
    assert bill.of("standard_") == pytest.approx(0.000675)  # 27 x 0.000025
    assert bill.of("express_requests") == pytest.approx(0.00002)
    # 20 children of 0.11 s, billed as 0.2 s of 64 MB: 0.25 GB-s x 0.00001667
    assert bill.of("express_gb_seconds") == pytest.approx(0.0000041675)
    assert bill.of("lambda_requests") == pytest.approx(0.0001004)


def test_an_estimate_has_the_same_ingest_with_other_batch_sizes_and_a_month() -> None:
    scenario = Scenario(50_000, 100, assumed=ASSUMED)

    estimate = make_estimate(scenario, ingests_a_day=10, price_list=prices())

    assert estimate.bill == expect(scenario, prices())
    assert [(size.batch_size, size.batches) for size in estimate.batch_sizes] == [
        (1, 50_000), (10, 5_000), (100, 500), (1_000, 50),
    ]  # fmt: skip
    assert estimate.batch_sizes[2].usd == estimate.bill.usd
    assert estimate.month == month(estimate.bill, 10, prediction_gb(scenario), prices())
    document = estimate.as_dict()
    assert document["optimum"]["limits_broken"] == []
    assert document["usd"] == estimate.bill.usd


def test_stored_predictions_have_an_overhead_for_each_item() -> None:
    assert prediction_gb(Scenario(1_000_000)) == pytest.approx((Assumptions().prediction_bytes + 100) / 1_000)


PACKED = Scenario(50_000, layout=Layout.PACKED, assumed=Assumptions())


def test_packed_predictions_are_an_item_a_batch() -> None:
    # 500 bytes of the entry, 150 and 100 x 12.2 of the predictions: 1,870 bytes, two write units
    assert PACKED.units_a_batch == 2
    assert prediction_gb(PACKED) == pytest.approx(500 * 1_970 / 1e9)
    usage = PACKED.usage()
    assert (usage.prediction_writes, usage.ledger_writes, usage.index_puts) == (1_000, 2, 1)
    # 8 queries of 62.5 x 1,870 bytes: 29 units of 4 KB each; and one GetItem
    assert usage.reads == 233
    # 5 ms a batch, 0.02 ms a record, 25 ms of waiting; no round of BatchWriteItem
    assert PACKED.work_seconds == pytest.approx(0.032)
    # 1.5 s, and 7 s a million records
    assert PACKED.summarize_seconds == pytest.approx(1.85)
    assert PACKED.wait_seconds == 0


def test_the_table_bounds_how_many_batches_are_inferred_at_once() -> None:
    # 4,000 units a second; a batch of 2 units takes 32 ms, and 50 of its child: 164 at once
    assert PACKED.most_at_once == 164
    # and one of 100 units takes 48 ms and 50: 3.9
    assert replace(PACKED, layout=Layout.ITEM).most_at_once == 3


@pytest.mark.parametrize(("layout", "group_batches", "groups_at_once"), [(Layout.PACKED, 40, 2), (Layout.ITEM, 1, 3)])
def test_as_many_at_once_are_fast_as_the_table_takes(layout: Layout, group_batches: int, groups_at_once: int) -> None:
    quick = fastest(replace(PACKED, layout=layout), prices())

    assert quick is not None
    assert (quick.group_batches, quick.groups_at_once) == (group_batches, groups_at_once)
    assert quick.at_once <= quick.most_at_once
    assert quick.wait_seconds == 0
    best = make_estimate(quick, 10, prices()).fastest
    assert best is not None
    assert (best.seconds, best.group_batches) == (quick.seconds, group_batches)


def test_nothing_is_fast_that_takes_longer_than_the_function_has() -> None:
    slow = replace(PACKED, assumed=Assumptions(cpu_ms_a_record=1_000))

    assert fastest(slow, prices()) is None


def test_an_estimate_has_both_layouts_beside_each_other() -> None:
    estimate = make_estimate(PACKED, ingests_a_day=10, price_list=prices())

    item, packed = estimate.layouts
    assert (item.layout, packed.layout) == ("item", "packed")
    assert packed.usd == estimate.bill.usd
    assert item.usd == expect(replace(PACKED, layout=Layout.ITEM), prices()).usd
    assert packed.usd < item.usd / 5
    assert estimate.as_dict()["layouts"][1]["units_a_batch"] == 2
