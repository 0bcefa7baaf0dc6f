"""The dashboards' bodies: data files, in the template word for word, with metrics that exist."""

import json
import re
from typing import Any

import pytest
import yaml

from hundredfold.runtime.metric_names import ALL, COLD_START, NAMESPACE, SERVICE
from hundredfold_cli.pages.dashboard_data import aligned, read_widget
from hundredfold_cli.stack.checkout import ROOT

NAMES = ("business", "engineer")

AWS_METRICS = {
    # https://docs.aws.amazon.com/lambda/latest/dg/monitoring-metrics-types.html (2026-11)
    "AWS/Lambda": (
        {"FunctionName"},
        {"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions", "IteratorAge"},
    ),
    # https://docs.aws.amazon.com/step-functions/latest/dg/procedure-cw-metrics.html (2026-11)
    "AWS/States": (
        {"StateMachineArn"},
        {"ExecutionsStarted", "ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut", "ExecutionThrottled"},
    ),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/metrics-dimensions.html (2026-11)
    "AWS/DynamoDB": ({"TableName"}, {"ConsumedWriteCapacityUnits", "WriteThrottleEvents"}),
    # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html
    # (2026-11)
    "AWS/SQS": ({"QueueName"}, {"ApproximateNumberOfMessagesVisible"}),
}


def body(name: str) -> dict[str, Any]:
    read: dict[str, Any] = json.loads((ROOT / f"infra/dashboards/{name}.json").read_text())
    return read


class _Loader(yaml.SafeLoader):
    """Reads CloudFormation's short forms as their bare values."""


def _plain(loader: yaml.SafeLoader, _tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_Loader.add_multi_constructor("!", _plain)


@pytest.fixture(scope="module")
def resources() -> dict[str, Any]:
    template = yaml.load((ROOT / "infra/template.yaml").read_text(), Loader=_Loader)  # noqa: S506 - our own loader
    found: dict[str, Any] = template["Resources"]
    return found


@pytest.mark.parametrize("name", NAMES)
def test_the_template_holds_the_data_file(name: str, resources: dict[str, Any]) -> None:
    deployed = resources[f"{name.capitalize()}Dashboard"]["Properties"]["DashboardBody"]

    assert json.loads(deployed) == body(name), "run make dashboards"


@pytest.mark.parametrize("name", NAMES)
def test_every_placeholder_names_something_of_the_template(name: str, resources: dict[str, Any]) -> None:
    placeholders = set(re.findall(r"\$\{([^}]+)\}", json.dumps(body(name))))

    assert placeholders <= {"AWS::Region", "AWS::StackName", *resources}


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_is_ours_or_one_that_aws_has(name: str) -> None:
    for widget in body(name)["widgets"]:
        for query in read_widget(widget).queries:
            dimensions = dict(query.dimensions)
            if query.namespace == NAMESPACE:
                assert query.name in ALL
                assert dimensions.pop("service") == SERVICE
                assert set(dimensions) == ({"function_name"} if query.name == COLD_START else set())
            else:
                keys, known = AWS_METRICS[query.namespace]
                assert query.name in known
                assert set(dimensions) == keys


@pytest.mark.parametrize("name", NAMES)
def test_widgets_do_not_overlap_and_stay_on_the_grid(name: str) -> None:
    taken: set[tuple[int, int]] = set()
    for widget in body(name)["widgets"]:
        cells = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        assert max(x for x, _ in cells) < 24
        assert not cells & taken, widget["properties"]["title"]
        taken |= cells


def test_every_alarm_says_what_to_do_and_watches_a_metric_that_exists(resources: dict[str, Any]) -> None:
    alarms = {name: r["Properties"] for name, r in resources.items() if r["Type"] == "AWS::CloudWatch::Alarm"}

    assert len(alarms) == 10  # two of them only where there is a stream, one only where ingests start by themselves
    for alarm in alarms.values():
        ours = alarm["Namespace"] == NAMESPACE
        assert alarm["MetricName"] in (ALL if ours else AWS_METRICS[alarm["Namespace"]][1])
        assert alarm["AlarmActions"] == ["AlarmTopic"]
        assert re.search(
            r"[Rr]un hundredfold|docs/st(reams|arting)\.md|lower MaxConcurrency|Lower MaxConcurrency",
            alarm["AlarmDescription"],
        )


def test_stacked_series_get_the_same_times() -> None:
    assert aligned([[(1, 5.0)], [(1, 2.0), (3, 4.0)], []]) == [[(1, 5.0), (3, 0.0)], [(1, 2.0), (3, 4.0)], []]


@pytest.mark.parametrize(
    "metric",
    [["Hundredfold", "A", "service"], ["...", "s"], [{"expression": "m1 + m2"}], ["Hundredfold", "A", ".", "."]],
)
def test_shorthand_and_expressions_are_refused(metric: list[Any]) -> None:
    widget = {
        "type": "metric", "x": 0, "y": 0, "width": 1, "height": 1,
        "properties": {"title": "t", "view": "timeSeries", "stat": "Sum", "metrics": [metric]},
    }  # fmt: skip
    with pytest.raises(ValueError, match="cannot be read, write it out"):
        read_widget(widget)
