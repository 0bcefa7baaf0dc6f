"""The alarms: each watches a metric that exists, says what to do, and has a threshold that can be set."""

import re

import pytest

from hundredfold.runtime.metric_names import ALL, NAMESPACE, SERVICE
from tests.unit.infra.aws_metrics import AWS_METRICS
from tools.workflow.template import Template

ALARM = "AWS::CloudWatch::Alarm"

ADVICE = r"[Rr]un hundredfold|docs/st(reams|arting)\.md|[Ll]ower\s+GroupsAtOnce"

THRESHOLDS = {
    "DriftAlarm": {"Ref": "AlarmDriftIndex"},
    "RejectedAlarm": {"Ref": "AlarmRejectedPercent"},
    "SlowIngestAlarm": {"Ref": "AlarmIngestSeconds"},
    "StreamAgeAlarm": {"Fn::Sub": "${AlarmStreamAgeSeconds}000"},  # the metric is in milliseconds
}
"""The alarms whose thresholds are parameters. All others are raised by the first thing that they count."""


def test_every_alarm_says_what_to_do_and_tells_the_topic(template: Template) -> None:
    for name, alarm in template.of_type(ALARM).items():
        assert re.search(ADVICE, re.sub(r"\s+", " ", alarm["AlarmDescription"])), name
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}]


def test_every_alarm_watches_a_metric_that_exists(template: Template) -> None:
    for name, alarm in template.of_type(ALARM).items():
        dimensions = {dimension["Name"] for dimension in alarm["Dimensions"]}
        if alarm["Namespace"] == NAMESPACE:
            assert alarm["MetricName"] in ALL, name
            assert alarm["Dimensions"] == [{"Name": SERVICE, "Value": {"Ref": "AWS::StackName"}}]
        else:
            keys, known = AWS_METRICS[alarm["Namespace"]]
            assert (alarm["MetricName"] in known, dimensions) == (True, keys), name


def test_every_way_in_which_an_execution_can_end_badly_is_alarmed_without_the_summary(template: Template) -> None:
    watched = {
        (alarm["Namespace"], alarm["MetricName"])
        for alarm in template.of_type(ALARM, always=True).values()
        if alarm["Dimensions"] == [{"Name": "StateMachineArn", "Value": {"Ref": "BatchInference"}}]
    }

    assert watched == {
        ("AWS/States", "ExecutionsFailed"),
        ("AWS/States", "ExecutionsAborted"),
        ("AWS/States", "ExecutionsTimedOut"),
    }


def test_thresholds_are_parameters_of_one_pattern_or_zero(template: Template) -> None:
    thresholds = {name: alarm["Threshold"] for name, alarm in template.of_type(ALARM).items()}

    assert {name: threshold for name, threshold in thresholds.items() if threshold != 0} == THRESHOLDS
    numbers = {name for name, parameter in template.parameters.items() if parameter["Type"] == "Number"}
    assert {name for name in numbers if name.startswith("Alarm")} == {
        re.sub(r"\W|000", "", next(iter(threshold.values()))) for threshold in THRESHOLDS.values()
    }


@pytest.mark.parametrize(
    ("condition", "names"),
    [("HasStream", {"StreamAgeAlarm", "StreamFailuresAlarm"}), ("StartsByItself", {"NotStartedAlarm"})],
)
def test_an_alarm_of_what_is_not_deployed_is_not_deployed(condition: str, names: set[str], template: Template) -> None:
    conditional = {name for name in template.of_type(ALARM) if template.resources[name].get("Condition") == condition}

    assert conditional == names
