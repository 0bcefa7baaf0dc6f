"""Where records are, as a person writes it: `s3://bucket/key`, `s3://bucket/prefix/`, `dynamodb://table/index?key=value`."""

import json
from dataclasses import replace
from urllib.parse import unquote

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.spec import ObjectsSpec, ReadOptions, SourceSpec, TableSpec, spec_from_dict

S3, DYNAMODB = "s3://", "dynamodb://"


def parse_uri(address: str, options: ReadOptions | None = None, *, prefix: bool = False) -> SourceSpec:
    """Read an address.

    Parameters
    ----------
    layout : how the records there are read; by the objects' names if None
    prefix : take `s3://bucket/key` for a prefix, as if it ended in a slash

    Raises
    ------
    InvalidIngestError
        If it is no address of either kind; the message shows the right one.
    """
    if address.startswith(S3):
        bucket, _, key = address.removeprefix(S3).partition("/")
        if not bucket:
            raise InvalidIngestError(f"{address} names no bucket: write s3://bucket/key, or s3://bucket/prefix/")
        if prefix or not key or key.endswith("/"):
            return ObjectsSpec(bucket, prefix=key, options=options or ReadOptions())
        return ObjectsSpec(bucket, key, options=options or ReadOptions())
    if address.startswith(DYNAMODB):
        return replace(_table_at(address), options=options or ReadOptions())
    raise InvalidIngestError(f"{address} is no address: write s3://bucket/key, s3://bucket/prefix/ or dynamodb://table")


def parse_source(text: str) -> SourceSpec:
    """Read an address, or a `source` as JSON: an address with more to it; raises InvalidIngestError."""
    if not text.lstrip().startswith("{"):
        return parse_uri(text.strip())
    try:
        source = json.loads(text)
    except ValueError:
        raise InvalidIngestError(f"a source must be an address or a JSON object, not {text[:100]!r}") from None
    return spec_from_dict(source)


def _table_at(address: str) -> TableSpec:
    where, asked, partition = address.removeprefix(DYNAMODB).partition("?")
    table, *index = where.split("/")
    attribute, equals, value = partition.partition("=")
    complete = not asked or (attribute and equals and value and "&" not in partition)
    if not table or len(index) > 1 or index == [""] or not complete:
        raise InvalidIngestError(
            f"{address} is no address of a table: write dynamodb://table, dynamodb://table/index, "
            "or either with ?attribute=value for the items of one partition key"
        )
    return TableSpec(table, "".join(index), {unquote(attribute): unquote(value)} if asked else {})
