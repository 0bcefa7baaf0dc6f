"""Notifications on EventBridge that ingests ended."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from hundredfold.accounting.notification import SOURCE
from hundredfold.aws.backoff import backoff_seconds
from hundredfold.aws.errors import error_name
from hundredfold.summary import Notification

if TYPE_CHECKING:
    from types_boto3_events import EventBridgeClient

ATTEMPTS = 6
"""Each of them includes botocore's own attempts. The pauses between them add up to 1.55 s at most."""


class EventBridgeNotifications:
    """Puts notifications onto an event bus."""

    def __init__(self, client: "EventBridgeClient", bus: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._bus = bus
        self._sleep = sleep

    def send(self, notification: Notification) -> str:
        """Send a notification, perhaps twice. Return why it was not sent after several attempts; empty if it was."""
        why_not = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(backoff_seconds(attempt))
            why_not = self._put(notification)
            if not why_not:
                break
        return why_not

    def _put(self, notification: Notification) -> str:
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": SOURCE,
                        "DetailType": notification.kind,
                        "Detail": notification.detail,
                        "EventBusName": self._bus,
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            return error_name(error)
        return str(answer["Entries"][0].get("ErrorCode", "refused")) if answer.get("FailedEntryCount") else ""
