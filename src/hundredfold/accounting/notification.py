"""The notification that an ingest ended: an event with its summary."""

import json
from collections.abc import Mapping
from typing import Any, Final

from hundredfold.summary import COMPLETED, CORRECTED, FAILED, Notification, Reported, Status, Summary

SOURCE: Final = "hundredfold"
MOST_BYTES = 256 * 1024 - 1024
"""Limit of an event's detail. EventBridge takes 256 KB for a whole event; the rest of it stays under 1 KB."""

_CORRECTED = ("status", "records", "predicted", "rejected", "failed", "batches_failed", "reasons", "model_version")
"""The fields of a summary whose change is a correction. A further execution always changes seconds and cost."""


def notification_of(summary: Summary, reported: Reported | None = None) -> Notification | None:
    """Return the notification that an ingest ended. Return None if nothing has changed since the last one.

    An ingest is announced as completed once. If a resume changes it afterwards, that is a correction: its detail has
    the new summary and `before`, the figures that it replaces.

    If the summary is too long for an event, its failures are left out, and then its cause. `left_out` names what is
    missing; the ledger has it.
    """
    kind = COMPLETED if summary.status is Status.COMPLETED else FAILED
    detail: Mapping[str, Any] = summary.as_dict()
    if reported and reported.completed:
        before = {name: getattr(reported, name) for name in _CORRECTED}
        if before == {name: detail[name] for name in _CORRECTED}:
            return None
        kind, detail = CORRECTED, {**detail, "before": before}
    left_out: list[str] = []
    for name in ("failures", "cause"):
        if len(_encoded(detail)) <= MOST_BYTES:
            break
        left_out.append(name)
        detail = {**detail, name: None, "left_out": left_out}
    return Notification(summary.ingest_id, kind, _encoded(detail).decode())


def _encoded(detail: Mapping[str, Any]) -> bytes:
    return json.dumps(detail, ensure_ascii=False, default=str).encode()
