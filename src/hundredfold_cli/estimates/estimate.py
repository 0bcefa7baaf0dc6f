"""Estimates: what an ingest will cost, the best batch size, a month of ingests, and an always-on endpoint."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from hundredfold.accounting.bill import Bill, bill_of
from hundredfold.accounting.prices import PriceList
from hundredfold.accounting.usage import ASSUMED, Usage, UsageLine, usage_lines
from hundredfold.layout import Layout
from hundredfold.records import Reason
from hundredfold.runtime.metric_names import Metric
from hundredfold_cli.estimates.quotas import quotas
from hundredfold_cli.estimates.scenario import Scenario

BATCH_SIZES = (1, 10, 100, 1_000)
"""Batch sizes that an estimate shows beside each other."""
_TRIED = (1, 2, 5, 10, 20, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000)
_TRIED_GROUPS = (1, 2, 4, 8, 16, 25, 40)
_NEAR = 1.02
"""A bill within 2 % of the cheapest is as good. Smaller batches lose less when one fails, and smaller groups need fewer
functions at once."""
_NEAR_SECONDS = 1.05

FUNCTIONS = 3
METRICS = len(Metric) - 1 + len(Reason) + FUNCTIONS
"""Distinct metrics of a run: every name once but EventsLost, and Powertools' ColdStart once for each function."""
ALARMS = 9
DASHBOARDS = 2
DAYS, HOURS_A_DAY = 30, 24
ENDPOINT_HOURS = 730.0
_ITEM_OVERHEAD_BYTES = 100
"""DynamoDB adds these to the size of each stored item.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html (2026-11)"""

_TIMED = ("lambda_gb_seconds_", "express_gb_seconds")
"""What the names of prices begin with that are of time."""

SERVICES: Mapping[str, tuple[str, ...]] = {
    "DynamoDB": ("dynamodb_",),
    "Step Functions": ("standard_", "express_"),
    "Lambda": ("lambda_",),
    "S3": ("s3_",),
    "logs": ("log_",),
}
ADVICE: Mapping[str, str] = {
    "DynamoDB": "one write unit for each prediction is the floor of one item a record; fewer or larger batches do not "
    "change it. PredictionsLayout=packed stores one item a batch: docs/packed.md.",
    "Step Functions": "each group of batches costs one state transition for the start of its child: larger groups or "
    "batches cost less.",
    "Lambda": "larger batches share what a call costs; arm64 is 20 % cheaper; fewer at once start fewer environments, "
    "and wait less for the table.",
    "S3": "larger batches read with fewer requests.",
    "logs": "larger batches log less; a shorter log line would too.",
}


def expect(scenario: Scenario, price_list: PriceList) -> Bill:
    """Return the bill of an ingest like this scenario."""
    return bill_of(usage_lines(scenario.usage()), price_list)


@dataclass(frozen=True, slots=True)
class Deviation:
    """How far a bill is from its estimate, apart for what is counted and for what takes time.

    Quantities that are counted are the same on any machine: writes, requests, transitions, bytes of logs. Times are
    those of the machine. A busy one, and the local stack's waits for log lines, lengthen them.

    Attributes
    ----------
    counted, timed : what their lines cost beyond the estimate, as a share of the whole estimate. Their sum is the
        deviation of the bill.
    batch_ms, expected_batch_ms : how long a call of the inference function took, and was expected to take
    """

    counted: float
    timed: float
    batch_ms: float
    expected_batch_ms: float

    @property
    def together(self) -> float:
        return self.counted + self.timed


def deviation(bill: Bill, usage: Usage, scenario: Scenario, price_list: PriceList) -> Deviation:
    """Compare the bill of what was used with the estimate of the same scenario."""
    expected = expect(scenario, price_list)
    timed = sum(bill.of(prefix) - expected.of(prefix) for prefix in _TIMED)
    return Deviation(
        counted=(bill.usd - expected.usd - timed) / expected.usd,
        timed=timed / expected.usd,
        batch_ms=1000 * usage.infer_seconds / max(usage.attempts, 1),
        expected_batch_ms=1000 * scenario.batch_seconds,
    )


def by_service(bill: Bill) -> dict[str, float]:
    """Return what each service costs, in USD, the dearest first."""
    sums = {service: sum(bill.of(prefix) for prefix in prefixes) for service, prefixes in SERVICES.items()}
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def optimum(scenario: Scenario, price_list: PriceList) -> Scenario | None:
    """Return the scenario whose sizes of batches and groups cost least within the limits; None if none fits.

    Of scenarios within 2 % of the cheapest, the one with the smallest batches is taken, then with the smallest groups.
    """
    tried = [
        replace(scenario, batch_records=size, group_batches=group_batches)
        for size in _TRIED
        if size <= scenario.records
        for group_batches in _TRIED_GROUPS
    ]
    fit = [(expect(candidate, price_list).usd, candidate) for candidate in tried if not candidate.broken_limits()]
    if not fit:
        return None
    cheapest = min(usd for usd, _ in fit)
    return next(candidate for usd, candidate in fit if usd <= cheapest * _NEAR)


def fastest(scenario: Scenario, price_list: PriceList) -> Scenario | None:
    """Return the scenario that takes least time, with so few batches at once that none waits for the table.

    Returns
    -------
    None if even one batch at once breaks a limit. Of scenarios that take up to 5 % longer, it is the cheapest.
    """
    most = min(scenario.most_at_once, int(quotas()["lambda_concurrency"]), scenario.batches)
    tried = [
        replace(scenario, group_batches=group_batches, groups_at_once=groups_at_once)
        for group_batches in _TRIED_GROUPS
        if group_batches <= most
        for groups_at_once in range(1, most // group_batches + 1)
    ]
    fit = [candidate for candidate in tried if not candidate.broken_limits()]
    if not fit:
        return None
    least = min(candidate.seconds for candidate in fit)
    near = [candidate for candidate in fit if candidate.seconds <= least * _NEAR_SECONDS]
    return min(near, key=lambda candidate: expect(candidate, price_list).usd)


@dataclass(frozen=True, slots=True)
class BreakEven:
    """An always-on endpoint against ingests: from `ingests_a_month` on, the endpoint's instance costs less."""

    instance: str
    usd_a_month: float
    ingests_a_month: float
    unsure: bool


def break_even(ingest: Bill, price_list: PriceList) -> list[BreakEven]:
    """Compare with one always-on instance of each kind in the price list.

    An endpoint is compared with what it saves: everything of an ingest but DynamoDB, since both write the same
    predictions.
    """
    saved = ingest.usd - ingest.of("dynamodb_")
    break_evens = []
    for name, price in price_list.prices.items():
        if name.startswith("sagemaker_"):
            month = price.of(ENDPOINT_HOURS)
            instance = name.removeprefix("sagemaker_").removesuffix("_hours")
            break_evens.append(BreakEven(instance, month, month / saved, price.unsure))
    return break_evens


def month(ingest: Bill, ingests_a_day: float, prediction_gb: float, price_list: PriceList) -> Bill:
    """Return the bill of a month of 30 days.

    Parameters
    ----------
    ingest : of one ingest
    ingests_a_day : spread over the day, one an hour until there are 24
    prediction_gb : what one ingest adds to the predictions table

    Notes
    -----
    CloudWatch charges a metric only for the hours in which it is sent: https://aws.amazon.com/cloudwatch/pricing/
    """
    hours = min(HOURS_A_DAY, ingests_a_day) / HOURS_A_DAY
    ingests = ingests_a_day * DAYS
    fixed = bill_of(
        [
            UsageLine("metric_months", f"{METRICS} metrics, in the hours with an ingest", METRICS * hours),
            UsageLine("alarm_months", "alarms", ALARMS),
            UsageLine("dashboard_months", "dashboards", DASHBOARDS),
            UsageLine("dynamodb_gb_months", "the month's predictions, kept a month", ingests * prediction_gb),
            UsageLine("dynamodb_recovery_gb_months", "their point-in-time recovery", ingests * prediction_gb),
        ],
        price_list,
    )
    multiplied = [replace(line, quantity=line.quantity * ingests, usd=line.usd * ingests) for line in ingest.lines]
    return Bill((*multiplied, *fixed.lines), price_list.region, price_list.dated)


@dataclass(frozen=True, slots=True)
class BatchSizeEstimate:
    """What a scenario comes to with one batch size."""

    batch_size: int
    batches: int
    group_batches: int
    groups_at_once: int
    usd: float
    at_once: int
    seconds: float
    writes_a_second: float
    limits_broken: list[str]


@dataclass(frozen=True, slots=True)
class LayoutEstimate:
    """What a scenario comes to in one layout of predictions.

    Attributes
    ----------
    units_a_batch : write units of a full batch's predictions
    most_at_once : batches at once that write no faster than the table takes
    """

    layout: str
    usd: float
    seconds: float
    units_a_batch: int
    most_at_once: int


@dataclass(frozen=True, slots=True)
class Estimate:
    """What an ingest will cost, and what would be better.

    Attributes
    ----------
    bill : of one ingest
    layouts : the same ingest in each layout of predictions
    batch_sizes : the same ingest with each of BATCH_SIZES
    optimum : the same ingest with the best sizes of batches and groups; None if none stay within the limits
    fastest : the same ingest with as many batches at once as the table and the account take; None if none do
    break_even : when an always-on endpoint costs less
    month : the bill of a month with `ingests_a_day`
    """

    scenario: Scenario
    ingests_a_day: float
    bill: Bill
    layouts: list[LayoutEstimate]
    batch_sizes: list[BatchSizeEstimate]
    optimum: BatchSizeEstimate | None
    fastest: BatchSizeEstimate | None
    break_even: list[BreakEven]
    month: Bill

    def as_dict(self) -> dict[str, Any]:
        """Write it for a machine."""
        return {
            **self.bill.as_dict(),
            "seconds": self.scenario.seconds,
            "batches": self.scenario.batches,
            "groups": self.scenario.groups,
            "writes_a_second": self.scenario.writes_a_second,
            "wait_seconds": self.scenario.wait_seconds,
            "limits_broken": self.scenario.broken_limits(),
            "by_service": by_service(self.bill),
            "layout": self.scenario.layout.value,
            "layouts": [asdict(layout) for layout in self.layouts],
            "batch_sizes": [asdict(size) for size in self.batch_sizes],
            "optimum": asdict(self.optimum) if self.optimum else None,
            "fastest": asdict(self.fastest) if self.fastest else None,
            "break_even": [asdict(endpoint) for endpoint in self.break_even],
            "month": self.month.as_dict(),
        }


def make_estimate(scenario: Scenario, ingests_a_day: float, price_list: PriceList) -> Estimate:
    """Work out an estimate.

    Parameters
    ----------
    ingests_a_day : for the bill of a month
    """
    bill = expect(scenario, price_list)
    best, quickest = optimum(scenario, price_list), fastest(scenario, price_list)
    return Estimate(
        scenario=scenario,
        ingests_a_day=ingests_a_day,
        bill=bill,
        layouts=[_of_layout(replace(scenario, layout=layout), price_list) for layout in Layout],
        batch_sizes=[_of_batch_size(replace(scenario, batch_records=size), price_list) for size in BATCH_SIZES],
        optimum=_of_batch_size(best, price_list) if best else None,
        fastest=_of_batch_size(quickest, price_list) if quickest else None,
        break_even=break_even(bill, price_list),
        month=month(bill, ingests_a_day, prediction_gb(scenario), price_list),
    )


def prediction_gb(scenario: Scenario) -> float:
    """Return what the predictions of an ingest take in their table, in GB."""
    if scenario.packed:
        return scenario.batches * (scenario.entry_bytes + _ITEM_OVERHEAD_BYTES) / 1e9
    return scenario.records * (ASSUMED.prediction_bytes + _ITEM_OVERHEAD_BYTES) / 1e9


def _of_layout(scenario: Scenario, price_list: PriceList) -> LayoutEstimate:
    return LayoutEstimate(
        layout=scenario.layout.value,
        usd=expect(scenario, price_list).usd,
        seconds=scenario.seconds,
        units_a_batch=scenario.units_a_batch,
        most_at_once=scenario.most_at_once,
    )


def _of_batch_size(scenario: Scenario, price_list: PriceList) -> BatchSizeEstimate:
    return BatchSizeEstimate(
        batch_size=scenario.batch_records,
        batches=scenario.batches,
        group_batches=scenario.group_batches,
        groups_at_once=scenario.groups_at_once,
        usd=expect(scenario, price_list).usd,
        at_once=scenario.at_once,
        seconds=scenario.seconds,
        writes_a_second=scenario.writes_a_second,
        limits_broken=scenario.broken_limits(),
    )
