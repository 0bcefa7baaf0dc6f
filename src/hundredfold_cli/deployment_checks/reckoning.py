"""A run's own bill, kept for a day, and compared with Cost Explorer's."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from hundredfold.accounting.bill import Bill
from hundredfold_cli.deployment_checks.row import Row, Verdict
from hundredfold_cli.errors import NotThereError

REQUEST_USD = 0.01
"""Of each request to Cost Explorer. https://aws.amazon.com/aws-cost-management/pricing/"""
SOURCE = "https://docs.aws.amazon.com/cost-management/latest/userguide/ce-exploring-data.html"
READY_HOURS = 24
"""Cost Explorer has a day's costs within 24 hours. Same page."""
TOLERANCE = 0.2
"""A share of a service's cost by which the two bills may differ: times of use in the account may be others'."""
SMALL_USD = 0.002
"""A difference that does not count: bills are rounded."""

SERVICES = {
    "lambda_": "AWS Lambda",
    "dynamodb_": "Amazon DynamoDB",
    "standard_": "AWS Step Functions",
    "express_": "AWS Step Functions",
    "s3_": "Amazon Simple Storage Service",
    "log_": "AmazonCloudWatch",
    "metric_": "AmazonCloudWatch",
    "alarm_": "AmazonCloudWatch",
    "dashboard_": "AmazonCloudWatch",
    "kinesis_": "Amazon Kinesis",
}
"""The service under which Cost Explorer has each kind of price."""


@dataclass(frozen=True, slots=True)
class Reckoning:
    """What a run has cost by its own reckoning.

    Attributes
    ----------
    began, ended : of the run, as ISO 8601
    usd : by the name that Cost Explorer has for each service
    """

    account: str
    region: str
    began: str
    ended: str
    usd: Mapping[str, float]

    @classmethod
    def of(cls, bill: Bill, account: str, region: str, began: datetime, ended: datetime) -> Self:
        usd: dict[str, float] = {}
        for line in bill.lines:
            service = next(name for prefix, name in SERVICES.items() if line.price.startswith(prefix))
            usd[service] = usd.get(service, 0.0) + line.usd
        return cls(account, region, began.isoformat(), ended.isoformat(), usd)

    def write(self, file: Path) -> None:
        """Keep it in a file."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(asdict(self), indent=2))

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read it from a file; raises NotThereError if no run has kept one."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            raise NotThereError(
                "no run of the checks on AWS is known here; run hundredfold --target aws check-deployment first"
            ) from None

    @property
    def days(self) -> tuple[str, str]:
        """The days that it falls on, by UTC, as Cost Explorer wants them: the first, and the one after the last."""
        began, ended = (datetime.fromisoformat(text).astimezone(UTC) for text in (self.began, self.ended))
        return began.date().isoformat(), (ended.date() + timedelta(days=1)).isoformat()

    def ready_at(self) -> datetime:
        """Return from when on Cost Explorer has all of it."""
        return datetime.fromisoformat(self.ended) + timedelta(hours=READY_HOURS)


def billed(cost_explorer: Any, reckoning: Reckoning) -> dict[str, float]:
    """Ask Cost Explorer what each service has cost in the region on those days, in USD."""
    begin, end = reckoning.days
    answer = cost_explorer.get_cost_and_usage(
        TimePeriod={"Start": begin, "End": end},
        Granularity="DAILY",
        Metrics=["UnblendedCost"],
        GroupBy=[{"Type": "DIMENSION", "Key": "SERVICE"}],
        Filter={"Dimensions": {"Key": "REGION", "Values": [reckoning.region]}},
    )
    usd: dict[str, float] = {}
    for day in answer["ResultsByTime"]:
        for group in day["Groups"]:
            service = group["Keys"][0]
            usd[service] = usd.get(service, 0.0) + float(group["Metrics"]["UnblendedCost"]["Amount"])
    return usd


def compare(reckoning: Reckoning, billed_usd: Mapping[str, float]) -> Iterable[Row]:
    """Compare the two bills, a row for each service. What else ran in the account on those days is in AWS's."""
    for service, expected in sorted(reckoning.usd.items()):
        seen = billed_usd.get(service, 0.0)
        agrees = abs(seen - expected) <= max(SMALL_USD, TOLERANCE * expected)
        yield Row(
            f"cost of {service}",
            f"${expected:.4f} by our reckoning",
            f"${seen:.4f} billed, with all else of those days",
            Verdict.AS_EXPECTED if agrees else Verdict.DIFFERS,
            SOURCE,
        )
