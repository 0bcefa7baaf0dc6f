"""JSON Lines of which some fields are taken under other names, or not all."""

import json
from collections.abc import Iterator
from typing import Any, BinaryIO

from hundredfold.sources.formats.columns import rename
from hundredfold.sources.spec import ReadOptions

_MOST_LINE_BYTES = 16 * 1024 * 1024
"""The longest line that is understood; longer ones are over any record's limit, and are handed on as they are."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def renamed_lines(file: BinaryIO, options: ReadOptions) -> Iterator[bytes]:
    """Read lines, each as one line; see `read_as_lines`. One that is no JSON object stays as it is, to be rejected."""
    line = file.readline(_MOST_LINE_BYTES).removeprefix(_BYTE_ORDER_MARK)
    while line:
        if len(line) == _MOST_LINE_BYTES and not line.endswith(b"\n"):
            yield _as_it_is(line)
            while line and not line.endswith(b"\n"):
                line = file.readline(_MOST_LINE_BYTES)
                yield line
        else:
            yield _renamed(line, options)
        line = file.readline(_MOST_LINE_BYTES)


def encode_record(record: dict[str, Any]) -> bytes:
    """Return the line of a record. What JSON has not (NaN, lone surrogates) is written too, and rejected later."""
    try:
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def integer(digits: str) -> int | float:
    """Read an integer of JSON; one that Python does not read for its length is out of any range."""
    try:
        return int(digits)
    except ValueError:
        return float("-inf" if digits.startswith("-") else "inf")


def _renamed(line: bytes, options: ReadOptions) -> bytes:
    try:
        record = json.loads(line.decode(), parse_int=integer)
    except (ValueError, RecursionError):
        return _as_it_is(line)
    return encode_record(rename(record, options)) if isinstance(record, dict) else _as_it_is(line)


def _as_it_is(line: bytes) -> bytes:
    """Return the line, but so that it is never taken for one that the planner made (`hundredfold.unreadable`)."""
    return b" " + line if line.startswith(b"!") else line
