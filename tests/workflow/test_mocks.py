"""MockConfigFile.json holds only answers that AWS and our functions could give; any other is found."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools.workflow.definition import EXAMPLE, render
from tools.workflow.mocks import problems, read

DEFINITION = render(EXAMPLE)
Config = dict[str, Any]


def test_every_answer_is_one_that_could_be_given() -> None:
    assert list(problems(read(), DEFINITION)) == []


def answer(config: Config, response: str, step: str = "0") -> Any:
    return config["MockedResponses"][response][step]["Return"]


def misnamed_field(config: Config) -> None:
    plan = answer(config, "OneBatchPlanned")
    plan["payload"] = plan.pop("Payload")


def status_as_text(config: Config) -> None:
    answer(config, "OneBatchPlanned")["StatusCode"] = "200"


def plan_without_model(config: Config) -> None:
    del answer(config, "OneBatchPlanned")["Payload"]["model"]


def plan_with_more(config: Config) -> None:
    answer(config, "OneBatchPlanned")["Payload"]["created"] = "today"


def summary_that_does_not_add_up(config: Config) -> None:
    answer(config, "SummaryOfOneBatch")["Payload"]["rejected"] = 2


def completed_with_a_cause(config: Config) -> None:
    answer(config, "SummaryOfOneBatch")["Payload"]["cause"] = "why"


def table_answer_from_lambda(config: Config) -> None:
    config["MockedResponses"]["FailureRecorded"]["0-2"]["Return"] = {"StatusCode": 200}


def error_of_another_service(config: Config) -> None:
    config["MockedResponses"]["LedgerMissing"]["0"]["Throw"]["Error"] = "Lambda.ServiceException"


def error_that_is_none(config: Config) -> None:
    config["MockedResponses"]["ThrottledThenInferred"]["0-1"]["Throw"]["Error"] = "Lambda.ThrottlingException"


def gap_between_attempts(config: Config) -> None:
    steps = config["MockedResponses"]["ServiceErrorThenInferred"]
    steps["2"] = steps.pop("1")


def both_return_and_throw(config: Config) -> None:
    config["MockedResponses"]["FailureRecorded"]["0-2"]["Throw"] = {"Error": "E", "Cause": "c"}


def state_that_is_none(config: Config) -> None:
    config["StateMachines"]["strict"]["TestCases"]["HappyPath"]["InferBatches"] = "BatchesInferred"


def response_that_is_none(config: Config) -> None:
    config["StateMachines"]["strict"]["TestCases"]["HappyPath"]["InferBatch"] = "Inferred"


def response_that_nobody_uses(config: Config) -> None:
    config["MockedResponses"]["Spare"] = {"0": {"Return": {}}}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (misnamed_field, "0: invoke has no field payload"),
        (status_as_text, "0: invoke.StatusCode must be of type integer"),
        (plan_without_model, "the function of PlanIngest could not answer this: 'model'"),
        (plan_with_more, "the function of PlanIngest could not answer this: it has ['created'] more or less"),
        (summary_that_does_not_add_up, "its records must be predicted + rejected + failed"),
        (completed_with_a_cause, "a summary is COMPLETED without a cause, or FAILED with one"),
        (table_answer_from_lambda, "0-2: updateItem has no field StatusCode"),
        (error_of_another_service, "Lambda.ServiceException is no error that RecordBatchFailure can meet"),
        (error_that_is_none, "Lambda.ThrottlingException is no error that InferBatch can meet"),
        (gap_between_attempts, "2 should begin at 1: attempts are numbered without a gap"),
        (both_return_and_throw, "0-2 must have either Return, or Throw with Error and Cause"),
        (state_that_is_none, "strict#HappyPath: InferBatches is no Task of the definition"),
        (response_that_is_none, "strict#HappyPath: InferBatch has the response Inferred, which is not there"),
        (response_that_nobody_uses, "the response Spare is used in no case"),
    ],
)
def test_an_answer_that_could_not_be_given_is_found(spoil: Callable[[Config], None], said: str) -> None:
    config = copy.deepcopy(read())
    spoil(config)

    assert any(said in problem for problem in problems(config, DEFINITION))
