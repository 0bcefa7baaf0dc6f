"""What others have measured on AWS, against the service model and against what the workflow retries."""

import json
from typing import Any

import botocore.session
import pytest

from hundredfold_cli.stack.local_metrics import from_reports
from tests.support import aws_measured
from tests.support.aws_measured import MAP_RUN_FAILED, MAP_RUN_SUCCEEDED, MAP_RUN_UNKNOWN, OUT_OF_MEMORY, TIMED_OUT
from tools.workflow import error_names
from tools.workflow.definition import EXAMPLE, render
from tools.workflow.states import find

STEP_FUNCTIONS = botocore.session.get_session().get_service_model("stepfunctions").operation_model("DescribeMapRun")


@pytest.mark.parametrize("measured", [MAP_RUN_SUCCEEDED, MAP_RUN_FAILED], ids=["succeeded", "failed"])
def test_what_was_measured_has_the_names_of_the_service_model(measured: aws_measured.Measured) -> None:
    output: Any = STEP_FUNCTIONS.output_shape

    assert set(measured.answer) <= set(output.members)
    for name in ("itemCounts", "executionCounts"):
        assert set(measured.answer.get(name, {})) <= set(output.members[name].members)
    assert measured.answer["status"] in output.members["status"].enum


def test_the_error_of_an_unknown_map_run_is_one_of_the_service_model() -> None:
    codes = {shape.metadata.get("error", {}).get("code", shape.name) for shape in STEP_FUNCTIONS.error_shapes}

    assert MAP_RUN_UNKNOWN.answer["Code"] in codes


def test_a_batch_whose_function_was_ended_is_tried_again_under_every_name_that_was_seen() -> None:
    retried = {name for retry in find(render(EXAMPLE), "InferBatch").body["Retry"] for name in retry["ErrorEquals"]}

    assert {TIMED_OUT.answer["errorType"], *OUT_OF_MEMORY.answer["errorType"]} <= retried
    assert {TIMED_OUT.answer["errorType"], *OUT_OF_MEMORY.answer["errorType"]} <= error_names.RUNTIME


def test_a_call_that_was_out_of_time_counts_as_an_error() -> None:
    events = [
        {"logStreamName": "s", "message": message, "timestamp": 5_000}
        for message in (
            "START RequestId: 1 Version: 7",
            json.dumps(TIMED_OUT.answer),
            "REPORT RequestId: 1\tDuration: 1000.00 ms\tBilled Duration: 1000 ms",
        )
    ]

    assert [datum.value for datum in from_reports(events, "f") if datum.name == "Errors"] == [1.0]


def test_each_fact_says_where_it_is_recorded() -> None:
    facts = [value for value in vars(aws_measured).values() if isinstance(value, aws_measured.Measured)]

    assert len(facts) == 5
    assert all(fact.source.startswith("https://github.com/") for fact in facts)
