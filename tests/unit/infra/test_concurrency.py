"""How many batches at once: the template's default is what the rule in its description comes to."""

import re
from pathlib import Path

import pytest

TEMPLATE = (Path(__file__).parents[3] / "infra/template.yaml").read_text()

WRITES_A_SECOND = 4_000
"""Of a new on-demand table, before it has doubled:
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"""
SECONDS_A_BATCH = 0.2
RECORDS_A_BATCH = 100
CONCURRENT_EXECUTIONS = 10
"""Of Lambda, in a new account."""


def default(parameter: str) -> str:
    found = re.search(rf"^  {parameter}:\n(?:    .*\n)*?    Default: (\S+)\n", TEMPLATE, re.MULTILINE)
    assert found, parameter
    return found[1].strip('"')


def test_the_default_is_computed_by_the_rule() -> None:
    assert int(default("BatchRecords")) == RECORDS_A_BATCH
    assert int(default("MaxConcurrency")) == int(WRITES_A_SECOND * SECONDS_A_BATCH / RECORDS_A_BATCH)


def test_a_new_account_has_room_for_it_and_for_planner_and_summary() -> None:
    assert int(default("MaxConcurrency")) + 2 <= CONCURRENT_EXECUTIONS


@pytest.mark.parametrize("name", ["W x S / R", "4,000", "0.2"])
def test_the_rule_stands_where_the_parameter_is_set(name: str) -> None:
    description = TEMPLATE[TEMPLATE.index("MaxConcurrency:") : TEMPLATE.index("ToleratedFailurePercentage:")]

    assert name in description
