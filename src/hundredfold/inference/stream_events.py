"""Stream events: read the records of Kinesis and DynamoDB Streams events that Lambda delivers."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from hundredfold.errors import InvalidIngestError
from hundredfold.inference.decode import Record, decode_record
from hundredfold.model.signature import Signature
from hundredfold.records import Reason, Rejection
from hundredfold.sources.dynamodb.items import AttributeValueError, is_item, item_line, select_members
from hundredfold.sources.dynamodb.members import as_object, read_members
from hundredfold.sources.read_options import ReadOptions

KINESIS, DYNAMODB = "aws:kinesis", "aws:dynamodb"

_decode = msgspec.json.Decoder().decode


@dataclass(frozen=True, slots=True)
class Place:
    """The place of a record in a stream.

    Attributes
    ----------
    stream : the name of the Kinesis stream, or of the table that the stream belongs to
    shard : empty for a table's stream, because Lambda does not say it
    sequence : the record's sequence number
    """

    stream: str
    shard: str
    sequence: str

    def __str__(self) -> str:
        """Return the name that predictions have in place of an ingest's id."""
        return "/".join(name for name in (self.stream, self.shard, self.sequence) if name)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record with nothing to predict: its item was deleted or, if `deleted` is false, it has no new image."""

    deleted: bool


type StreamRecord = Record | Rejection | Skipped


def source_of(event: Mapping[str, Any]) -> str:
    """Return the kind of stream that an event comes from. Raise InvalidIngestError for any other event."""
    records = event.get("Records")
    kinds = {record.get("eventSource") for record in records if isinstance(record, dict)} if records else set()
    match list(kinds):
        case ["aws:kinesis" | "aws:dynamodb" as kind]:
            return str(kind)
        case _:
            raise InvalidIngestError("the event is neither of a Kinesis stream nor of a DynamoDB table's stream")


def place_of(record: Mapping[str, Any]) -> Place:
    """Return the place of an event's record in its stream."""
    # arn:aws:kinesis:…:stream/NAME, arn:aws:dynamodb:…:table/NAME/stream/…
    stream = record["eventSourceARN"].split("/")[1]
    if record["eventSource"] == KINESIS:
        return Place(stream, record["eventID"].partition(":")[0], record["kinesis"]["sequenceNumber"])
    return Place(stream, "", record["dynamodb"]["SequenceNumber"])


def read_records(
    records: Sequence[Mapping[str, Any]], fields: Mapping[str, str], signature: Signature, *, max_record_bytes: int
) -> list[StreamRecord]:
    """Decode all records of an event. Their numbers, from 1, take the place of lines.

    Kinesis data is JSON in base64. It holds a record, the attribute values of an item, or a change of an item as
    DynamoDB puts it on a Kinesis stream.

    Parameters
    ----------
    fields : the attribute or member that a field is read from, where the names differ
    """
    options = ReadOptions(fields=fields)
    return [
        _read(record, number, options, signature, max_record_bytes) for number, record in enumerate(records, start=1)
    ]


def _read(
    record: Mapping[str, Any], number: int, options: ReadOptions, signature: Signature, max_record_bytes: int
) -> StreamRecord:
    try:
        line = _line_of_change(record, options) if record["eventSource"] == DYNAMODB else _line_of_data(record, options)
    except binascii.Error:
        return Rejection(number, 0, Reason.NOT_JSON, "its data is not base64")
    except (msgspec.DecodeError, UnicodeError):
        return Rejection(number, 0, Reason.NOT_JSON, "it has text that is not valid Unicode")
    except AttributeValueError as wrong:
        return Rejection(number, 0, Reason.WRONG_TYPE, str(wrong))
    except RecursionError:
        return Rejection(number, 0, Reason.NOT_JSON, "it is nested too deeply")
    if isinstance(line, Skipped):
        return line
    return decode_record(line.removesuffix(b"\n"), number, signature, max_record_bytes=max_record_bytes)


def _line_of_data(record: Mapping[str, Any], options: ReadOptions) -> bytes | Skipped:
    data = base64.b64decode(record["kinesis"]["data"].encode(errors="replace"), validate=True)
    try:
        members = read_members(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return data  # `decode_record` rejects it with its reason
    if members.get("dynamodb", "")[:1] == "{":
        change = _decode(data)
        if change["dynamodb"].keys() & {"Keys", "NewImage", "OldImage"}:
            return _line_of_change(change, options)
    if all(member[:1] == "{" for member in members.values()) and is_item(item := _decode(data)):
        return item_line(item, options)
    return as_object(select_members(members, options)) if options.fields else data


def _line_of_change(change: Mapping[str, Any], options: ReadOptions) -> bytes | Skipped:
    image = change["dynamodb"].get("NewImage")
    if image is None or change.get("eventName") == "REMOVE":
        return Skipped(change.get("eventName") == "REMOVE")
    if not isinstance(image, dict):
        raise AttributeValueError("its NewImage is no item of DynamoDB's")
    return item_line(image, options)
