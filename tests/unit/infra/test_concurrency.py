"""How many batches at once: the template's default is what the rule in its description comes to."""

import pytest

from hundredfold_cli.estimates.quotas import quotas
from tools.workflow.template import Template

SECONDS_A_BATCH = 0.2
CONCURRENT_EXECUTIONS = 10
"""Of Lambda, in a new account."""


def test_the_default_is_computed_by_the_rule(template: Template) -> None:
    writes_a_second = quotas()["dynamodb_new_table_writes_a_second"]

    assert template.default("BatchRecords") == 100
    assert template.default("MaxConcurrency") == int(writes_a_second * SECONDS_A_BATCH / 100)


def test_a_new_account_has_room_for_it_and_for_planner_and_summary(template: Template) -> None:
    assert template.default("MaxConcurrency") + 2 <= CONCURRENT_EXECUTIONS


@pytest.mark.parametrize("name", ["W x S / R", "4,000", "0.2"])
def test_the_rule_stands_where_the_parameter_is_set(name: str, template: Template) -> None:
    assert name in template.parameters["MaxConcurrency"]["Description"]
