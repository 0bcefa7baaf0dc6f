"""What an ingest will cost, which batch size serves it best, what a month costs, and what an endpoint would."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from hundredfold.accounting.bill import Bill, bill
from hundredfold.accounting.prices import PriceList, quotas
from hundredfold.accounting.usage import UsageLine, usage_lines
from hundredfold.records import Reason
from hundredfold.runtime.metric_names import Metric
from hundredfold_cli.estimates.scenario import Scenario

BATCH_SIZES = (1, 10, 100, 1_000)
_TRIED = (1, 2, 5, 10, 20, 50, 100, 200, 250, 500, 1_000, 2_000, 5_000, 10_000)
_NEAR = 1.02
"""A batch size whose bill is within 2 % of the cheapest is as good: smaller batches lose less when one fails."""

FUNCTIONS = 3
METRICS = len(Metric) - 1 + len(Reason) + FUNCTIONS
"""Distinct metrics of a run: every name once but EventsLost, and Powertools' ColdStart once for each function."""
ALARMS = 7
DASHBOARDS = 2
DAYS, HOURS_A_DAY = 30, 24
ENDPOINT_HOURS = 730.0

SERVICES: Mapping[str, tuple[str, ...]] = {
    "DynamoDB": ("dynamodb_",),
    "Step Functions": ("standard_", "express_"),
    "Lambda": ("lambda_",),
    "S3": ("s3_",),
    "logs": ("log_",),
}
ADVICE: Mapping[str, str] = {
    "DynamoDB": "one write unit for each prediction is the floor of one item a record; fewer or larger batches do not "
    "change it. Provisioned capacity, or predictions as files in S3 beside a table of what is looked up, would.",
    "Step Functions": "each batch costs one state transition for the start of its child: larger batches cost less.",
    "Lambda": "larger batches share what a call costs; arm64 is 20 % cheaper; fewer at once start fewer environments.",
    "S3": "larger batches read with fewer requests.",
    "logs": "larger batches log less; a shorter log line would too.",
}


def expect(shape: Scenario, listed: PriceList) -> Bill:
    """Return the bill of an ingest of this shape."""
    return bill(usage_lines(shape.work()), listed)


def by_service(found: Bill) -> dict[str, float]:
    """Return what each service costs, in USD, the dearest first."""
    sums = {service: sum(found.of(prefix) for prefix in prefixes) for service, prefixes in SERVICES.items()}
    return dict(sorted(sums.items(), key=lambda item: -item[1]))


def optimum(shape: Scenario, listed: PriceList) -> Scenario | None:
    """Return the shape whose batch size costs least within the limits (the smallest of those within 2 % of that).

    Where a batch size would write faster than a new table takes, its concurrency is lowered until it fits. None if
    no batch size fits.
    """
    tried = [within_writes(replace(shape, batch_records=size)) for size in _TRIED if size <= shape.records]
    fit = [(expect(candidate, listed).usd, candidate) for candidate in tried if not candidate.broken_limits()]
    if not fit:
        return None
    cheapest = min(usd for usd, _ in fit)
    return next(candidate for usd, candidate in fit if usd <= cheapest * _NEAR)


def within_writes(shape: Scenario) -> Scenario:
    """Lower the concurrency of a shape until a new table takes its writes; one batch at once is the least."""
    size = min(shape.batch_records, shape.records)
    fits = int(quotas()["dynamodb_new_table_writes_a_second"] * shape.child_seconds / size)
    return replace(shape, concurrency=max(1, min(shape.concurrency, fits)))


@dataclass(frozen=True, slots=True)
class BreakEven:
    """An always-on endpoint against ingests: from `ingests_a_month` on, the endpoint's instance costs less."""

    instance: str
    usd_a_month: float
    ingests_a_month: float
    unsure: bool


def break_even(ingest: Bill, listed: PriceList) -> list[BreakEven]:
    """Compare with one always-on instance of each kind in the price list.

    Both write the same predictions, and what drives an endpoint costs something as well; so only what an endpoint
    saves is held against it: everything of an ingest but DynamoDB.
    """
    saved = ingest.usd - ingest.of("dynamodb_")
    found = []
    for name, price in listed.prices.items():
        if name.startswith("sagemaker_"):
            month = price.of(ENDPOINT_HOURS)
            instance = name.removeprefix("sagemaker_").removesuffix("_hours")
            found.append(BreakEven(instance, month, month / saved, price.unsure))
    return found


def month(ingest: Bill, ingests_a_day: float, prediction_gb: float, listed: PriceList) -> Bill:
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
    standing = bill(
        [
            UsageLine("metric_months", f"{METRICS} metrics, in the hours with an ingest", METRICS * hours),
            UsageLine("alarm_months", "alarms", ALARMS),
            UsageLine("dashboard_months", "dashboards", DASHBOARDS),
            UsageLine("dynamodb_gb_months", "the month's predictions, kept a month", ingests * prediction_gb),
            UsageLine("dynamodb_recovery_gb_months", "their point-in-time recovery", ingests * prediction_gb),
        ],
        listed,
    )
    multiplied = [replace(line, quantity=line.quantity * ingests, usd=line.usd * ingests) for line in ingest.lines]
    return Bill((*multiplied, *standing.lines), listed.region, listed.dated)
