"""What a stack's dashboards and alarms name is what its own functions send, and nothing that another stack sends."""

import json
import os
import re
import subprocess
import sys
from typing import Any

import pytest

from hundredfold.runtime.metric_names import NAMESPACE, SERVICE, ShadowMetric
from hundredfold_cli.stack.checkout import ROOT
from hundredfold_cli.stack.dashboards import read_widget
from hundredfold_cli.stack.local_metrics import from_emf
from tests.unit.infra.emit_everything import FUNCTIONS
from tools.dashboards import embed
from tools.workflow.template import Template

type Named = tuple[str, tuple[tuple[str, str], ...]]
"""A metric of ours: its name, and its dimensions with their values."""

STACKS = ("first", "second")


def filled_in(value: Any, stack: str) -> str:
    """Return a value of the template as it is deployed in a stack of this name."""
    match value:
        case {"Ref": "AWS::StackName"}:
            return stack
        case {"Fn::Sub": str(text)} | str(text):
            return text.replace("${AWS::StackName}", stack)
        case _:
            return str(value)


def sent(template: Template, stack: str) -> set[Named]:
    """Return what the functions of a stack send, each with the environment that the template gives to it."""
    metrics: set[Named] = set()
    variables = template.function_globals["Environment"]["Variables"]
    for function in FUNCTIONS:
        environment = {name: filled_in(value, stack) for name, value in variables.items()}
        done = subprocess.run(
            [sys.executable, "-m", "tests.unit.infra.emit_everything", stack, function],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"], **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        data = [datum for line in done.stdout.splitlines() for datum in from_emf(line)]
        metrics |= {(datum.name, datum.dimensions) for datum in data if datum.namespace == NAMESPACE}
    return metrics


@pytest.fixture(scope="module")
def sent_by(template: Template) -> dict[str, set[Named]]:
    return {stack: sent(template, stack) for stack in STACKS}


def named_by_dashboards(stack: str) -> set[Named]:
    queries = [
        query
        for name in embed.NAMES
        for widget in json.loads((embed.FOLDER / f"{name}.json").read_text())["widgets"]
        for query in read_widget(widget).queries
    ]
    return {
        (query.name, tuple((name, filled_in(value, stack)) for name, value in query.dimensions))
        for query in queries
        if query.namespace == NAMESPACE
    }


def named_by_alarms(template: Template, stack: str) -> set[Named]:
    return {
        (
            alarm["MetricName"],
            tuple(sorted((one["Name"], filled_in(one["Value"], stack)) for one in alarm["Dimensions"])),
        )
        for alarm in template.of_type("AWS::CloudWatch::Alarm").values()
        if alarm["Namespace"] == NAMESPACE
    }


@pytest.mark.parametrize("stack", STACKS)
def test_every_metric_that_a_dashboard_or_an_alarm_names_is_sent_under_its_very_dimensions(
    stack: str, template: Template, sent_by: dict[str, set[Named]]
) -> None:
    named = named_by_dashboards(stack) | named_by_alarms(template, stack)

    assert len(named) > 30
    assert named - sent_by[stack] == set()


def test_two_stacks_of_an_account_share_no_metric(template: Template, sent_by: dict[str, set[Named]]) -> None:
    first, second = STACKS

    assert sent_by[first] & sent_by[second] == set()
    assert {name for name, _ in sent_by[first]} == {name for name, _ in sent_by[second]}
    assert named_by_dashboards(first) & named_by_dashboards(second) == set()
    assert named_by_alarms(template, first) & named_by_alarms(template, second) == set()


def test_a_metric_costs_once_for_each_stack_and_not_more(sent_by: dict[str, set[Named]]) -> None:
    # Powertools' cold starts have the function's name too. All others have one combination of dimensions.
    of_names = [name for name, _ in sent_by["first"] if name != "ColdStart"]

    assert len(of_names) == len(set(of_names))
    assert {dimensions for name, dimensions in sent_by["first"] if name != "ColdStart"} == {((SERVICE, "first"),)}


def test_every_name_in_the_account_that_a_stack_gives_begins_with_its_own(template: Template) -> None:
    names = [
        (logical_id, properties[key])
        for kind, key in (("Alarm", "AlarmName"), ("Dashboard", "DashboardName"))
        for logical_id, properties in template.of_type(f"AWS::CloudWatch::{kind}").items()
    ]

    assert names
    for logical_id, name in names:
        assert re.match(r"\$\{AWS::StackName\}-", name["Fn::Sub"]), logical_id


def test_metrics_of_shadows_are_not_on_a_dashboard() -> None:
    # The command sends them, so no function of the template does.
    assert {name for name, _ in named_by_dashboards("first")}.isdisjoint(ShadowMetric)
