"""URIs of sources: `s3://bucket/key`, `s3://bucket/prefix/`, `dynamodb://table/index?attribute=value`."""

import json
from dataclasses import replace
from urllib.parse import unquote

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec, SourceSpec, TableSpec, spec_from_dict

S3, DYNAMODB = "s3://", "dynamodb://"


def parse_uri(uri: str, options: ReadOptions | None = None, *, prefix: bool = False) -> SourceSpec:
    """Parse a URI.

    Parameters
    ----------
    options : how the records are read; if None, the objects' names decide
    prefix : treat `s3://bucket/key` as a prefix, as if it ended in a slash

    Raises
    ------
    InvalidIngestError
        If it is neither kind of URI; the message shows the right form.
    """
    if uri.startswith(S3):
        bucket, _, key = uri.removeprefix(S3).partition("/")
        if not bucket:
            raise InvalidIngestError(f"{uri} names no bucket: write s3://bucket/key, or s3://bucket/prefix/")
        if prefix or not key or key.endswith("/"):
            return ObjectsSpec(bucket, prefix=key, options=options or ReadOptions())
        return ObjectsSpec(bucket, key, options=options or ReadOptions())
    if uri.startswith(DYNAMODB):
        return replace(_parse_table_uri(uri), options=options or ReadOptions())
    raise InvalidIngestError(
        f"{uri} is no URI of a source: write s3://bucket/key, s3://bucket/prefix/ or dynamodb://table"
    )


def parse_source(text: str) -> SourceSpec:
    """Parse a URI, or a `source` in JSON, which can hold options too; raises InvalidIngestError."""
    if not text.lstrip().startswith("{"):
        return parse_uri(text.strip())
    try:
        source = json.loads(text)
    except ValueError:
        raise InvalidIngestError(f"a source must be a URI or a JSON object, not {text[:100]!r}") from None
    return spec_from_dict(source)


def _parse_table_uri(uri: str) -> TableSpec:
    path, question_mark, query = uri.removeprefix(DYNAMODB).partition("?")
    table, *index = path.split("/")
    attribute, _, value = query.partition("=")
    is_valid_query = not question_mark or (attribute and value and "&" not in query)
    if not table or len(index) > 1 or index == [""] or not is_valid_query:
        raise InvalidIngestError(
            f"{uri} is no URI of a table: write dynamodb://table, dynamodb://table/index, "
            "or either with ?attribute=value for the items of one partition key"
        )
    return TableSpec(table, "".join(index), {unquote(attribute): unquote(value)} if question_mark else {})
