"""Decoding: turn each line of a batch into a record that fits the model's signature, or into a rejection."""

import json
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from hundredfold.batches import Batch
from hundredfold.errors import SourceChangedError
from hundredfold.model.signature import Signature, UnfitValueError
from hundredfold.records import MAX_ID_BYTES, Reason, Rejection
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.unreadable import read_unreadable

_decode_json = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Record:
    """A record that can be scored: its id, the values of the signature's fields, and its place in the source."""

    record_id: str
    values: tuple[str | float, ...]
    line: int
    offset: int


def decode_batch(
    data: bytes,
    batch: Batch,
    pinned: PinnedObject,
    signature: Signature,
    *,
    max_record_bytes: int,
    converts: bool = False,
    marked: bool = False,
) -> tuple[list[Record], list[Rejection]]:
    """Decode every line of a batch into a record or a rejection. Each record of the batch is in one of the two lists.

    An id is scored once in a batch: by the first record with it that can be scored.

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
    records: list[Record] = []
    rejections: list[Rejection] = []
    scored_ids: set[str] = set()
    offset = batch.offset
    if converts:
        signature = signature.converting()
    for line, content in enumerate(data.split(b"\n"), start=batch.line):
        if content and not content.isspace():
            outcome = _decode_line(content, line, offset, scored_ids, signature, max_record_bytes, converts)
            if marked and isinstance(outcome, Rejection):
                outcome = _as_marked(content, outcome)
            if isinstance(outcome, Record):
                scored_ids.add(outcome.record_id)
                records.append(outcome)
            else:
                rejections.append(outcome)
        offset += len(content) + 1
    if len(records) + len(rejections) != batch.records:
        raise SourceChangedError(str(pinned))
    return records, rejections


def decode_record(content: bytes, number: int, signature: Signature, *, max_record_bytes: int) -> Record | Rejection:
    """Decode a record that belongs to no batch, such as one of a stream. `number` takes the place of its line."""
    return _decode_line(content, number, 0, set(), signature, max_record_bytes, converts=False)


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
        return _read_id(_read_object(content, max_record_bytes=len(content)), converts)
    except UnfitValueError:
        return None


def reject_unread(batch: Batch, *, max_record_bytes: int) -> list[Rejection]:
    """Reject the only record of a batch that is over the byte limit, without reading it."""
    return [Rejection(batch.line, batch.offset, Reason.TOO_LARGE, _too_large(batch.length, max_record_bytes))]


def _decode_line(
    content: bytes,
    line: int,
    offset: int,
    scored_ids: set[str],
    signature: Signature,
    max_record_bytes: int,
    converts: bool,
) -> Record | Rejection:
    record_id = None
    try:
        record = _read_object(content, max_record_bytes)
        record_id = _read_id(record, converts)
        if record_id in scored_ids:
            raise UnfitValueError(Reason.DUPLICATE_ID, "its id stands twice in this batch")
        return Record(record_id, signature.read(record), line, offset)
    except UnfitValueError as unfit:
        return Rejection(line, offset, unfit.reason, unfit.detail, record_id)


def _as_marked(content: bytes, rejection: Rejection) -> Rejection:
    mark = read_unreadable(content)
    if mark is None:
        return rejection
    detail, record_id = mark
    return replace(rejection, reason=Reason.UNREADABLE_ROW, detail=detail, record_id=record_id)


def _read_object(content: bytes, max_record_bytes: int) -> dict[str, Any]:
    if len(content) > max_record_bytes:
        raise UnfitValueError(Reason.TOO_LARGE, _too_large(len(content), max_record_bytes))
    try:
        record: Any = _decode_json(content)
    except UnicodeDecodeError:
        raise UnfitValueError(Reason.NOT_JSON, "it is not valid UTF-8") from None
    except RecursionError:
        raise UnfitValueError(Reason.NOT_JSON, "it is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise UnfitValueError(Reason.NOT_JSON, str(error)) from None
    if type(record) is not dict:
        raise UnfitValueError(Reason.NOT_AN_OBJECT, "it is JSON, but not an object")
    return record


def _read_id(record: dict[str, Any], converts: bool) -> str:
    if "id" not in record:
        raise UnfitValueError(Reason.MISSING_ID, "it has no field 'id'")
    record_id = record["id"]
    if converts and type(record_id) in {int, float}:
        record_id = json.dumps(record_id)
    if type(record_id) is not str or not record_id.strip():
        raise UnfitValueError(Reason.INVALID_ID, "its id is not a string, or an empty one")
    if len(record_id.encode()) > MAX_ID_BYTES:
        raise UnfitValueError(Reason.INVALID_ID, f"its id is longer than {MAX_ID_BYTES} bytes")
    return record_id


def _too_large(size: int, limit: int) -> str:
    return f"it has {size:,} bytes, and {limit:,} are allowed"
