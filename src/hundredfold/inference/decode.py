"""Decoding: turn each line of a batch into a record that fits the model's signature, or into a rejection."""

import json
import math
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from hundredfold.batches import Batch
from hundredfold.errors import SourceChangedError
from hundredfold.model.signature import Signature, UnfitValueError, Values
from hundredfold.records import MAX_ID_BYTES, Reason, Rejection
from hundredfold.sources.formats.json_lines import parse_integer
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.unreadable import read_unreadable

_decode_json = msgspec.json.Decoder().decode


_OUT_OF_RANGE = "out of range"
"""Part of what msgspec says of a number that no float holds."""

_LINE_END_BYTES = len(b"\r\n")


@dataclass(frozen=True, slots=True)
class Record:
    """A record that can be scored: its id, the values of the signature's fields, and its place in the source."""

    record_id: str
    values: Values
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class DecodedBatch:
    """The records of a batch, each in one of three lists, in the order of their lines.

    Attributes
    ----------
    records : those to predict; no two have one id
    duplicates : those whose id one of `records` has. One of them is predicted if that record cannot be.
    rejections : those that do not fit the signature
    """

    records: list[Record]
    duplicates: list[Record]
    rejections: list[Rejection]


def decode_batch(
    data: bytes,
    batch: Batch,
    pinned: PinnedObject,
    signature: Signature,
    *,
    max_record_bytes: int,
    converts: bool = False,
    marked: bool = False,
) -> DecodedBatch:
    """Decode every line of a batch into a record or a rejection.

    Parameters
    ----------
    data : the bytes of the batch
    pinned : the object that the batch is a range of
    max_record_bytes : the longest line, without its line end. A longer line is rejected unparsed.
    converts : whether values are converted to the signature's types, and an id that is a number to text
    marked : whether the planner wrote the lines. Only then do its marks of unreadable rows count.

    Raises
    ------
    SourceChangedError
        If `data` has another number of records than the planner counted.
    """
    decoded = DecodedBatch([], [], [])
    ids: set[str] = set()
    offset = batch.offset
    if converts:
        signature = signature.converting()
    for line, content in enumerate(data.split(b"\n"), start=batch.line):
        if content and not content.isspace():
            outcome = _decode_line(content, line, offset, signature, max_record_bytes, converts)
            if isinstance(outcome, Rejection):
                decoded.rejections.append(_as_marked(content, outcome) if marked else outcome)
            elif outcome.record_id in ids:
                decoded.duplicates.append(outcome)
            else:
                ids.add(outcome.record_id)
                decoded.records.append(outcome)
        offset += len(content) + 1
    if len(decoded.records) + len(decoded.duplicates) + len(decoded.rejections) != batch.records:
        raise SourceChangedError(str(pinned))
    return decoded


def decode_record(
    content: bytes,
    number: int,
    signature: Signature,
    *,
    max_record_bytes: int,
    converts: bool = False,
    marked: bool = False,
) -> Record | Rejection:
    """Decode a record that belongs to no batch, such as one of a stream.

    Parameters
    ----------
    number : takes the place of its line
    max_record_bytes, converts, marked : as for `decode_batch`
    """
    if converts:
        signature = signature.converting()
    outcome = _decode_line(content, number, 0, signature, max_record_bytes, converts)
    return _as_marked(content, outcome) if marked and isinstance(outcome, Rejection) else outcome


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a batch that is not blank: its number in the source, its bytes, and its id or None."""

    number: int
    content: bytes
    record_id: str | None


def read_lines(data: bytes, batch: Batch, *, converts: bool = False) -> list[Line]:
    """Read the lines of a batch with their ids, to look up the outcome of each. Nothing is rejected.

    Parameters
    ----------
    converts : as for `decode_batch`
    """
    return [
        Line(number, content, _id_of(content, converts))
        for number, content in enumerate(data.split(b"\n"), start=batch.line)
        if content and not content.isspace()
    ]


def _id_of(content: bytes, converts: bool) -> str | None:
    try:
        return _read_id(_read_object(content, max_record_bytes=len(content), nan=True), converts)
    except UnfitValueError:
        return None


def is_too_large_to_read(batch: Batch, *, max_record_bytes: int) -> bool:
    """Tell whether the only record of a batch is over the limit, whatever ends its line."""
    return batch.records == 1 and batch.length - _LINE_END_BYTES > max_record_bytes


def reject_unread(batch: Batch, *, max_record_bytes: int) -> list[Rejection]:
    """Reject the only record of a batch that is over the byte limit, without reading it."""
    return [Rejection(batch.line, batch.offset, Reason.TOO_LARGE, _too_large(batch.length, max_record_bytes))]


def _decode_line(
    content: bytes,
    line: int,
    offset: int,
    signature: Signature,
    max_record_bytes: int,
    converts: bool,
) -> Record | Rejection:
    record_id = None
    try:
        record = _read_object(content, max_record_bytes, nan=signature.has_nullable)
        record_id = _read_id(record, converts)
        return Record(record_id, signature.read(record), line, offset)
    except UnfitValueError as unfit:
        return Rejection(line, offset, unfit.reason, unfit.detail, record_id)


def _as_marked(content: bytes, rejection: Rejection) -> Rejection:
    mark = read_unreadable(content)
    if mark is None:
        return rejection
    detail, record_id = mark
    return replace(rejection, reason=Reason.UNREADABLE_ROW, detail=detail, record_id=record_id)


def _read_object(content: bytes, max_record_bytes: int, *, nan: bool = False) -> dict[str, Any]:
    """Decode a line. With `nan`, it may hold NaN, which is no JSON and which Python writes nevertheless."""
    size = len(content.removesuffix(b"\r"))
    if size > max_record_bytes:
        raise UnfitValueError(Reason.TOO_LARGE, _too_large(size, max_record_bytes))
    try:
        record: Any = _decode_json(content)
    except UnicodeDecodeError:
        raise UnfitValueError(Reason.NOT_JSON, "it is not valid UTF-8") from None
    except RecursionError:
        raise UnfitValueError(Reason.NOT_JSON, "it is nested too deeply") from None
    except msgspec.DecodeError as error:
        record = _decode_leniently(content, str(error), nan=nan)
    if type(record) is not dict:
        raise UnfitValueError(Reason.NOT_AN_OBJECT, "it is JSON, but not an object")
    return record


def _decode_leniently(content: bytes, message: str, *, nan: bool) -> Any:
    """Decode JSON with a number that no float holds, such as 1e400. The field that reads it, if any, rejects it.

    Parameters
    ----------
    message : what msgspec says of the line
    nan : whether NaN is read too
    """

    def constant(name: str) -> float:
        if nan and name == "NaN":
            return math.nan
        raise ValueError(f"{name} is no JSON")

    try:
        if _OUT_OF_RANGE not in message and not (nan and b"NaN" in content):
            raise ValueError(message)
        record = json.loads(content, parse_constant=constant, parse_int=parse_integer)
        json.dumps(record, ensure_ascii=False).encode()  # a lone surrogate is no Unicode
    except (ValueError, RecursionError):
        raise UnfitValueError(Reason.NOT_JSON, message) from None
    return record


def _read_id(record: dict[str, Any], converts: bool) -> str:
    if "id" not in record:
        raise UnfitValueError(Reason.MISSING_ID, "it has no field 'id'")
    record_id = record["id"]
    if converts and type(record_id) in {int, float}:
        record_id = json.dumps(record_id)
    if type(record_id) is not str or not record_id.strip():
        raise UnfitValueError(Reason.INVALID_ID, "its id is not a string, or a blank one")
    if len(record_id.encode()) > MAX_ID_BYTES:
        raise UnfitValueError(Reason.INVALID_ID, f"its id is longer than {MAX_ID_BYTES} bytes")
    return record_id


def _too_large(size: int, limit: int) -> str:
    return f"it has {size:,} bytes, and {limit:,} are allowed"
