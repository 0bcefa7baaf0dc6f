"""Numbers and names that stand in the template and in the code too: each pair says the same."""

import re
import tomllib
from itertools import pairwise

import pytest

from hundredfold.accounting.notification import SOURCE
from hundredfold.accounting.usage import (
    OTHER_MEMORY_MB,
    TRANSITIONS_A_PARTITION,
    TRANSITIONS_OF_PARENT,
    TRANSITIONS_OF_PARTITIONING,
    Assumptions,
)
from hundredfold.aws.models import READY_SECONDS
from hundredfold.aws.predictions import PUTS_PER_CALL
from hundredfold.aws.stores import PREDICTION_CALLS_AT_ONCE
from hundredfold.planning.partitions import PARTITION_BYTES
from hundredfold.runtime.invocation import SECONDS_BEFORE_TIMEOUT
from hundredfold.summary import COMPLETED, CORRECTED, FAILED
from hundredfold_cli.deploy import STREAM_PARAMETER
from hundredfold_cli.estimates import scenario
from hundredfold_cli.estimates.estimate import ALARMS, DASHBOARDS, FUNCTIONS
from hundredfold_cli.estimates.quotas import quotas
from hundredfold_cli.models.layers import RUNTIME, UNZIPPED_BYTES
from hundredfold_cli.models.releases import ALIAS
from hundredfold_cli.stack.checkout import BUILT, SAM_CONFIG, TEMPLATE
from hundredfold_cli.stack.deployment import STACK_NAME
from layers.packages import PLATFORMS, PYTHON_VERSION
from layers.sizes import LAMBDA_LIMIT_BYTES
from tools.workflow.definition import DEFINITION, EXAMPLE, render
from tools.workflow.states import find, machines
from tools.workflow.template import Template

FUNCTION = "AWS::Serverless::Function"
LAYER = "AWS::Serverless::LayerVersion"
NAMED = "${AWS::StackName}-"


# ---------------------------------------------------------------- of an estimate and a bill


def test_a_scenario_begins_with_the_template_s_defaults(template: Template) -> None:
    assert template.default("BatchRecords") == scenario.BATCH_RECORDS
    assert template.default("InferMemoryMB") == scenario.INFER_MEMORY_MB
    assert template.default("GroupBatches") == scenario.GROUP_BATCHES
    assert template.default("GroupBatchesAtOnce") == scenario.GROUP_BATCHES_AT_ONCE
    assert template.default("GroupsAtOnce") == scenario.GROUPS_AT_ONCE
    assert template.default("WarmWritesPerSecond") == scenario.TABLE_WRITES


def test_limits_that_an_estimate_stays_within_are_the_template_s(template: Template) -> None:
    assert quotas()["lambda_timeout_seconds"] == template.properties("InferBatchFunction")["Timeout"]
    assert quotas()["batch_bytes"] == template.default("BatchBytes")
    assert quotas()["lambda_full_processor_mb"] == template.default("InferMemoryMB")


def test_a_batch_gives_up_well_before_its_function_is_ended(template: Template) -> None:
    slow = scenario.Scenario(1, assumed=Assumptions(wait_ms_a_batch=18_000, cpu_ms_a_batch=1))

    assert SECONDS_BEFORE_TIMEOUT == 2
    assert slow.broken_limits() == ["18 s a batch; the function has 20"]
    assert template.properties("InferBatchFunction")["Timeout"] == 20


def test_an_environment_of_the_least_memory_starts_in_half_the_time_that_lambda_gives_it(template: Template) -> None:
    # 10 s: https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtime-environment.html (2026-11)
    processors = template.parameters["InferMemoryMB"]["MinValue"] / quotas()["lambda_full_processor_mb"]

    assert Assumptions().init_seconds / processors <= 10 / 2


def test_planner_and_summary_are_billed_for_the_memory_that_they_have(template: Template) -> None:
    for function in ("PlanIngestFunction", "SummarizeIngestFunction"):
        assert template.properties(function)["MemorySize"] == OTHER_MEMORY_MB


def test_a_month_counts_what_is_always_deployed(template: Template) -> None:
    assert len(template.of_type("AWS::CloudWatch::Alarm", always=True)) == ALARMS
    assert len(template.of_type("AWS::CloudWatch::Dashboard", always=True)) == DASHBOARDS
    assert len(template.of_type(FUNCTION, always=True)) == FUNCTIONS


def test_a_round_of_writes_is_what_the_function_writes_at_once() -> None:
    assert PUTS_PER_CALL * PREDICTION_CALLS_AT_ONCE == scenario.RECORDS_PUT_AT_ONCE


def test_transitions_that_are_billed_are_those_of_the_definition() -> None:
    parent, *maps = machines(render(EXAMPLE))
    way = [
        "PlanIngest",
        "NeedsPartitioning?",
        "HasBatches?",
        "InferBatches",
        "SummarizeIngest",
        "Completed?",
        "Completed",
    ]
    partitioning = ["NeedsPartitioning?", "PlanPartitions", "JoinPartitions", "HasBatches?"]

    for states in (way, partitioning):
        for state, following in pairwise(states):
            assert following in parent.states[state].leads_to()
    assert parent.start == way[0]
    assert parent.states[way[-1]].ends
    assert len(way) == TRANSITIONS_OF_PARENT
    assert len(partitioning) - 2 == TRANSITIONS_OF_PARTITIONING
    [child] = [machine for machine in maps if machine.inside == ("PlanPartitions",)]
    assert child.states[child.start].ends
    assert 1 + len([child.start]) + 1 == TRANSITIONS_A_PARTITION  # its start, its one state, its end


# ---------------------------------------------------------------- of the planner and the state machine


def test_a_partition_is_as_large_as_the_template_says(template: Template) -> None:
    assert template.default("PartitionBytes") == PARTITION_BYTES


def test_a_model_is_waited_for_within_the_planner_s_time(template: Template) -> None:
    assert template.properties("PlanIngestFunction")["Timeout"] - READY_SECONDS >= 300


def test_the_longest_record_fits_into_a_batch(template: Template) -> None:
    assert template.default("BatchBytes") >= template.default("RecordBytes")


def test_the_definition_is_of_the_partition_that_it_is_deployed_to(template: Template) -> None:
    text = DEFINITION.read_text()

    assert template.substitutions["Partition"] == {"Ref": "AWS::Partition"}
    assert "arn:${Partition}:states:::lambda:invoke" in text
    assert not re.search(r"arn:[a-z]", text)


def test_examples_of_the_definition_have_the_template_s_defaults(template: Template) -> None:
    for name in (
        "GroupsAtOnce", "GroupBatchesAtOnce", "PartitionsAtOnce", "ToleratedFailureCount", "ChildExecutionType",
    ):  # fmt: skip
        assert EXAMPLE[name] == str(template.default(name))
        assert template.substitutions[name] == {"Ref": name}


def test_a_batch_is_waited_for_as_long_as_its_function_may_take(template: Template) -> None:
    waited = find(render(EXAMPLE), "InferBatch").body["TimeoutSeconds"]
    awaited = find(render(EXAMPLE), "AwaitCalls").body["Seconds"]

    assert waited - template.properties("InferBatchFunction")["Timeout"] == 2
    assert awaited == waited


# ---------------------------------------------------------------- names


def test_the_alias_that_is_live_is_the_one_that_a_release_moves(template: Template) -> None:
    live = {"Fn::Sub": f"${{InferBatchFunction.Arn}}:{ALIAS}"}

    assert template.properties("PlanIngestFunction")["Environment"]["Variables"]["LIVE_ALIAS"] == live
    assert template.properties("StreamMapping")["FunctionName"] == live
    assert template.outputs["LiveAliasArn"]["Value"] == live


def test_events_that_may_be_sent_are_those_that_are(template: Template) -> None:
    statements = template.properties("SummarizeIngestRole")["Policies"][0]["PolicyDocument"]["Statement"]
    [condition] = [statement["Condition"] for statement in statements if statement["Action"] == "events:PutEvents"]

    assert condition == {
        "StringEquals": {"events:source": SOURCE, "events:detail-type": [COMPLETED, FAILED, CORRECTED]}
    }


def test_every_function_has_its_name_its_zip_and_its_log_group(template: Template) -> None:
    for logical_id, function in template.of_type(FUNCTION).items():
        name = function["FunctionName"]["Fn::Sub"].removeprefix(NAMED)
        group = template.properties(function["LoggingConfig"]["LogGroup"]["Ref"])
        assert "".join(word.capitalize() for word in name.split("-")) + "Function" == logical_id
        assert function["CodeUri"] == f"../build/functions/{name.replace('-', '_')}.zip"
        assert group["LogGroupName"] == {"Fn::Sub": f"/aws/lambda/{NAMED}{name}"}
        assert group["RetentionInDays"] == {"Ref": "RetentionDays"}


def test_what_is_deployed_is_what_is_built(template: Template) -> None:
    archives = [
        *(layer["ContentUri"] for layer in template.of_type(LAYER).values()),
        *(function["CodeUri"] for function in template.of_type(FUNCTION).values()),
    ]

    assert {(TEMPLATE.parent / archive).resolve() for archive in archives} == set(BUILT)


def test_functions_and_layers_are_of_the_python_that_layers_are_built_for(template: Template) -> None:
    assert template.function_globals["Runtime"] == RUNTIME == f"python{PYTHON_VERSION}"
    for layer in template.of_type(LAYER).values():
        assert layer["CompatibleRuntimes"] == [RUNTIME]
    assert template.parameters["Architecture"]["AllowedValues"] == list(PLATFORMS)


def test_the_limit_of_layers_is_one() -> None:
    assert UNZIPPED_BYTES == LAMBDA_LIMIT_BYTES


def test_the_stack_has_the_name_that_it_is_looked_for_by(template: Template) -> None:
    configured = tomllib.loads(SAM_CONFIG.read_text())

    assert configured["default"]["global"]["parameters"]["stack_name"] == STACK_NAME
    assert configured["local"]["deploy"]["parameters"]["stack_name"] == STACK_NAME
    # What sam uploads has the same prefix if it is run without the command: `remove` and `prune` look under it.
    assert {configured[name]["deploy"]["parameters"]["s3_prefix"] for name in ("default", "local")} == {STACK_NAME}
    assert template.state_machine["Name"] == {"Fn::Sub": f"{NAMED}batch-inference"}


def test_a_stream_is_given_by_the_parameter_that_is_deployed_last(template: Template) -> None:
    assert template.properties("StreamMapping")["EventSourceArn"] == {"Ref": STREAM_PARAMETER}


@pytest.mark.parametrize("name", ["ingests/", "models/", "streams/"])
def test_what_expires_is_under_a_prefix_of_the_work_bucket(name: str, template: Template) -> None:
    rules = template.properties("WorkBucket")["LifecycleConfiguration"]["Rules"]
    expiring = {rule["Prefix"] for rule in rules if "ExpirationInDays" in rule}

    assert (name in expiring) == (name != "models/")  # a released model's card stays: it may go live again
