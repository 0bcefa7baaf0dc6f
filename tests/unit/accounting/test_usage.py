"""Usage and bills of ingests. Every expected figure is worked out by hand beside it."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.accounting.bill import bill_of
from hundredfold.accounting.prices import Price, PriceList, prices, prices_or_none
from hundredfold.accounting.usage import (
    INDEX_PART_BYTES,
    Assumptions,
    Usage,
    UsageLine,
    index_puts,
    ledger_reads,
    usage_lines,
    usage_of_ledger,
)
from hundredfold.aws.objects import UPLOAD_PART_BYTES
from hundredfold.batches import BatchFailure, BatchOutcome, InvocationStats, Sketch
from hundredfold.ingest import Model, Plan
from hundredfold.layout import Layout
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec, SourceSpec, TableSpec
from hundredfold_cli.estimates.scenario import Scenario

USAGE = Usage(
    records=1_000,
    batches=10,
    groups=4,
    source_bytes=5 * 1024 * 1024,  # two parts of 4 MiB
    attempts=11,
    infer_seconds=4.0,
    init_seconds=2.0,
    infer_memory_mb=2_048,
    plan_seconds=1.0,
    summarize_seconds=1.0,
    other_memory_mb=512,
    child_seconds=0.25,
    prediction_writes=1_000,
    ledger_writes=12,
    reads=9,
    rejected_batches=3,
    card_writes=1,
    log_bytes=1_000_000,
)


def test_every_line_of_a_bill_is_quantity_times_price() -> None:
    bill = bill_of(usage_lines(USAGE), prices())

    quantities = {(line.price, line.what): line.quantity for line in bill.lines}
    usd = {(line.price, line.what): line.usd for line in bill.lines}
    assert quantities == pytest.approx(
        {
            ("dynamodb_writes", "predictions"): 1_000,
            ("dynamodb_writes", "ledger"): 12,
            ("dynamodb_writes", "list of ingests"): 3,
            ("dynamodb_reads", "ledger, by the summary"): 9,
            ("standard_transitions", "states of the ingest's execution"): 7,
            ("standard_transitions", "starts of child executions"): 4,
            ("express_requests", "child executions"): 4,
            ("express_gb_seconds", "child executions"): 0.075,
            ("lambda_gb_seconds_x86_64", "inference"): 8,
            ("lambda_gb_seconds_x86_64", "starts of inference environments"): 4,
            ("lambda_gb_seconds_x86_64", "planning and summing up"): 1,
            ("lambda_requests", "invocations"): 13,
            ("s3_gets", "source, manifest and card"): 16,
            ("s3_puts", "manifest, card, results, rejections"): 7,
            ("log_gb", "logs and metrics as logs"): 0.001,
        }
    )
    assert usd == pytest.approx(
        {
            # $0.625 a million: 1,000 x 0.000000625
            ("dynamodb_writes", "predictions"): 0.000625,
            ("dynamodb_writes", "ledger"): 0.0000075,
            ("dynamodb_writes", "list of ingests"): 0.000001875,
            # $0.125 a million
            ("dynamodb_reads", "ledger, by the summary"): 0.000001125,
            # $0.025 a thousand
            ("standard_transitions", "states of the ingest's execution"): 0.000175,
            ("standard_transitions", "starts of child executions"): 0.0001,
            # $1 a million
            ("express_requests", "child executions"): 0.000004,
            # 0.25 s is billed as 0.3 s of 64 MB: 4 x 0.3 x 0.0625 GB = 0.075, x 0.00001667
            ("express_gb_seconds", "child executions"): 0.00000125025,
            # 4 s x 2 GB, x 0.0000166667
            ("lambda_gb_seconds_x86_64", "inference"): 0.0001333336,
            ("lambda_gb_seconds_x86_64", "starts of inference environments"): 0.0000666668,
            ("lambda_gb_seconds_x86_64", "planning and summing up"): 0.0000166667,
            # 11 + 2, $0.20 a million
            ("lambda_requests", "invocations"): 0.0000026,
            # HEAD, 2 parts, the manifest, 11 ranges, the card: 16 x 0.0000004
            ("s3_gets", "source, manifest and card"): 0.0000064,
            # manifest, card, 2 of the Map, 3 of rejections: 7 x 0.000005
            ("s3_puts", "manifest, card, results, rejections"): 0.000035,
            # 0.001 GB x $0.50
            ("log_gb", "logs and metrics as logs"): 0.0005,
        },
        abs=1e-12,
    )
    assert bill.usd == pytest.approx(0.00167641735)
    assert bill.of("dynamodb_") == pytest.approx(0.0006355)


def test_arm_is_billed_at_its_own_price() -> None:
    bill = bill_of(usage_lines(replace(USAGE, architecture="arm64")), prices())

    # (8 + 4 + 1) GB-seconds x 0.0000133334
    assert bill.of("lambda_gb_seconds_") == pytest.approx(0.0001733342)


def test_what_was_not_used_has_no_line() -> None:
    assert bill_of([UsageLine("s3_puts", "nothing", 0)], prices()).lines == ()


def test_every_price_has_its_source_and_the_list_its_day() -> None:
    price_list = prices()

    assert (price_list.region, price_list.dated) == ("us-east-1", "2026-11-24")
    assert all(price.source.startswith("https://aws.amazon.com/") for price in price_list.prices.values())
    assert price_list["dynamodb_writes"].of(1_000_000) == 0.625
    assert prices_or_none("mars-north-1") is None


def outcome(batch: int, environment: str, *, init: int = 0, rejected: int = 0) -> BatchOutcome:
    return BatchOutcome(
        batch=batch,
        records=100,
        predicted=100 - rejected,
        rejected=rejected,
        milliseconds={"read": 10, "predict": 20, "write": 30},
        stats=InvocationStats(environment, 1_000, init, 1_769, write_units=100.0 - rejected),
        sketch=Sketch((1,), (1,), ((1,),), 0),
    )


def test_the_ledger_says_what_an_ingest_used() -> None:
    entries: list[BatchOutcome | BatchFailure] = [
        outcome(0, "a", init=2_000),
        outcome(1, "b", init=1_000, rejected=5),
        outcome(2, "a"),
        BatchFailure(3, "StoreBusyError", "busy"),
    ]

    plan = replace(plan_of(ObjectsSpec("b", "k"), 77), batches=4, groups=1)

    usage = usage_of_ledger(entries, plan, other_memory_mb=512)

    assert (usage.batches, usage.groups) == (4, 1)
    assert (usage.batches, usage.attempts, usage.environments, usage.records) == (4, 4, 2, 300)
    assert usage.infer_seconds == pytest.approx(0.18)  # 3 x 60 ms
    assert usage.init_seconds == pytest.approx(3.0)
    assert usage.infer_memory_mb == 1_769
    assert usage.prediction_writes == 295
    assert usage.ledger_writes == 6  # 4 batches, and the ingest's own item twice
    assert usage.rejected_batches == 1
    assert usage.child_seconds == pytest.approx(0.17)  # two rounds of 60 ms in two environments, and 50 of the child
    assert (usage.card_writes, usage.source_bytes) == (1, 77)


@pytest.mark.parametrize(
    ("batches_planned", "groups_planned", "groups"),
    [
        (4, 2, 2),
        (8, 4, 2),  # half of the batches were begun, and so half of the groups
        (7, 4, 3),  # 4 x 4/7 is 2.3
        (3, 2, 2),  # a shadow of them was planned, or the ledger has more than was planned
        (0, 0, 0),
    ],
)
def test_only_groups_that_were_begun_are_paid_for(batches_planned: int, groups_planned: int, groups: int) -> None:
    plan = replace(plan_of(ObjectsSpec("b", "k"), 77), batches=batches_planned, groups=groups_planned)

    usage = usage_of_ledger([outcome(batch, "a") for batch in range(4)], plan, other_memory_mb=512)

    assert usage.groups == groups


@pytest.mark.parametrize(
    ("environments", "seconds"),
    [(1, 0.29), (2, 0.17), (4, 0.11), (9, 0.11)],  # four batches of 60 ms: in 4 rounds, 2, 1 and 1; and 50 ms
)
def test_the_batches_of_a_child_run_in_as_many_environments_as_there_are(environments: int, seconds: float) -> None:
    plan = replace(plan_of(ObjectsSpec("b", "k"), 77), batches=36, groups=9)
    entries = [outcome(batch, str(batch % environments)) for batch in range(36)]

    assert usage_of_ledger(entries, plan, other_memory_mb=512).child_seconds == pytest.approx(seconds)


def plan_of(spec: SourceSpec, source_bytes: int, partitions: int = 0) -> Plan:
    return Plan(
        "i1", spec, None, source_bytes, ObjectLocation("w", "m"), 0, 0, Model("f:1", "1"), partitions=partitions
    )


def test_what_planning_in_partitions_and_reading_a_table_add_is_in_the_bill() -> None:
    whole = usage_of_ledger([], plan_of(ObjectsSpec("b", "k"), 3 * 10**9), other_memory_mb=512)
    partitioned = usage_of_ledger([], plan_of(ObjectsSpec("b", "k"), 3 * 10**9, partitions=3), other_memory_mb=512)
    table = usage_of_ledger([], plan_of(TableSpec("t"), 4_097), other_memory_mb=512)

    # 1.5 s, and 20 s for each of 3 GB
    assert whole.plan_seconds == partitioned.plan_seconds == 61.5
    added = {
        (line.price, line.what): line.quantity - before.quantity
        for line, before in zip(usage_lines(partitioned), usage_lines(whole), strict=True)
        if line != before
    }
    assert added == {
        ("standard_transitions", "states of the ingest's execution"): 2,  # PlanPartitions, JoinPartitions
        ("standard_transitions", "planning of partitions"): 9,  # start, PlanPartition and end of each
        ("lambda_requests", "invocations"): 4,  # JoinPartitions, and each partition
        ("s3_gets", "partitions"): 7,
        ("s3_puts", "partitions"): 7,
    }
    [reads] = [line.quantity for line in usage_lines(table) if line.what == "items of the source"]
    assert reads == 2  # 4 KB each


def test_an_ingest_without_batches_costs_its_two_functions_and_little_else() -> None:
    usage = usage_of_ledger([], plan_of(ObjectsSpec("b", "k"), 0), other_memory_mb=512)

    assert (usage.attempts, usage.infer_seconds, usage.child_seconds, usage.prediction_writes) == (0, 0, 0, 0)
    assert bill_of(usage_lines(usage), prices()).usd > 0


@pytest.mark.parametrize(
    ("batches", "units"),
    [
        (0, 9),  # eight empty queries, and the ingest's own item
        (64, 9),  # eight items of 500 bytes a query: 4,000 bytes, one unit
        (72, 17),  # nine: 4,500 bytes, two units
        (500, 65),  # 62.5 a query: 31,250 bytes, eight units
    ],
)
def test_reading_the_ledger_takes_a_unit_for_each_4_kb(batches: int, units: float) -> None:
    assert ledger_reads(batches, 500) == units


ROUND = Assumptions(
    cpu_ms_a_batch=10,
    cpu_ms_a_record=0.2,
    wait_ms_a_batch=20,
    wait_ms_a_call=10,
    init_seconds=2.0,
    plan_seconds=1.5,
    plan_seconds_a_gb=20,
    summarize_seconds=1.5,
    child_overhead_seconds=0.05,
    start_seconds=1.0,
    log_bytes_a_batch=2_000,
    log_bytes_an_ingest=5_000,
    ledger_bytes_a_batch=500,
    prediction_bytes=200,
)


def test_a_scenario_is_worked_out_as_by_hand() -> None:
    scenario = Scenario(1_000, 100, 1_769, group_batches=5, record_bytes=1_000, assumed=ROUND, table_writes=5_000)

    assert (scenario.batches, scenario.groups, scenario.at_once) == (10, 2, 5)
    assert scenario.batch_seconds == pytest.approx(0.06)  # 10 + 100 x 0.2 + 20 + one round of 10 ms
    assert scenario.child_seconds == pytest.approx(0.11)
    assert scenario.writes_a_second == pytest.approx(4_545.45, abs=0.01)  # 5 x 100 / 0.11
    assert scenario.plan_seconds == pytest.approx(1.52)  # 1 MB more at 20 s a GB
    # 1.52 planning, 1 to the first child, 2 for its environment, two groups of 0.11, 1.5 summing up
    assert scenario.seconds == pytest.approx(6.24)
    assert scenario.broken_limits() == []
    usage = scenario.usage()
    assert (usage.batches, usage.groups) == (10, 2)
    assert usage.infer_seconds == pytest.approx(0.6)
    assert usage.init_seconds == pytest.approx(10.0)  # five environments
    assert usage.log_bytes == 25_000
    assert (usage.prediction_writes, usage.ledger_writes, usage.reads) == (1_000, 12, 9)


def test_writes_wait_for_a_table_that_takes_fewer() -> None:
    scenario = Scenario(1_000, 100, 1_769, group_batches=5, record_bytes=1_000, assumed=ROUND, table_writes=2_000)

    assert scenario.wanted_writes_a_second == pytest.approx(4_545.45, abs=0.01)
    assert scenario.writes_a_second == 2_000
    assert scenario.child_seconds == pytest.approx(0.25)  # 500 writes at 2,000 a second
    assert scenario.batch_seconds == pytest.approx(0.2)  # 0.05 of them are the child's own
    assert scenario.wait_seconds == pytest.approx(0.14)
    assert scenario.usage().infer_seconds == pytest.approx(2.0)
    assert scenario.broken_limits() == []


def test_a_child_does_the_batches_of_its_group_in_rounds_if_not_all_run_at_once() -> None:
    scenario = Scenario(2_500, 100, 1_769, group_batches_at_once=2, assumed=ROUND, groups_at_once=1)

    assert (scenario.batches, scenario.groups, scenario.at_once) == (25, 1, 2)
    assert scenario.child_seconds == pytest.approx(0.83)  # 13 rounds of 0.06, and 0.05


def test_a_scenario_of_what_was_used_has_its_groups_and_its_concurrency() -> None:
    two = Scenario.of_usage(replace(USAGE, batches=500, groups=20, environments=2))
    sixty = Scenario.of_usage(replace(USAGE, batches=500, groups=20, environments=60))

    assert (two.group_batches, two.groups_at_once, two.group_batches_at_once, two.at_once) == (25, 1, 2, 2)
    assert (sixty.group_batches, sixty.groups_at_once, sixty.at_once) == (25, 2, 50)


def test_half_a_processor_takes_twice_the_processor_time() -> None:
    scenario = Scenario(100, 100, assumed=replace(ROUND, cpu_ms_a_batch=30.0), memory_mb=1_769)
    half = replace(scenario, memory_mb=885)  # 885 / 1,769 = 0.50028

    assert scenario.batch_seconds == pytest.approx(0.08)  # 30 + 20 of processor, 30 of waiting
    assert half.batch_seconds == pytest.approx(0.13, abs=0.0001)
    assert half.init_seconds == pytest.approx(4.0, abs=0.003)


def test_an_item_over_a_kilobyte_takes_two_units() -> None:
    scenario = Scenario(10, 10, assumed=replace(ROUND, prediction_bytes=1_025))

    assert scenario.usage().prediction_writes == 20


def test_limits_are_named_with_their_figures() -> None:
    slow = Scenario(10_000, 10_000, record_bytes=1_000, assumed=replace(ROUND, cpu_ms_a_record=5.0))
    many = Scenario(1_000_000, groups_at_once=41)

    assert slow.broken_limits() == ["51 s a batch; the function has 20", "10,000,000 bytes a batch; 4,194,304 fit"]
    assert many.broken_limits() == [
        "26 s a batch; the function has 20",  # 102,500 writes at 4,000 a second
        "1,025 functions at once; an account has 1,000",
    ]


SCENARIOS = st.builds(
    Scenario,
    records=st.integers(1, 1_000_000),
    batch_records=st.integers(1, 10_000),
    memory_mb=st.integers(128, 10_240),
    group_batches=st.integers(1, 40),
    groups_at_once=st.integers(1, 1_000),
    record_bytes=st.integers(1, 10_000),
)


@given(SCENARIOS)
def test_a_bill_is_the_sum_of_its_lines_and_never_negative(scenario: Scenario) -> None:
    bill = bill_of(usage_lines(scenario.usage()), prices())

    assert all(line.usd >= 0 and line.quantity > 0 for line in bill.lines)
    assert bill.usd == pytest.approx(sum(line.quantity * line.unit_usd for line in bill.lines))


@given(SCENARIOS, st.integers(1, 100_000))
def test_more_records_never_cost_less(scenario: Scenario, more: int) -> None:
    larger = replace(scenario, records=scenario.records + more)

    assert bill_of(usage_lines(larger.usage()), prices()).usd >= bill_of(usage_lines(scenario.usage()), prices()).usd


@given(SCENARIOS)
def test_every_record_is_written_once_and_every_batch_entered(scenario: Scenario) -> None:
    usage = scenario.usage()

    assert usage.prediction_writes == scenario.records
    assert usage.batches * scenario.batch_records >= scenario.records > (usage.batches - 1) * scenario.batch_records
    assert usage.ledger_writes == usage.batches + 2
    assert usage.groups * scenario.group_batches >= usage.batches > (usage.groups - 1) * scenario.group_batches


def test_prices_are_by_the_unit_that_they_are_listed_for() -> None:
    price_list = PriceList("r", "d", {"p": Price(usd=3.0, per=1_000, unit="thing", source="s")})

    [line] = bill_of([UsageLine("p", "w", 500)], price_list).lines

    assert (line.usd, line.unit_usd, line.unit) == (1.5, 0.003, "thing")


def test_packed_predictions_are_billed_with_their_ledger_entries_and_their_index() -> None:
    packed = replace(plan_of(ObjectsSpec("records", "reviews.jsonl"), 77), layout=Layout.PACKED)
    done = [BatchOutcome(n, 100, 100, 0, stats=InvocationStats("e", 0, write_units=2.0)) for n in range(10)]

    usage = usage_of_ledger([*done, BatchFailure(10, "E", "c")], packed, other_memory_mb=512)

    assert usage.prediction_writes == 20  # 10 items of 2 KB
    assert usage.ledger_writes == 3  # what failed, and the beginning and the end of the ingest
    assert usage.index_puts == 1
    # 11 items of about 1.5 KB in 8 queries: 2.1 KB each, one unit of 4 KB; and one GetItem
    assert usage.reads == 9
    assert usage.summarize_seconds == pytest.approx(1.5 + 7.0 * 1_000 / 1_000_000)


@pytest.mark.parametrize(("records", "puts"), [(1, 1), (699_050, 1), (699_051, 4), (10_000_000, 17)])
def test_an_index_is_written_at_once_or_in_parts(records: int, puts: int) -> None:
    # 8 MiB a part: 699,050 records of 12 bytes. 10 million take 15 parts, and two requests around them.
    assert index_puts(records) == puts
    assert INDEX_PART_BYTES == UPLOAD_PART_BYTES
