"""Deploying with a stream: its mapping is of the alias, which the first release makes."""

from typing import Any, cast

import pytest

from hundredfold_cli import deploy as deploying
from hundredfold_cli.errors import NotThereError
from hundredfold_cli.stack.deployment import Deployment

STREAM = "arn:aws:kinesis:us-east-1:123456789012:stream/reviews"


def steps(
    parameters: dict[str, str], live: object, monkeypatch: pytest.MonkeyPatch, *, there: bool = True
) -> tuple[list[dict[str, str]], list[str]]:
    class Released:
        def __init__(self, *_: Any) -> None:
            pass

        def live(self) -> object:
            return live

    def find() -> Deployment:
        if not there:
            raise NotThereError("no stack")
        return cast("Deployment", None)

    monkeypatch.setattr(deploying, "Releases", Released)
    said: list[str] = []
    return deploying._steps("local", parameters, find, said.append), said


@pytest.mark.parametrize("there", [True, False])
def test_with_nothing_live_the_stream_comes_in_a_second_step(monkeypatch: pytest.MonkeyPatch, there: bool) -> None:
    found, said = steps({"StreamArn": STREAM, "InferMemoryMB": "512"}, None, monkeypatch, there=there)

    assert found == [
        {"MaxConcurrency": "2", "InferMemoryMB": "512"},
        {"MaxConcurrency": "2", "InferMemoryMB": "512", "StreamArn": STREAM},
    ]
    assert said == ["nothing is live yet, so it is deployed without the stream first, and then with it."]


@pytest.mark.parametrize(
    ("parameters", "live"), [({"StreamArn": STREAM}, object()), ({"StreamArn": ""}, None), ({}, None)]
)
def test_else_it_is_one_step(monkeypatch: pytest.MonkeyPatch, parameters: dict[str, str], live: object) -> None:
    assert steps(parameters, live, monkeypatch) == ([{"MaxConcurrency": "2", **parameters}], [])
