"""Rows that could not be read: how the planner hands them to the inference function, which rejects them.

A row with too few values, or with bytes that are no text, is a record all the same, and gets its rejection with all
others. The planner stages it as a line that is no JSON: a mark, and why. Marks count only in objects whose every line
the planner wrote itself; in anybody's own lines they are what they look like, which is no JSON.
"""

import json

from hundredfold.records import MAX_ID_BYTES

_MARK = b"!"


def unreadable_line(detail: str, record_id: object = None) -> bytes:
    """Return the line, with its end, of a row that could not be read.

    Parameters
    ----------
    detail : says for a person why; never holds anything of the row's content
    record_id : of the row, if it is one and was read
    """
    mark = {"detail": detail, "id": record_id if _can_be_id(record_id) else None}
    return _MARK + json.dumps(mark).encode() + b"\n"


def read_unreadable(line: bytes) -> tuple[str, str | None] | None:
    """Return detail and record id of such a line; None if it is any other line."""
    if not line.startswith(_MARK):
        return None
    mark = json.loads(line.removeprefix(_MARK))
    return mark["detail"], mark["id"]


def _can_be_id(value: object) -> bool:
    if not isinstance(value, str) or not value.strip():
        return False
    try:
        return len(value.encode()) <= MAX_ID_BYTES
    except UnicodeEncodeError:
        return False
