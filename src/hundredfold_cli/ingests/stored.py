"""Records that are in AWS already: objects in S3, or a DynamoDB table."""

from collections.abc import Mapping
from dataclasses import replace

from botocore.exceptions import ClientError

from hundredfold.aws.errors import NOT_FOUND, error_code
from hundredfold.errors import InvalidIngestError, SourceMissingError
from hundredfold.layout import Layout
from hundredfold.planning.planner import NOT_WRITTEN_BACK
from hundredfold.sources.dynamodb.segments import Segment, check_table_spec
from hundredfold.sources.objects import ObjectLocation, PinnedObject
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec, SourceSpec, TableSpec
from hundredfold_cli.ingests.preview.detection import HEAD_BYTES
from hundredfold_cli.ingests.preview.first_records import FirstRecords, read_file, read_items
from hundredfold_cli.ingests.request import Uploaded
from hundredfold_cli.ingests.source_options import DetectedSource, SourceOptions
from hundredfold_cli.stack.deployment import Deployment


class StoredObjects(DetectedSource):
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
