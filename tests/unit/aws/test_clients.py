"""Clients: the limits of one attempt, and what it tries again by itself."""

from collections.abc import Callable
from typing import Any

import botocore.session
import pytest
from botocore.exceptions import ClientError, ParamValidationError

from hundredfold.aws import clients
from hundredfold.aws.errors import is_busy
from hundredfold.aws.service_models import SERVICES, UsedServices
from tests.unit.answering_server import AnsweringServer, Reply, dynamodb_error, json_reply


def test_one_attempt_is_three_requests(aws: AnsweringServer) -> None:
    aws.answer = lambda _: dynamodb_error("ThrottlingException")
    client = clients.dynamodb()

    with pytest.raises(ClientError) as raised:
        client.get_item(TableName="t", Key={"k": {"S": "1"}})

    assert is_busy(raised.value)
    assert len(aws.requests) == 3
    client.close()


def test_a_passing_failure_is_not_noticed(aws: AnsweringServer) -> None:
    aws.answer_in_turn(Reply(b"<html>bad gateway</html>", 502), json_reply({"Item": {"k": {"S": "1"}}}))
    client = clients.dynamodb()

    assert client.get_item(TableName="t", Key={"k": {"S": "1"}})["Item"] == {"k": {"S": "1"}}
    assert len(aws.requests) == 2
    client.close()


def test_an_answer_that_is_no_answer_of_aws_counts_as_failing(aws: AnsweringServer) -> None:
    aws.answer = lambda _: Reply(b"<html>bad gateway</html>", 502)
    client = clients.dynamodb()

    with pytest.raises(ClientError) as raised:
        client.get_item(TableName="t", Key={"k": {"S": "1"}})

    assert is_busy(raised.value)
    client.close()


def test_what_is_sent_is_validated_unless_that_is_switched_off(aws: AnsweringServer) -> None:
    key: Any = {"k": {"S": 1}}
    validating, trusting = clients.dynamodb(), clients.dynamodb(validate=False)

    with pytest.raises(ParamValidationError):
        validating.get_item(TableName="t", Key=key)
    trusting.get_item(TableName="t", Key=key)

    assert [request.json["Key"] for request in aws.requests] == [key]
    validating.close()
    trusting.close()


@pytest.mark.parametrize("make", [clients.s3, clients.dynamodb, clients.lambda_])
def test_an_attempt_has_timeouts_of_seconds(aws: AnsweringServer, make: Callable[[], Any]) -> None:
    client = make()

    assert (client.meta.config.connect_timeout, client.meta.config.read_timeout) == (1, 5)
    assert client.meta.config.retries == {"mode": "standard", "total_max_attempts": 3}
    client.close()


@pytest.mark.parametrize("service", SERVICES)
def test_services_are_described_as_botocore_has_them(service: str) -> None:
    ours, usual = clients._session(), botocore.session.get_session()
    assert isinstance(ours.get_component("data_loader"), UsedServices)
    # The session is shared, and botocore changes what it has loaded. So both loaders are new.
    our_loader, usual_loader = UsedServices(), usual.get_component("data_loader")

    for kind in ("service-2", "endpoint-rule-set-1", "paginators-1", "waiters-2"):
        if service in usual_loader.list_available_services(kind):
            assert our_loader.load_service_model(service, kind) == usual_loader.load_service_model(service, kind)
    assert ours.get_available_services() == list(SERVICES)
