"""The environment of each function: the template sets what the settings read, and nothing else."""

from typing import Any

import pytest

from hundredfold.settings import Settings
from tools.workflow.template import Template

READ_BY_POWERTOOLS = {"POWERTOOLS_LOG_LEVEL", "POWERTOOLS_SERVICE_NAME"}
OF_ONE_FUNCTION = {
    "PlanIngestFunction": {
        "LIVE_ALIAS",
        "GROUP_BATCHES",
        "PARTITION_BYTES",
        "PREDICTIONS_LAYOUT",
        "MAX_REJECTED_PERCENT",
    },
    "InferBatchFunction": {"STREAM_FIELDS"},
    "SummarizeIngestFunction": {"EVENT_BUS", "TOLERATED_FAILURE_PERCENTAGE"},
    "StartIngestFunction": {"STATE_MACHINE", "SCHEDULED_SOURCE"},
}


class Environment(dict[str, str]):
    """An environment that notes which of its variables are read."""

    def __init__(self, variables: dict[str, str]) -> None:
        super().__init__(variables)
        self.read: set[str] = set()

    def get(self, name: str, default: Any = None, /) -> Any:
        self.read.add(name)
        return super().get(name, default)


def environment(function: str, template: Template) -> Environment:
    """Return the variables of a function of the template as it is deployed with its defaults."""
    own = template.properties(function)["Environment"]["Variables"]
    variables = {**template.function_globals["Environment"]["Variables"], **own}
    return Environment({name: deployed(value, template) for name, value in variables.items()})


def deployed(value: Any, template: Template) -> str:
    match value:
        case {"Ref": str(name)} if name in template.parameters:
            return str(template.default(name))
        case {"Ref": str(name)} | {"Fn::Sub": str(name)}:
            return name
        case _:
            return str(value)


@pytest.mark.parametrize("function", OF_ONE_FUNCTION)
def test_a_function_starts_with_what_the_template_sets(function: str, template: Template) -> None:
    settings = Settings.from_environment(environment(function, template))

    assert (settings.work_bucket, settings.ledger_table, settings.predictions_table) == (
        "WorkBucket", "LedgerTable", "PredictionsTable",
    )  # fmt: skip
    assert (settings.batch_records, settings.batch_bytes, settings.record_bytes) == (100, 4_194_304, 262_144)


@pytest.mark.parametrize("function", OF_ONE_FUNCTION)
def test_every_variable_that_is_set_is_read(function: str, template: Template) -> None:
    variables = environment(function, template)
    Settings.from_environment(variables)

    assert set(variables) - variables.read == READ_BY_POWERTOOLS


@pytest.mark.parametrize(("function", "names"), OF_ONE_FUNCTION.items())
def test_a_function_is_told_no_more_than_it_needs(function: str, names: set[str], template: Template) -> None:
    assert set(template.properties(function)["Environment"]["Variables"]) == names
