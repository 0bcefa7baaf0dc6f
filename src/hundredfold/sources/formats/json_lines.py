"""JSON Lines: one JSON object a line."""

import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

from hundredfold.sources.columns import select_fields
from hundredfold.sources.format import Format
from hundredfold.sources.read_options import ReadOptions

_MAX_LINE_BYTES = 16 * 1024 * 1024
"""The longest line that is parsed. A longer one is over any record's limit, and is passed on unchanged."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_JSON_START = re.compile(rb"(\xef\xbb\xbf)?\s*[{\[][^\x00]")


def selected_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read lines of which only some fields are taken, or under other names; see `Reader`.

    A line that is no JSON object is passed on unchanged, and is rejected later. Lines that need no change never come
    here (see `hundredfold.sources.reading`).
    """
    del name
    line = file.readline(_MAX_LINE_BYTES).removeprefix(_BYTE_ORDER_MARK)
    while line:
        if len(line) == _MAX_LINE_BYTES and not line.endswith(b"\n"):
            yield _unchanged(line)
            while line and not line.endswith(b"\n"):
                line = file.readline(_MAX_LINE_BYTES)
                yield line
        else:
            yield _selected(line, options)
        line = file.readline(_MAX_LINE_BYTES)


def encode_record(record: dict[str, Any]) -> bytes:
    """Return the line of a record. NaN and lone surrogates, which JSON lacks, are written and rejected later."""
    try:
        return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
    except UnicodeEncodeError:
        return json.dumps(record, separators=(",", ":")).encode() + b"\n"


def parse_integer(digits: str) -> int | float:
    """Parse an integer of JSON. One with more digits than Python parses is infinite: it is out of any range."""
    try:
        return int(digits)
    except ValueError:
        return float("-inf" if digits.startswith("-") else "inf")


def is_binary(head: bytes, options: ReadOptions) -> bool:
    """Tell whether JSON cannot begin so. A first record with a null byte inside is a bad record, not a binary file."""
    del options
    return b"\0" in head and not _JSON_START.match(head)


def _selected(line: bytes, options: ReadOptions) -> bytes:
    try:
        record = json.loads(line.decode(), parse_int=parse_integer)
    except (ValueError, RecursionError):
        return _unchanged(line)
    return encode_record(select_fields(record, options)) if isinstance(record, dict) else _unchanged(line)


def _unchanged(line: bytes) -> bytes:
    """Return the line so that it never looks like a mark of the planner's (`hundredfold.sources.unreadable`)."""
    return b" " + line if line.startswith(b"!") else line


FORMAT = Format(
    name="jsonl",
    suffixes=(".jsonl", ".ndjson"),
    description="one JSON object a line; read in place unless compressed or with `fields` or `columns`",
    read=selected_lines,
    is_binary=is_binary,
    json_lines=True,
)
