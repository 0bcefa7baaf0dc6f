"""What is announced of an ingest that ended: its summary, and no more than an event holds."""

import json
from dataclasses import replace
from typing import Any, cast

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from hundredfold.accounting.notification import MOST_BYTES, notification_of
from hundredfold.aws.events import ATTEMPTS, EventBridgeNotifications
from hundredfold.summary import Status, Summary

SUMMARY = Summary("i1", Status.COMPLETED, 10, 9, 1, 0, 1, 0, 2.5, "t0", "7", "s3://b/k", {"not_json": 1}, {})


def test_a_summary_is_announced_by_how_it_ended() -> None:
    completed = notification_of(SUMMARY)
    failed = notification_of(replace(SUMMARY, status=Status.FAILED, cause="why"))

    assert (completed.kind, failed.kind) == ("IngestCompleted", "IngestFailed")
    assert json.loads(completed.detail) == SUMMARY.as_dict()
    assert json.loads(failed.detail)["cause"] == "why"


def test_a_summary_that_is_too_long_goes_without_what_makes_it_so_and_says_it() -> None:
    long = replace(SUMMARY, failures={"é" * 200_000: 3}, cause="short")
    longer = replace(long, cause="é" * 200_000)

    told, told_less = (json.loads(notification_of(summary).detail) for summary in (long, longer))

    assert (told["failures"], told["cause"], told["left_out"]) == (None, "short", ["failures"])
    assert (told_less["cause"], told_less["left_out"]) == (None, ["failures", "cause"])
    for summary in (long, longer):
        assert len(notification_of(summary).detail.encode()) <= MOST_BYTES


class Bus:
    """Answers each call with the next of what it was given: an answer, or an error that it raises."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.sent: list[Any] = []

    def put_events(self, **request: Any) -> Any:
        self.sent += request["Entries"]
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


SENT = {"FailedEntryCount": 0, "Entries": [{"EventId": "e"}]}
THROTTLED = {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "ThrottlingException"}]}
DENIED = ClientError({"Error": {"Code": "AccessDeniedException", "Message": "secret"}}, "PutEvents")


@pytest.mark.parametrize("before", [[], [THROTTLED], [DENIED, EndpointConnectionError(endpoint_url="e"), THROTTLED]])
def test_an_announcement_is_sent_until_the_bus_has_it(before: list[Any]) -> None:
    bus = Bus(*before, SENT)
    waits: list[float] = []

    why_not = EventBridgeNotifications(cast("Any", bus), "default", waits.append).send(notification_of(SUMMARY))

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
def test_a_bus_that_never_takes_it_is_told_and_raises_nothing(answer: Any, code: str) -> None:
    bus = Bus(answer)

    why_not = EventBridgeNotifications(cast("Any", bus), "default", lambda _: None).send(notification_of(SUMMARY))

    assert (why_not, len(bus.sent)) == (code, ATTEMPTS)
