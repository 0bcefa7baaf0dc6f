"""What the checks cost on AWS, by list price: said before they begin, and kept for a comparison with the bill."""

from collections.abc import Iterable

from hundredfold.accounting.bill import Bill, bill_of
from hundredfold.accounting.prices import prices
from hundredfold.accounting.usage import UsageLine, usage_lines
from hundredfold.runtime.metric_names import StreamMetric
from hundredfold_cli.deployment_checks.ingests import EndedIngest
from hundredfold_cli.deployment_checks.rows.streams import KINESIS
from hundredfold_cli.estimates.estimate import DASHBOARDS
from hundredfold_cli.estimates.estimate import METRICS as METRICS_OF_INGESTS
from hundredfold_cli.estimates.scenario import INFER_MEMORY_MB
from hundredfold_cli.ingests.cost import ingest_usage
from hundredfold_cli.stack.deployment import Deployment

LIMIT_USD = 0.05
"""What a run may cost at most, if it is over within an hour of the clock."""
HOURS_A_MONTH = 730
METRICS = METRICS_OF_INGESTS + len(StreamMetric)
ALARMS = 12
"""Of the checks' stack, with a stream and the arrival of objects. CloudWatch charges for each hour of the clock."""

INGESTS = 10
RECORDS = 3_200
"""Predictions that are written, with those of attempts that fail."""
BATCHES = 90
INFER_SECONDS = 435
"""Starts of environments (25 with the first ingest, and as many with the model of the checks), calls that are left to
run into their timeout of 20 s (8 of them), and the rest."""
OTHER_SECONDS = 36
"""Of the planner and the summary, at 512 MB."""
OBJECTS = 60


def expected_lines(*, kinesis: bool) -> list[UsageLine]:
    """Return what a run of all checks will use."""
    compute = INFER_SECONDS * INFER_MEMORY_MB / 1024 + OTHER_SECONDS / 2
    return [
        UsageLine("dynamodb_writes", "predictions, ledger, the table with a stream", RECORDS + 2 * BATCHES),
        UsageLine("dynamodb_reads", "summaries and looks", 1_000),
        UsageLine("standard_transitions", "executions and children", INGESTS * 11),
        UsageLine("express_requests", "children", INGESTS * 2),
        UsageLine("lambda_gb_seconds_x86_64", "all functions", compute),
        UsageLine("lambda_requests", "calls", 2 * BATCHES),
        UsageLine("s3_puts", "records, manifests, results", OBJECTS + 8 * INGESTS),
        UsageLine("s3_gets", "records and manifests", 4 * BATCHES),
        UsageLine("log_gb", "logs", 0.0005),
        *hourly_lines(1),
        *([UsageLine("kinesis_shard_hours", KINESIS.name, 1)] if kinesis else []),
    ]


def hourly_lines(hours: int) -> list[UsageLine]:
    """Return what a stack costs by its existence and its metrics, in a number of hours of the clock."""
    return [
        UsageLine("metric_months", "metrics", METRICS * hours / HOURS_A_MONTH),
        UsageLine("alarm_months", "alarms", ALARMS * hours / HOURS_A_MONTH),
        UsageLine("dashboard_months", "dashboards", DASHBOARDS * hours / HOURS_A_MONTH),
    ]


def expected_usd(*, kinesis: bool) -> float:
    """Return what a run of all checks will cost, within an hour of the clock."""
    return bill_of(expected_lines(kinesis=kinesis), prices()).usd


def hour_usd() -> float:
    """Return what each further hour of the clock costs."""
    return bill_of(hourly_lines(1), prices()).usd


def used_lines(deployment: Deployment, ingests: Iterable[EndedIngest], hours: int) -> list[UsageLine]:
    """Return what the ingests of a run have used, by what Lambda has reported, and what the stack cost meanwhile."""
    lines = [line for ingest in ingests for line in usage_lines(ingest_usage(deployment, ingest.status))]
    return [*lines, *hourly_lines(hours)]


def bill(lines: Iterable[UsageLine]) -> Bill:
    """Return the bill of usage lines, with the prices of us-east-1."""
    return bill_of(lines, prices())
