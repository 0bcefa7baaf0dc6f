"""Deploying: a stream is mapped to the alias, which the first release makes; groups must fit into a child's time."""

import sys

import pytest

from hundredfold.model.card import Card
from hundredfold.model.engine import Engine, EngineChoice
from hundredfold.model.signature import Field, FieldType, Signature
from hundredfold_cli.deploy import (
    check_groups,
    configured_parameters,
    deployment_steps,
    required_packages,
    run_sam_on_aws,
)
from hundredfold_cli.errors import DeploymentError, OptionError
from tests.unit.answering_server import AnsweringServer, Reply

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/reviews"


def test_while_nothing_is_live_the_stream_comes_in_a_second_step() -> None:
    steps = deployment_steps({"StreamArn": STREAM, "InferMemoryMB": "1024"}, lambda: False)

    assert steps == [{"InferMemoryMB": "1024"}, {"StreamArn": STREAM, "InferMemoryMB": "1024"}]


@pytest.mark.parametrize(
    ("parameters", "live"), [({"StreamArn": STREAM}, True), ({"StreamArn": ""}, False), ({}, False)]
)
def test_any_other_deployment_is_one_step(parameters: dict[str, str], live: bool) -> None:
    assert deployment_steps(parameters, lambda: live) == [parameters]


def test_the_packages_on_the_cards_of_the_live_and_the_built_model_are_kept() -> None:
    def card(*packages: str, engine: Engine = Engine.SCIKIT_LEARN) -> Card:
        signature = Signature((Field("text", FieldType.TEXT),))
        versions = dict.fromkeys(("python", "scikit-learn", *packages), "1")
        return Card("m", ("m",), signature, (), versions, {"m": ""}, engine=EngineChoice(engine))

    assert required_packages([card(), card("lightgbm", "pandas"), card("pandas")]) == {"lightgbm", "pandas"}
    assert required_packages([card("skops", engine=Engine.COMPILED)]) == set()


def test_the_local_target_has_its_parameters_in_the_config_of_sam() -> None:
    assert configured_parameters("local") == {
        "GroupsAtOnce": "1", "GroupBatchesAtOnce": "2", "PartitionsAtOnce": "2",
    }  # fmt: skip


def change_sets(**statuses: str) -> Reply:
    """Answer ListChangeSets: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ListChangeSets.html"""
    members = "".join(
        f"<member><ChangeSetId>{name}</ChangeSetId><ExecutionStatus>{status}</ExecutionStatus></member>"
        for name, status in statuses.items()
    )
    return Reply(
        f"<ListChangeSetsResponse><ListChangeSetsResult><Summaries>{members}</Summaries>"
        "</ListChangeSetsResult></ListChangeSetsResponse>".encode(),
        headers={"Content-Type": "text/xml"},
    )


NO_STACK = Reply(
    b"<ErrorResponse><Error><Code>ValidationError</Code><Message>no such stack</Message></Error></ErrorResponse>",
    400,
    {"Content-Type": "text/xml"},
)
SAM_ENDS_WELL = [sys.executable, "-c", ""]


@pytest.mark.parametrize("before", [NO_STACK, change_sets(), change_sets(old="AVAILABLE")])
def test_a_change_set_that_was_not_confirmed_ends_the_deployment(
    aws: AnsweringServer, monkeypatch: pytest.MonkeyPatch, before: Reply
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    answers = iter([before, change_sets(old="AVAILABLE", declined="AVAILABLE")])
    aws.answer = lambda _: next(answers)

    with pytest.raises(DeploymentError, match="nothing was deployed or released, because the changes were not conf"):
        run_sam_on_aws(SAM_ENDS_WELL, "hundredfold")


@pytest.mark.parametrize("after", [change_sets(), change_sets(empty="UNAVAILABLE"), change_sets(old="AVAILABLE")])
def test_a_deployment_that_was_executed_or_had_nothing_to_change_goes_on(
    aws: AnsweringServer, monkeypatch: pytest.MonkeyPatch, after: Reply
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)
    answers = iter([change_sets(old="AVAILABLE"), after])
    aws.answer = lambda _: next(answers)

    run_sam_on_aws(SAM_ENDS_WELL, "hundredfold")


@pytest.mark.parametrize(
    "parameters",
    [
        {},
        {"GroupBatches": "40"},
        {"GroupBatches": "8", "GroupBatchesAtOnce": "8"},
        {"GroupBatchesAtOnce": "25"},
        {"GroupBatches": "many"},  # CloudFormation refuses it
    ],
)
def test_groups_whose_batches_all_run_at_once_are_deployed_to_aws(parameters: dict[str, str]) -> None:
    check_groups(parameters)


@pytest.mark.parametrize(
    "parameters",
    [{"GroupBatchesAtOnce": "24"}, {"GroupBatches": "9", "GroupBatchesAtOnce": "8"}, configured_parameters("local")],
)
def test_groups_whose_batches_would_run_in_rounds_are_not(parameters: dict[str, str]) -> None:
    with pytest.raises(OptionError, match="on AWS all batches of a group must run at once"):
        check_groups(parameters)
