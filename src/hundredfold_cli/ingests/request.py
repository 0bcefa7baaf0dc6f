"""The records that `hundredfold ingest` scores: a file, standard input, or a source in S3 or DynamoDB."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.aws.objects import S3Upload
from hundredfold.errors import InvalidIngestError, SourceMissingError
from hundredfold.keys import upload_key
from hundredfold.layout import Layout
from hundredfold.planning.planner import NOT_WRITTEN_BACK
from hundredfold.sources.dynamodb.segments import check_table_spec
from hundredfold.sources.format_options import FORMAT_OPTIONS
from hundredfold.sources.formats import format_of
from hundredfold.sources.object_names import options_for_name, suffix_for
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec, SourceSpec, TableSpec, read_options_from_dict
from hundredfold.sources.uri import DYNAMODB, S3, parse_uri
from hundredfold_cli.stack.deployment import Deployment

STANDARD_INPUT = "-"
_CHUNK_BYTES = 1024 * 1024

type Uploaded = Callable[[int], None]
"""Called after each uploaded chunk, with its number of bytes."""


@dataclass(frozen=True, slots=True)
class SourceOptions:
    """The options of the command that say how the records are read; None or empty where one is not set."""

    kind: str | None = None
    compression: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    maps: list[str] = field(default_factory=list)
    columns: str | None = None
    prefix: bool = False
    write_back: str | None = None

    def read_options(self) -> ReadOptions:
        """Return them as the options of a source; raises InvalidIngestError if one is not valid."""
        values: dict[str, Any] = {
            "kind": self.kind,
            "compression": self.compression,
            "delimiter": "\t" if self.delimiter == "\\t" else self.delimiter,
            "encoding": self.encoding,
            "fields": _fields(self.maps),
            "columns": None if self.columns is None else _columns(self.columns),
        }
        return read_options_from_dict({name: value for name, value in values.items() if value is not None})

    def refuse(self, source: str, *names: str) -> None:
        """Raise InvalidIngestError if one of these options is set, since it does not apply to the source."""
        if name := next((name for name in names if getattr(self, name)), None):
            raise InvalidIngestError(f"--{name.replace('_', '-')} does not fit {source}")

    def check_kind(self, source: str, options: ReadOptions) -> None:
        """Raise InvalidIngestError if an option is set that the format of the source does not have."""
        format_ = format_of(options)
        unknown = (option.name for option in FORMAT_OPTIONS if option not in format_.options)
        self.refuse(f"{source}, which is {format_.name}", *unknown)


class IngestRequest(Protocol):
    """Records that are to be scored.

    Attributes
    ----------
    name : what the ingest is named after
    size : bytes to upload; None if nothing is uploaded, or the size is known only at the end
    """

    name: str

    @property
    def size(self) -> int | None: ...

    def check(self, deployment: Deployment) -> None:
        """Check that the records are there, before anything else; raises InvalidIngestError or SourceMissingError."""
        ...

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        """Upload the records if they are not in AWS yet, and return where they are.

        Parameters
        ----------
        token : of the start's claim. What is uploaded goes to a key with it, and is pinned by its ETag.
        """
        ...

    def describe(self, ingest_id: str) -> str:
        """Say what the command does with the records."""
        ...


def read_request(source: str, source_options: SourceOptions, standard_input: BinaryIO) -> IngestRequest:
    """Return the request that the command's argument and options make.

    Raises
    ------
    InvalidIngestError
        If the source is neither a readable file nor a URI, or an option does not fit it.
    """
    options = source_options.read_options()
    if source.startswith(DYNAMODB):
        format_options = (option.name for option in FORMAT_OPTIONS)
        source_options.refuse(source, "kind", "compression", *format_options, "prefix")
        spec = parse_uri(source, options)
        if isinstance(spec, TableSpec) and source_options.write_back:
            spec = replace(spec, write_back=source_options.write_back)
        return StoredSource(spec, source_options)
    source_options.refuse(source, "write_back")
    if source.startswith(S3):
        return StoredSource(parse_uri(source, options, prefix=source_options.prefix), source_options)
    source_options.refuse(source, "prefix")
    if source == STANDARD_INPUT:
        source_options.check_kind("standard input", options_for_name(options, ""))
        return StreamUpload(standard_input, options)
    file = Path(source)
    source_options.check_kind(source, options_for_name(options, file.name))
    return FileUpload(file, options)


class FileUpload:
    """A local file, which is uploaded; raises InvalidIngestError if it cannot be read."""

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
        """Do nothing: the constructor has opened the file."""

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        location = _upload_location(deployment, ingest_id, token, self._options, self.name)
        deployment.s3.upload_file(str(self._file), location.bucket, location.key, Callback=uploaded)
        # boto3 does not return the ETag of an upload. Nobody else writes to this key.
        return _pinned_spec(deployment.sources.pin(location), self._options)

    def describe(self, ingest_id: str) -> str:
        return f"uploading {self.name} ({self.size:,} bytes) as ingest {ingest_id} ..."


class StreamUpload:
    """Standard input, which is uploaded in chunks as it is read."""

    name = "stdin"
    size = None

    def __init__(self, stream: BinaryIO, options: ReadOptions) -> None:
        self._stream = stream
        self._options = options

    def check(self, deployment: Deployment) -> None:
        """Do nothing: a stream can be read only once."""

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        location = _upload_location(deployment, ingest_id, token, self._options, "")
        with S3Upload(deployment.s3, location) as upload:
            while chunk := self._stream.read(_CHUNK_BYTES):
                upload.write(chunk)
                uploaded(len(chunk))
            return _pinned_spec(upload.finish(), self._options)

    def describe(self, ingest_id: str) -> str:
        return f"uploading standard input as ingest {ingest_id} ..."


class StoredSource:
    """Objects or a table that are in AWS already."""

    size = None

    def __init__(self, spec: SourceSpec, source_options: SourceOptions) -> None:
        self._spec = spec
        self._source_options = source_options
        self.name = spec.name

    def check(self, deployment: Deployment) -> None:
        if isinstance(self._spec, TableSpec):
            if self._spec.write_back and deployment.layout is Layout.PACKED:
                raise InvalidIngestError(NOT_WRITTEN_BACK)
            self._spec = _check_table(deployment, self._spec)
            return
        first_key = _first_key(deployment, self._spec)
        self._source_options.check_kind(str(self._spec), options_for_name(self._spec.options, first_key))

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        return self._spec

    def describe(self, ingest_id: str) -> str:
        return f"starting ingest {ingest_id} of {self._spec} ..."


def _upload_location(
    deployment: Deployment, ingest_id: str, token: str, options: ReadOptions, name: str
) -> ObjectLocation:
    """Return where to upload records; the key's ending means the same format as the options and the name."""
    key = upload_key(ingest_id, token, suffix_for(options_for_name(options, name)))
    return ObjectLocation(deployment.source_bucket, key)


def _pinned_spec(pinned: PinnedObject, options: ReadOptions) -> ObjectsSpec:
    return ObjectsSpec(pinned.bucket, pinned.key, options=options, etag=pinned.etag)


def _first_key(deployment: Deployment, spec: ObjectsSpec) -> str:
    """Return the key of a source's first object; raises SourceMissingError if there is none."""
    try:
        deployment.s3.head_bucket(Bucket=spec.bucket)
    except ClientError as error:
        if error_code(error) in NOT_FOUND:
            raise SourceMissingError(str(spec), "there is no such bucket") from None
        # Without permission to look at the bucket, one may still have permission to read the object.
    if spec.key:
        return deployment.sources.pin(ObjectLocation(spec.bucket, spec.key)).key
    objects = deployment.sources.list(spec.bucket, spec.prefix)
    first_key = next((pinned.key for pinned in objects if not pinned.marks_folder), None)
    if first_key is None:
        raise SourceMissingError(str(spec), "there is no object whose key begins so")
    return first_key


def _check_table(deployment: Deployment, spec: TableSpec) -> TableSpec:
    """Check that a table fits its spec; return the spec with the partition key's value as the table's type has it."""
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
    for mapping in maps:
        name, _, column = mapping.partition("=")
        if not name or not column or name in fields:
            raise InvalidIngestError(f"--map {mapping} must be field=column, once for each field")
        fields[name] = column
    return fields or None


def _columns(columns: str) -> list[str]:
    names = columns.split(",")
    if not all(names):
        raise InvalidIngestError(f"--columns {columns} must be names of columns with commas between")
    return names
