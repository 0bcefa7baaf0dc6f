"""How much runs at once: the template's defaults, and what its texts and the estimate say of them."""

import tomllib

import pytest

from hundredfold_cli.estimates.quotas import quotas
from hundredfold_cli.estimates.scenario import Scenario
from hundredfold_cli.stack.checkout import SAM_CONFIG
from tools.workflow.template import Template
from tools.workflow.worst_case import INLINE_AT_ONCE

DEFAULT = Scenario(1_000_000)


def test_all_batches_of_a_group_run_at_once_whatever_its_size(template: Template) -> None:
    """In rounds, a child could take longer than its five minutes."""
    for parameter in ("GroupBatches", "GroupBatchesAtOnce"):
        assert template.parameters[parameter]["MaxValue"] == INLINE_AT_ONCE
    assert template.default("GroupBatchesAtOnce") == INLINE_AT_ONCE


def test_what_is_deployed_to_aws_keeps_it_so() -> None:
    configured = tomllib.loads(SAM_CONFIG.read_text())["default"]["deploy"]["parameters"]

    assert "parameter_overrides" not in configured


def test_the_local_stack_has_a_worker_for_each_of_two_processors() -> None:
    overrides = tomllib.loads(SAM_CONFIG.read_text())["local"]["deploy"]["parameters"]["parameter_overrides"]
    local = dict(word.split("=") for word in overrides)

    assert int(local["GroupsAtOnce"]) * int(local["GroupBatchesAtOnce"]) == 2
    assert int(local["PartitionsAtOnce"]) == 2


def test_a_table_is_as_warm_as_a_new_one_is_without_a_charge(template: Template) -> None:
    assert template.default("WarmWritesPerSecond") == quotas()["dynamodb_new_table_writes_a_second"]
    assert template.parameters["WarmWritesPerSecond"]["MinValue"] == template.default("WarmWritesPerSecond")


def test_the_defaults_break_no_limit_of_the_estimate() -> None:
    assert DEFAULT.broken_limits() == []


@pytest.mark.parametrize(
    ("parameter", "text"),
    [
        ("GroupsAtOnce", f"{DEFAULT.at_once} by default"),
        ("WarmWritesPerSecond", f"{DEFAULT.table_writes:,} is what a new table takes"),
        ("WarmWritesPerSecond", f"A group of {DEFAULT.group_batches} batches of {DEFAULT.batch_records}"),
        ("WarmWritesPerSecond", f"about {round(DEFAULT.wanted_writes_a_second, -3):,.0f} a second"),
    ],
)
def test_the_figures_of_the_estimate_stand_where_the_parameter_is_set(
    parameter: str, text: str, template: Template
) -> None:
    assert text in template.parameters[parameter]["Description"]
