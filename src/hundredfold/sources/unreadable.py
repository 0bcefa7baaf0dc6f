"""Rows that cannot be read: the planner marks them, and the inference function rejects them.

A row may have too few values, or bytes that are not text. It is a record all the same, and gets a rejection like any
other. So the planner stages it as a mark: a line that is no JSON, with the reason. Marks count only in objects whose
every line the planner wrote. In a user's own lines they are nothing but lines that are no JSON.
"""

import json

from hundredfold.records import MAX_ID_BYTES

_MARK = b"!"


def unreadable_line(detail: str, record_id: object = None) -> bytes:
    """Return the line, with its end, that marks a row that cannot be read.

    Parameters
    ----------
    detail : the reason, for a person; it never holds content of the row
    record_id : the row's id as it was read, if it was
    """
    mark = {"detail": detail, "id": record_id if _can_be_id(record_id) else None}
    return _MARK + json.dumps(mark).encode() + b"\n"


def read_unreadable(line: bytes) -> tuple[str, str | None] | None:
    """Return the detail and the record id of a marked row; None if the line is no mark."""
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
