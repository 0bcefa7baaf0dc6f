"""The records that `hundredfold ingest` scores: a file, a folder, standard input, or a source in S3 or DynamoDB."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.aws.objects import S3Upload
from hundredfold.errors import InvalidIngestError, SourceMissingError
from hundredfold.keys import upload_key, upload_prefix
from hundredfold.layout import Layout
from hundredfold.planning.planner import NOT_WRITTEN_BACK
from hundredfold.sources.dynamodb.segments import Segment, check_table_spec
from hundredfold.sources.format_options import FORMAT_OPTIONS
from hundredfold.sources.formats import format_of
from hundredfold.sources.object_names import suffix_for
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions
from hundredfold.sources.spec import ObjectsSpec, SourceSpec, TableSpec, read_options_from_dict
from hundredfold.sources.uri import DYNAMODB, S3, parse_uri
from hundredfold_cli.ingests.folder import files_of
from hundredfold_cli.ingests.preview.detection import HEAD_BYTES, Detection, detect
from hundredfold_cli.ingests.preview.first_records import FirstRecords, read_file, read_items
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

    @property
    def fixed(self) -> tuple[str, ...]:
        """The names of the options that are set."""
        return tuple(name for name in ("kind", "compression", "delimiter", "encoding") if getattr(self, name))

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
    found : the options of the command that say what the content has shown, and neither an option nor the name
    options : how the records are read, with what the content has shown; complete once it was checked
    size : bytes to upload; None if nothing is uploaded, or the size is known only at the end
    """

    name: str

    @property
    def found(self) -> tuple[str, ...]: ...

    @property
    def options(self) -> ReadOptions: ...

    @property
    def size(self) -> int | None: ...

    def check(self, deployment: Deployment) -> None:
        """Check that the records are there, before anything else; raises InvalidIngestError or SourceMissingError."""
        ...

    def first_records(self, deployment: Deployment) -> FirstRecords | None:
        """Read the first records, once they are checked; None if they cannot be seen before they are uploaded."""
        ...

    def map_fields(self, fields: Mapping[str, str]) -> None:
        """Take fields from these columns, beside those that the options name."""
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
        if isinstance(spec, TableSpec):
            return StoredTable(replace(spec, write_back=source_options.write_back or ""))
    source_options.refuse(source, "write_back")
    if source.startswith(S3):
        spec = parse_uri(source, options, prefix=source_options.prefix)
        if isinstance(spec, ObjectsSpec):
            return StoredObjects(spec, source_options)
    source_options.refuse(source, "prefix")
    if source == STANDARD_INPUT:
        return StreamUpload(standard_input, source_options)
    path = Path(source)
    return FolderUpload(path, source_options) if path.is_dir() else FileUpload(path, source_options)


class _Detected:
    """What the content of a source has shown, and the options to read it by.

    Parameters
    ----------
    options : those of the command, until the content was looked at
    """

    def __init__(self, source_options: SourceOptions) -> None:
        self._source_options = source_options
        self._detection = Detection(source_options.read_options(), ReadOptions())

    @property
    def found(self) -> tuple[str, ...]:
        return self._detection.found

    @property
    def options(self) -> ReadOptions:
        return self._detection.known

    @property
    def _spec_options(self) -> ReadOptions:
        """The options of the source: those that are set, and what was found. The rest is in the object's name."""
        return self._detection.options

    def _detect(self, head: bytes, name: str, source: str) -> None:
        self._detection = detect(head, self._detection.options, name, fixed=self._source_options.fixed)
        self._source_options.check_kind(source, self.options)

    def map_fields(self, fields: Mapping[str, str]) -> None:
        def mapped(options: ReadOptions) -> ReadOptions:
            return replace(options, fields={**options.fields, **fields})

        self._detection = replace(
            self._detection, options=mapped(self._detection.options), known=mapped(self._detection.known)
        )


class FileUpload(_Detected):
    """A local file, which is uploaded; raises InvalidIngestError if it cannot be read."""

    def __init__(self, file: Path, source_options: SourceOptions | None = None) -> None:
        super().__init__(source_options or SourceOptions())
        self._detect(_head_of(file), file.name, str(file))
        self._file = file
        self.name = file.name

    @property
    def size(self) -> int:
        return self._file.stat().st_size

    def check(self, deployment: Deployment) -> None:
        """Do nothing: the constructor has opened the file."""

    def first_records(self, deployment: Deployment) -> FirstRecords:
        return read_file(lambda: self._file.open("rb"), self.options, self.name)

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        location = _upload_location(deployment, ingest_id, token, self.options)
        deployment.s3.upload_file(str(self._file), location.bucket, location.key, Callback=uploaded)
        # boto3 does not return the ETag of an upload. Nobody else writes to this key.
        return _pinned_spec(deployment.sources.pin(location), self._spec_options)

    def describe(self, ingest_id: str) -> str:
        return f"uploading {self.name} ({self.size:,} bytes) as ingest {ingest_id} ..."


class FolderUpload(_Detected):
    """The files of a local folder, which are uploaded under one prefix; raises InvalidIngestError if there is none."""

    def __init__(self, folder: Path, source_options: SourceOptions | None = None) -> None:
        super().__init__(source_options or SourceOptions())
        self._folder = folder
        self._files = files_of(folder, self._detection.options)
        self._detect(_head_of(self._files[0]), self._files[0].name, str(folder))
        self.name = folder.resolve().name

    @property
    def size(self) -> int:
        return sum(file.stat().st_size for file in self._files)

    def check(self, deployment: Deployment) -> None:
        """Do nothing: the constructor has looked at the files."""

    def first_records(self, deployment: Deployment) -> FirstRecords:
        return read_file(lambda: self._files[0].open("rb"), self.options, str(self._files[0]))

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        prefix = upload_prefix(ingest_id, token)
        for file in self._files:
            key = prefix + file.relative_to(self._folder).as_posix()
            deployment.s3.upload_file(str(file), deployment.source_bucket, key, Callback=uploaded)
        return ObjectsSpec(deployment.source_bucket, prefix=prefix, options=self._spec_options)

    def describe(self, ingest_id: str) -> str:
        files = "1 file" if len(self._files) == 1 else f"{len(self._files):,} files"
        return f"uploading {files} of {self._folder} ({self.size:,} bytes) as ingest {ingest_id} ..."


class StreamUpload(_Detected):
    """Standard input, which is uploaded in chunks as it is read."""

    name = "stdin"
    size = None

    def __init__(self, stream: BinaryIO, source_options: SourceOptions | None = None) -> None:
        super().__init__(source_options or SourceOptions())
        self._stream = stream
        self._head = b""

    def check(self, deployment: Deployment) -> None:
        """Read the first bytes, and look what they are. The rest is read when it is uploaded."""
        self._head = self._stream.read(HEAD_BYTES)
        self._detect(self._head, "", "standard input")

    def first_records(self, deployment: Deployment) -> FirstRecords | None:
        if len(self._head) < HEAD_BYTES:
            return read_file(lambda: io.BytesIO(self._head), self.options, "standard input")
        if self.options.compression != NOT_COMPRESSED or format_of(self.options).magic:
            return None  # the first bytes of such a file cannot be read alone
        lines = self._head[: self._head.rfind(b"\n") + 1]
        try:
            return read_file(lambda: io.BytesIO(lines), self.options, "standard input")
        except InvalidIngestError:
            return None  # the first bytes end within a record

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        location = _upload_location(deployment, ingest_id, token, self.options)
        with S3Upload(deployment.s3, location) as upload:
            chunk = self._head or self._stream.read(_CHUNK_BYTES)
            while chunk:
                upload.write(chunk)
                uploaded(len(chunk))
                chunk = self._stream.read(_CHUNK_BYTES)
            return _pinned_spec(upload.finish(), self._spec_options)

    def describe(self, ingest_id: str) -> str:
        return f"uploading standard input as ingest {ingest_id} ..."


class StoredObjects(_Detected):
    """Objects that are in S3 already: one, or all under a prefix."""

    size = None

    def __init__(self, spec: ObjectsSpec, source_options: SourceOptions) -> None:
        super().__init__(source_options)
        self._spec = spec
        self._first: PinnedObject | None = None
        self.name = spec.name

    def check(self, deployment: Deployment) -> None:
        self._first = _first_object(deployment, self._spec)
        head = deployment.sources.read(self._first, 0, min(self._first.size, HEAD_BYTES)) if self._first.size else b""
        self._detect(head, self._first.key, str(self._spec))

    def first_records(self, deployment: Deployment) -> FirstRecords | None:
        first = self._first
        if first is None or not first.size:
            return None
        return read_file(lambda: deployment.sources.open(first), self.options, str(first))

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        return replace(self._spec, options=self._spec_options)

    def describe(self, ingest_id: str) -> str:
        return f"starting ingest {ingest_id} of {self._spec} ..."


class StoredTable:
    """A DynamoDB table, an index of one, or the items of one partition key."""

    size = None
    found: tuple[str, ...] = ()

    def __init__(self, spec: TableSpec) -> None:
        self._spec = spec
        self.name = spec.name

    @property
    def options(self) -> ReadOptions:
        return self._spec.options

    def check(self, deployment: Deployment) -> None:
        if self._spec.write_back and deployment.layout is Layout.PACKED:
            raise InvalidIngestError(NOT_WRITTEN_BACK)
        self._spec = _check_table(deployment, self._spec)

    def first_records(self, deployment: Deployment) -> FirstRecords:
        # All attributes are read, to see which there are.
        whole = replace(self._spec, options=ReadOptions())
        segment = Segment(0, 1, whole, deployment.tables.describe(whole.table, whole.index))
        return read_items(deployment.tables.read(segment), self._spec.options, self._spec.write_back)

    def map_fields(self, fields: Mapping[str, str]) -> None:
        options = self._spec.options
        self._spec = replace(self._spec, options=replace(options, fields={**options.fields, **fields}))

    def place(self, deployment: Deployment, ingest_id: str, token: str, uploaded: Uploaded) -> SourceSpec:
        return self._spec

    def describe(self, ingest_id: str) -> str:
        return f"starting ingest {ingest_id} of {self._spec} ..."


def _head_of(file: Path) -> bytes:
    try:
        with file.open("rb") as content:
            return content.read(HEAD_BYTES)
    except OSError as error:
        raise InvalidIngestError(f"cannot read {file}: {error.strerror}") from None


def _upload_location(deployment: Deployment, ingest_id: str, token: str, options: ReadOptions) -> ObjectLocation:
    """Return where to upload records; the key's ending means the same format as the options."""
    return ObjectLocation(deployment.source_bucket, upload_key(ingest_id, token, suffix_for(options)))


def _pinned_spec(pinned: PinnedObject, options: ReadOptions) -> ObjectsSpec:
    return ObjectsSpec(pinned.bucket, pinned.key, options=options, etag=pinned.etag)


def _first_object(deployment: Deployment, spec: ObjectsSpec) -> PinnedObject:
    """Return a source's first object; raises SourceMissingError if there is none."""
    try:
        deployment.s3.head_bucket(Bucket=spec.bucket)
    except ClientError as error:
        if error_code(error) in NOT_FOUND:
            raise SourceMissingError(str(spec), "there is no such bucket") from None
        # Without permission to look at the bucket, one may still have permission to read the object.
    if spec.key:
        return deployment.sources.pin(ObjectLocation(spec.bucket, spec.key))
    objects = deployment.sources.list(spec.bucket, spec.prefix)
    first = next((pinned for pinned in objects if not pinned.marks_folder), None)
    if first is None:
        raise SourceMissingError(str(spec), "there is no object whose key begins so")
    return first


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
