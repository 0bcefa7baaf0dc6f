"""Announcing on EventBridge how ingests ended."""

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
"""Beside botocore's own. The waits between them are 1.55 s together at the longest."""


class EventBridgeNotifications:
    """Puts events onto a bus (fulfils `ports.Announcements`)."""

    def __init__(self, client: "EventBridgeClient", bus: str, sleep: Callable[[float], None] = time.sleep) -> None:
        self._client = client
        self._bus = bus
        self._sleep = sleep

    def send(self, announcement: Notification) -> str:
        why = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                self._sleep(backoff_seconds(attempt))
            why = self._put(announcement)
            if not why:
                break
        return why

    def _put(self, announcement: Notification) -> str:
        try:
            answer = self._client.put_events(
                Entries=[
                    {
                        "Source": SOURCE,
                        "DetailType": announcement.kind,
                        "Detail": announcement.detail,
                        "EventBusName": self._bus,
                    }
                ]
            )
        except (ClientError, BotoCoreError) as error:
            return error_name(error)
        return str(answer["Entries"][0].get("ErrorCode", "refused")) if answer.get("FailedEntryCount") else ""
