"""The judge: which records can be scored, and for which reason each of the others is rejected.

It reads records by `json`, without the decoder of the inference function.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hundredfold.model.signature import Signature, UnfitValueError, Values
from hundredfold.records import MAX_ID_BYTES, Reason
from hundredfold_cli.ingests.verification.pinned_lines import PinnedLine

UNFORESEEABLE = frozenset({Reason.NOT_PREDICTABLE.value, Reason.NOT_STORABLE.value})
"""Reasons that only the model's answer shows."""
_OF_FIELDS = frozenset({Reason.MISSING_FIELD.value, Reason.WRONG_TYPE.value, Reason.EMPTY_TEXT.value})
_OF_DEPTH = frozenset({Reason.NOT_JSON.value})
_OF_SIZE = frozenset({Reason.TOO_LARGE.value})
_NONE: frozenset[str] = frozenset()

_MARK = b"!"
_SURE_DEPTH = 500
"""JSON that may be deeper than this is judged leniently: parsers give up at different depths."""


@dataclass(frozen=True, slots=True)
class ParsedLine:
    """A line as a record.

    Attributes
    ----------
    record : None if it is none
    record_id : None if it has none that is valid
    reason : why it is rejected, whatever the model; None if the model decides
    has_nan : whether it holds NaN. That is JSON only for a model that reads missing values.
    """

    line: PinnedLine
    record: Mapping[str, Any] | None
    record_id: str | None
    reason: Reason | None
    has_nan: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What becomes of a record.

    Attributes
    ----------
    reason : why it is rejected; None if it can be scored
    values : of the signature's fields, if it can be scored
    may_be : other reasons for which it may have been rejected. They depend on what is not known here.
    """

    line: PinnedLine
    record_id: str | None
    reason: str | None
    values: Values = ()
    may_be: frozenset[str] = _NONE


def parse_line(line: PinnedLine, *, converts: bool, marked: bool) -> ParsedLine:
    """Read a line as a record.

    Parameters
    ----------
    converts : whether an id may be a number, as for formats without JSON's types
    marked : whether the planner marked rows that cannot be read
    """
    if marked and line.content.startswith(_MARK):
        return ParsedLine(line, None, _marked_id(line.content), Reason.UNREADABLE_ROW)
    record, has_nan = None, False
    try:
        record, has_nan = _parse(line.content)
        return ParsedLine(line, record, _read_id(record, converts=converts), None, has_nan)
    except UnfitValueError as unfit:
        return ParsedLine(line, record, None, unfit.reason, has_nan)


def judge(parsed: ParsedLine, signature: Signature | None, max_record_bytes: int | None) -> Judgement:
    """Judge a record by itself. Which of several with one id is scored, is for the caller to say.

    Parameters
    ----------
    signature : of the model; None if it is not known
    max_record_bytes : the longest record; None if it is not known
    """
    line, reason = parsed.line, parsed.reason
    if reason is Reason.UNREADABLE_ROW:
        return Judgement(line, parsed.record_id, reason.value)
    if max_record_bytes is not None and line.size > max_record_bytes:
        return Judgement(line, None, Reason.TOO_LARGE.value)
    may_be = _OF_SIZE if max_record_bytes is None else _NONE
    if parsed.has_nan and signature and not signature.has_nullable:
        return Judgement(line, None, Reason.NOT_JSON.value, (), may_be)
    if parsed.has_nan and not signature:
        may_be |= {Reason.NOT_JSON.value}
    if line.content.count(b"[") + line.content.count(b"{") >= _SURE_DEPTH:
        may_be |= _OF_DEPTH
    if reason is None and signature is None:
        return Judgement(line, parsed.record_id, None, (), may_be | _OF_FIELDS)
    try:
        values = signature.read(parsed.record) if signature and parsed.record is not None and reason is None else ()
    except UnfitValueError as unfit:
        return Judgement(line, parsed.record_id, unfit.reason.value, (), may_be)
    return Judgement(line, parsed.record_id, reason.value if reason else None, values, may_be)


def is_valid_id(value: object) -> bool:
    """Tell whether a value can identify a record: a text that is not blank, of at most MAX_ID_BYTES in UTF-8."""
    return isinstance(value, str) and bool(value.strip()) and len(value.encode(errors="replace")) <= MAX_ID_BYTES


def _parse(content: bytes) -> tuple[dict[str, Any], bool]:
    """Return a record, and whether it holds NaN."""
    constants: list[str] = []
    try:
        record = json.loads(
            content.decode(), parse_int=_integer, parse_constant=lambda name: _constant(name, constants)
        )
        if b"\\u" in content:
            json.dumps(record, ensure_ascii=False).encode()  # raises if there is a lone surrogate
    except (ValueError, RecursionError):
        raise UnfitValueError(Reason.NOT_JSON, "") from None
    if not isinstance(record, dict):
        raise UnfitValueError(Reason.NOT_AN_OBJECT, "")
    return record, bool(constants)


def _read_id(record: Mapping[str, Any], *, converts: bool) -> str:
    if "id" not in record:
        raise UnfitValueError(Reason.MISSING_ID, "")
    record_id = record["id"]
    if converts and isinstance(record_id, int | float) and not isinstance(record_id, bool):
        record_id = json.dumps(record_id)
    if not is_valid_id(record_id):
        raise UnfitValueError(Reason.INVALID_ID, "")
    return str(record_id)


def _marked_id(content: bytes) -> str | None:
    try:
        record_id = json.loads(content.removeprefix(_MARK))["id"]
    except (ValueError, LookupError, TypeError):
        return None
    return record_id if is_valid_id(record_id) else None


def _integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # more digits than Python reads
        return -math.inf if digits.startswith("-") else math.inf


def _constant(name: str, read: list[str]) -> float:
    if name != "NaN":
        raise ValueError(f"{name} is no JSON")
    read.append(name)
    return math.nan
