"""What `hundredfold ingest` is given: a file, standard input, or the address of records that are somewhere already."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.aws.objects import S3Upload
from hundredfold.errors import InvalidIngestError, SourceMissingError
from hundredfold.keys import upload_key
from hundredfold.sources.dynamodb.segments import check_table_spec
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import (
    Compression,
    Kind,
    ObjectsSpec,
    ReadOptions,
    SourceSpec,
    TableSpec,
    spec_from_dict,
    suffix_of,
)
from hundredfold.sources.uri import DYNAMODB, S3, parse_uri
from hundredfold_cli.stack.deployment import Deployment

STANDARD_INPUT = "-"
_PIECE_BYTES = 1024 * 1024

type Uploaded = Callable[[int], None]
"""Called with the number of bytes of each piece that is uploaded."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """What the options say of the records; None and nothing where they say nothing."""

    kind: str | None = None
    compression: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    maps: list[str] = field(default_factory=list)
    columns: str | None = None
    prefix: bool = False
    write_back: str | None = None

    def options(self) -> ReadOptions:
        """Return it as a layout; raises InvalidIngestError if an option makes no sense."""
        known: dict[str, Any] = {
            "kind": self.kind,
            "compression": self.compression,
            "delimiter": "\t" if self.delimiter == "\\t" else self.delimiter,
            "encoding": self.encoding,
            "fields": _fields(self.maps),
            "columns": None if self.columns is None else _columns(self.columns),
        }
        somewhere = {"bucket": "any", "key": "any"}
        stated = {name: value for name, value in known.items() if value is not None}
        return spec_from_dict({**somewhere, **stated}).options

    def refuse(self, source: str, *names: str) -> None:
        """Raise InvalidIngestError if one of these options is there, which `source` has no use for."""
        if name := next((name for name in names if getattr(self, name)), None):
            raise InvalidIngestError(f"--{name.replace('_', '-')} does not fit {source}")

    def check_kind(self, source: str, kind: Kind | None) -> None:
        """Raise InvalidIngestError if an option does not fit what kind of object the source is."""
        if kind is not Kind.CSV:
            self.refuse(f"{source}, which is {kind}", "delimiter")
        if kind not in {Kind.CSV, Kind.TSV}:
            self.refuse(f"{source}, which is {kind}", "encoding")


class IngestRequest(Protocol):
    """Records that are to be scored.

    Attributes
    ----------
    name : what their ingest is named after
    size : in bytes; None if it is not known before all is read, or nothing is uploaded
    """

    name: str

    @property
    def size(self) -> int | None: ...

    def check(self, deployment: Deployment) -> None:
        """Make sure that they are there; raises InvalidIngestError or SourceMissingError. To be called first."""
        ...

    def place(self, deployment: Deployment, ingest_id: str, uploaded: Uploaded) -> SourceSpec:
        """Have them where they can be read from, and return where that is."""
        ...

    def told(self, ingest_id: str) -> str:
        """Say what is done with them."""
        ...


def read_request(source: str, stated: SourceOptions, standard: BinaryIO) -> IngestRequest:
    """Tell what the command was given.

    Parameters
    ----------
    standard : standard input

    Raises
    ------
    InvalidIngestError
        If it is no readable file and no address, or an option does not fit it.
    """
    options = stated.options()
    if source.startswith(DYNAMODB):
        stated.refuse(source, "kind", "compression", "delimiter", "encoding", "prefix")
        spec = parse_uri(source, options)
        if isinstance(spec, TableSpec) and stated.write_back:
            spec = replace(spec, write_back=stated.write_back)
        return Elsewhere(spec, stated)
    stated.refuse(source, "write_back")
    if source.startswith(S3):
        return Elsewhere(parse_uri(source, options, prefix=stated.prefix), stated)
    stated.refuse(source, "prefix")
    if source == STANDARD_INPUT:
        stated.check_kind("standard input", options.for_name("").kind)
        return Stream(standard, options)
    file = Path(source)
    stated.check_kind(source, options.for_name(file.name).kind)
    return File(file, options)


class File:
    """A file here, which is uploaded; raises InvalidIngestError if it cannot be read."""

    def __init__(self, file: Path, options: ReadOptions | None = None) -> None:
        try:
            with file.open("rb"):
                pass
        except OSError as error:
            raise InvalidIngestError(f"cannot read {file}: {error.strerror}") from None
        self._file = file
        self._options = options or ReadOptions()
        self.name = file.name

    @property
    def size(self) -> int:
        return self._file.stat().st_size

    def check(self, deployment: Deployment) -> None:
        """It was opened to begin with, before anybody was asked."""

    def place(self, deployment: Deployment, ingest_id: str, uploaded: Uploaded) -> SourceSpec:
        key = _key(ingest_id, self._options, self.name)
        deployment.s3.upload_file(str(self._file), deployment.source_bucket, key, Callback=uploaded)
        return ObjectsSpec(deployment.source_bucket, key, options=self._options)

    def told(self, ingest_id: str) -> str:
        return f"uploading {self.name} ({self.size:,} bytes) as ingest {ingest_id} ..."


class Stream:
    """Standard input, which is uploaded in parts as it is read."""

    name = "stdin"
    size = None

    def __init__(self, stream: BinaryIO, options: ReadOptions) -> None:
        self._stream = stream
        self._options = options

    def check(self, deployment: Deployment) -> None:
        """It can be read once only, so it is not."""

    def place(self, deployment: Deployment, ingest_id: str, uploaded: Uploaded) -> SourceSpec:
        key = _key(ingest_id, self._options, "")
        with S3Upload(deployment.s3, ObjectLocation(deployment.source_bucket, key)) as upload:
            while piece := self._stream.read(_PIECE_BYTES):
                upload.write(piece)
                uploaded(len(piece))
            upload.finish()
        return ObjectsSpec(deployment.source_bucket, key, options=self._options)

    def told(self, ingest_id: str) -> str:
        return f"uploading standard input as ingest {ingest_id} ..."


class Elsewhere:
    """Objects or a table that are there already."""

    size = None

    def __init__(self, spec: SourceSpec, stated: SourceOptions) -> None:
        self._spec = spec
        self._stated = stated
        self.name = spec.name

    def check(self, deployment: Deployment) -> None:
        if isinstance(self._spec, TableSpec):
            self._spec = _table(deployment, self._spec)
            return
        first = _first_key(deployment, self._spec)
        self._stated.check_kind(str(self._spec), self._spec.options.for_name(first).kind)

    def place(self, deployment: Deployment, ingest_id: str, uploaded: Uploaded) -> SourceSpec:
        return self._spec

    def told(self, ingest_id: str) -> str:
        return f"starting ingest {ingest_id} of {self._spec} ..."


def _key(ingest_id: str, options: ReadOptions, name: str) -> str:
    """Return the key that records are uploaded to, which tells their kind as `layout` and their name do."""
    found = options.for_name(name)
    return upload_key(ingest_id, suffix_of(found.kind or Kind.JSONL, found.compression or Compression.NONE))


def _first_key(deployment: Deployment, spec: ObjectsSpec) -> str:
    """Return the key of an origin's only or first object; raises SourceMissingError if there is none."""
    try:
        deployment.s3.head_bucket(Bucket=spec.bucket)
    except ClientError as error:
        if error_code(error) in NOT_FOUND:
            raise SourceMissingError(str(spec), "there is no such bucket") from None
        # Who may not ask for the bucket may be allowed to read the object all the same.
    if spec.key:
        return deployment.sources.pin(ObjectLocation(spec.bucket, spec.key)).key
    listed = deployment.sources.list(spec.bucket, spec.prefix)
    first = next((source.key for source in listed if not source.key.endswith("/")), None)
    if first is None:
        raise SourceMissingError(str(spec), "there is no object whose key begins so")
    return first


def _table(deployment: Deployment, spec: TableSpec) -> TableSpec:
    """Return a table with the value of its partition key as the table has it, text or number."""
    table = deployment.tables.describe(spec.table, spec.index)
    numbers = {name for name, type_ in table.types.items() if type_ == "N"}
    partition = {
        name: _number(spec, str(value)) if name in numbers else value for name, value in spec.partition.items()
    }
    spec = replace(spec, partition=partition)
    check_table_spec(spec, table)
    return spec


def _number(spec: TableSpec, value: str) -> int | float:
    try:
        return int(value)
    except ValueError:
        pass
    try:
        return float(value)
    except ValueError:
        raise InvalidIngestError(f"{spec}: its partition key is a number, and {value!r} is none") from None


def _fields(maps: list[str]) -> dict[str, str] | None:
    fields: dict[str, str] = {}
    for one in maps:
        name, _, column = one.partition("=")
        if not name or not column or name in fields:
            raise InvalidIngestError(f"--map {one} must be field=column, once for each field")
        fields[name] = column
    return fields or None


def _columns(columns: str) -> list[str]:
    names = columns.split(",")
    if not all(names):
        raise InvalidIngestError(f"--columns {columns} must be names of columns with commas between")
    return names
