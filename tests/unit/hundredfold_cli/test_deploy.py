"""Deploying with a stream: it is mapped to the alias, which the first release makes."""

import pytest

from hundredfold_cli.deploy import configured_parameters, deployment_steps

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/reviews"


def test_while_nothing_is_live_the_stream_comes_in_a_second_step() -> None:
    steps = deployment_steps({"StreamArn": STREAM, "InferMemoryMB": "1024"}, lambda: False)

    assert steps == [{"InferMemoryMB": "1024"}, {"StreamArn": STREAM, "InferMemoryMB": "1024"}]


@pytest.mark.parametrize(
    ("parameters", "live"), [({"StreamArn": STREAM}, True), ({"StreamArn": ""}, False), ({}, False)]
)
def test_any_other_deployment_is_one_step(parameters: dict[str, str], live: bool) -> None:
    assert deployment_steps(parameters, lambda: live) == [parameters]


def test_the_local_target_has_its_parameters_in_the_config_of_sam() -> None:
    assert configured_parameters("local") == {
        "GroupsAtOnce": "1", "GroupBatchesAtOnce": "2", "PartitionsAtOnce": "2",
    }  # fmt: skip
