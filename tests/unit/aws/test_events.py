"""Notifications on EventBridge: sent until the bus has them, within six attempts."""

import json
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hundredfold.aws.events import ATTEMPTS, EventBridgeNotifications
from hundredfold.summary import Notification, Status, Summary

SUMMARY = Summary("i1", Status.COMPLETED, 3, 2, 1, 0, 1, 0, 1.5, "t0", "7", "s3://b/k", {"not_json": 1}, {})


class Bus:
    """Answers each call with the next of `answers`, or raises it if it is an error."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.sent: list[Any] = []

    def put_events(self, **request: Any) -> Any:
        self.sent += request["Entries"]
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


NOTIFICATION = Notification("i1", "IngestCompleted", json.dumps(SUMMARY.as_dict(), default=str))
SENT = {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}
THROTTLED = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "secret"}}, "PutEvents")


@pytest.mark.parametrize("before", [[], [THROTTLED], [DENIED, EndpointConnectionError(endpoint_url="e"), THROTTLED]])
def test_a_notification_is_sent_until_the_bus_has_it(before: list[Any]) -> None:
    bus = Bus(*before, SENT)
    waits: list[float] = []

    why_not = EventBridgeNotifications(cast("Any", bus), "default", waits.append).send(NOTIFICATION)

    assert why_not == ""
    assert len(bus.sent) == len(before) + 1
    assert len(waits) == len(before)
    assert bus.sent[0] == {
        "Source": "hundredfold",
        "DetailType": "IngestCompleted",
        "Detail": json.dumps(SUMMARY.as_dict(), default=str),
        "EventBusName": "default",
    }


@pytest.mark.parametrize(("answer", "code"), [(THROTTLED, "ThrottlingException"), (DENIED, "AccessDeniedException")])
def test_why_the_bus_never_took_it_is_returned_and_not_raised(answer: Any, code: str) -> None:
    bus = Bus(answer)

    why_not = EventBridgeNotifications(cast("Any", bus), "default", lambda _: None).send(NOTIFICATION)

    assert (why_not, len(bus.sent)) == (code, ATTEMPTS)
