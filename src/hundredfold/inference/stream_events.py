"""What Lambda hands over of a stream: events of Kinesis and of DynamoDB Streams, as records to be predicted."""

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
    """Where in a stream a record stands.

    Attributes
    ----------
    stream : the name of the Kinesis stream, or of the table whose stream it is
    shard : empty for a table's stream, of which Lambda does not tell it
    sequence : its sequence number
    """

    stream: str
    shard: str
    sequence: str

    def __str__(self) -> str:
        """Name it as predictions do, in place of an ingest."""
        return "/".join(part for part in (self.stream, self.shard, self.sequence) if part)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that has nothing to predict: what was deleted or, if `deleted` is false, came without its new image."""

    deleted: bool


type Read = Record | Rejection | Skipped


def source_of(event: Mapping[str, Any]) -> str:
    """Return which kind of stream an event is of; raises InvalidIngestError if it is of none."""
    records = event.get("Records")
    kinds = {record.get("eventSource") for record in records if isinstance(record, dict)} if records else set()
    match list(kinds):
        case ["aws:kinesis" | "aws:dynamodb" as kind]:
            return str(kind)
        case _:
            raise InvalidIngestError("the event is neither of a Kinesis stream nor of a DynamoDB table's stream")


def place_of(record: Mapping[str, Any]) -> Place:
    """Return where a record of an event stands in its stream."""
    # arn:aws:kinesis:…:stream/NAME, arn:aws:dynamodb:…:table/NAME/stream/…
    stream = record["eventSourceARN"].split("/")[1]
    if record["eventSource"] == KINESIS:
        return Place(stream, record["eventID"].partition(":")[0], record["kinesis"]["sequenceNumber"])
    return Place(stream, "", record["dynamodb"]["SequenceNumber"])


def read_records(
    records: Sequence[Mapping[str, Any]], fields: Mapping[str, str], signature: Signature, *, max_record_bytes: int
) -> list[Read]:
    """Read all records of an event, as `decoding` reads lines; their numbers, from 1, stand for lines.

    Kinesis data is JSON in base64: a record, an item's attribute values, or a change of an item as DynamoDB puts it on
    a Kinesis stream.

    Parameters
    ----------
    fields : the attribute (or member) that each field is taken from, where the two have different names
    """
    options = ReadOptions(fields=fields)
    return [
        _read(record, number, options, signature, max_record_bytes) for number, record in enumerate(records, start=1)
    ]


def _read(
    record: Mapping[str, Any], number: int, options: ReadOptions, signature: Signature, max_record_bytes: int
) -> Read:
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
        return data  # whose reason the decoder of records tells
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
