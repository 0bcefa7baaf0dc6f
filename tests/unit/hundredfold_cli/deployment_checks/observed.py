"""A deployed stack in memory, which answers as AWS does. It has only what the checks look at."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from botocore.exceptions import ClientError

from hundredfold_cli.deployment_checks.stage import Stage
from hundredfold_cli.stack.deployment import Deployment


class FakeClient:
    """A client of one service.

    Parameters
    ----------
    answers : by operation: a function of the request, or what is answered to any
    pages : by operation that has pages: the pages
    """

    def __init__(
        self, answers: Mapping[str, Any] | None = None, pages: Mapping[str, Iterable[Any]] | None = None
    ) -> None:
        self._answers = answers or {}
        self._pages = pages or {}
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def get_paginator(self, operation: str) -> Any:
        def paginate(**request: Any) -> Iterator[Any]:
            self.calls.append((operation, request))
            pages = self._pages[operation]
            yield from pages(**request) if callable(pages) else pages

        return SimpleNamespace(paginate=paginate)

    def __getattr__(self, operation: str) -> Callable[..., Any]:
        def call(**request: Any) -> Any:
            self.calls.append((operation, request))
            answer = self._answers[operation]
            return answer(**request) if callable(answer) else answer

        return call


class FakeDeployment:
    """A deployment whose clients are fakes, and whose log has some events."""

    stack = "hundredfold-check"
    predictions_table = "predictions"
    ledger_table = "ledger"
    state_machine = "arn:aws:states:eu-west-1:123456789012:stateMachine:hundredfold-check-batch-inference"
    endpoint = None

    def __init__(self, events: Iterable[tuple[datetime, str, str]] = (), **clients: Any) -> None:
        self._events: list[dict[str, Any]] = [
            {"timestamp": round(at.timestamp() * 1000), "logStreamName": stream, "message": message}
            for at, stream, message in events
        ]
        for name in ("step_functions", "cloudwatch", "dynamodb"):
            setattr(self, name, clients.get(name, FakeClient()))
        self.session = SimpleNamespace(client=lambda service, **_: clients[service])

    def execution(self, name: str) -> str:
        return f"{self.state_machine.replace(':stateMachine:', ':execution:')}:{name}"

    def log_events(self, function: str, begin: int, end: int) -> Iterator[Any]:
        assert function == "infer-batch"
        yield from (event for event in self._events if begin <= event["timestamp"] <= end)


def stage_of(deployment: FakeDeployment, **known: Any) -> Stage:
    """A stage on AWS whose ingests are known already."""
    stage = Stage(cast(Deployment, deployment), Path(), redeploy=lambda _: None)
    stage.__dict__.update({"on_aws": True, "faulty_version": "2", **known})
    return stage


def throttled(**_: Any) -> Any:
    """Raise what DynamoDB answers to a write over the table's limit."""
    raise ClientError({"Error": {"Code": "ThrottlingException"}}, "PutItem")


def dashboard(*metrics: list[Any]) -> dict[str, Any]:
    """A dashboard's body with one widget."""
    properties = {"title": "t", "view": "timeSeries", "stat": "Sum", "metrics": list(metrics)}
    widget = {"type": "metric", "x": 0, "y": 0, "width": 6, "height": 6, "properties": properties}
    return {"DashboardBody": json.dumps({"widgets": [widget]})}
