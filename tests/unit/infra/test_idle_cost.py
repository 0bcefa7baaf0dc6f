"""What docs/aws.md says that an idle stack costs, held against the template and the price list."""

import re

from hundredfold.accounting.prices import prices
from hundredfold_cli.stack.checkout import ROOT
from tools.workflow.template import Template

PAGE = (ROOT / "docs/aws.md").read_text()
CHARGED_BY_THE_MONTH = {"AWS::CloudWatch::Alarm": "alarm_months", "AWS::CloudWatch::Dashboard": "dashboard_months"}
"""Resource types that cost by their existence, with their prices. Queues, topics, rules, functions, layers, state
machines, roles and on-demand tables do not: https://aws.amazon.com/pricing/"""
FREE = {
    "AWS::DynamoDB::Table", "AWS::Events::Rule", "AWS::IAM::ManagedPolicy", "AWS::IAM::Policy", "AWS::IAM::Role",
    "AWS::Lambda::EventInvokeConfig", "AWS::Lambda::EventSourceMapping", "AWS::Lambda::Permission",
    "AWS::Logs::LogGroup", "AWS::S3::Bucket", "AWS::S3::BucketPolicy", "AWS::SNS::Subscription", "AWS::SNS::Topic",
    "AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "AWS::Serverless::Function", "AWS::Serverless::LayerVersion",
    "AWS::Serverless::StateMachine",
}  # fmt: skip


def row(resource: str) -> tuple[int, float]:
    """Return the number and the price in the row of a resource in the page's table."""
    [(number, usd)] = re.findall(rf"^\| \**{resource}[^|]*\| *(\d*) *\| \**([\d.]+)\** *\|$", PAGE, re.MULTILINE)
    return int(number or 0), float(usd)


def test_every_resource_type_is_free_or_counted(template: Template) -> None:
    assert {resource["Type"] for resource in template.resources.values()} == FREE | set(CHARGED_BY_THE_MONTH)


def test_the_page_counts_and_prices_what_is_charged_by_the_month(template: Template) -> None:
    list_prices = prices()

    for kind, page_row in (("AWS::CloudWatch::Alarm", "alarms"), ("AWS::CloudWatch::Dashboard", "dashboards")):
        number = len(template.of_type(kind, always=True))
        assert row(page_row) == (number, round(list_prices[CHARGED_BY_THE_MONTH[kind]].of(number), 2))
    assert row("together")[1] == row("alarms")[1] + row("dashboards")[1]
