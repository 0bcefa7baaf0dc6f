"""Segments of a DynamoDB table: each is read by itself, staged as JSON Lines, and cut into batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.dynamodb.items import Item, item_line
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import TableSpec


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a table or of an index; or all items with one partition key.

    Attributes
    ----------
    number : the segment's number in the ingest, from 0
    total : the number of segments
    table : the table as it was when the ingest was planned
    """

    number: int
    total: int
    spec: TableSpec
    table: Table

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes to read; all if empty."""
        columns = self.spec.options.columns
        return tuple(dict.fromkeys((*columns, *self.key))) if columns else ()

    @property
    def key(self) -> tuple[str, ...]:
        """The attributes of the primary key, if each line shall have them; else nothing."""
        return self.table.key if self.spec.write_back else ()


def check_table_spec(spec: TableSpec, table: Table) -> None:
    """Raise InvalidIngestError if the table does not fit the partition key, fields, columns or `write_back`."""
    _check_partition(spec, table)
    _check_options(spec.options)
    if spec.write_back:
        _check_write_back(spec, table)


def segment_lines(segment: Segment, pages: Iterable[Iterable[Item]]) -> Iterator[bytes]:
    """Turn the items of a segment into JSON Lines, a page of the table at a time."""
    spec = segment.spec
    for page in pages:
        yield b"".join([item_line(item, spec.options, spec.write_back, segment.key) for item in page])


def _check_partition(spec: TableSpec, table: Table) -> None:
    if not spec.partition:
        return
    [(name, value)] = spec.partition.items()
    place = f"index {spec.index}" if spec.index else f"table {spec.table}"
    if name != table.partition:
        raise InvalidIngestError(
            f"the source's key names {name!r}, but the partition key of {place} is {table.partition!r}"
        )
    type_ = table.types[name]
    python_types: dict[str, tuple[type, ...]] = {"S": (str,), "N": (int, float)}
    if type_ not in python_types:
        raise InvalidIngestError(f"the partition key {name!r} of {place} is binary, which the source's key cannot name")
    if not isinstance(value, python_types[type_]):
        raise InvalidIngestError(
            f"the partition key {name!r} of {place} is {'text' if type_ == 'S' else 'a number'}, "
            f"and the value in the source's key is {'a number' if type_ == 'S' else 'text'}"
        )


def _check_options(options: ReadOptions) -> None:
    if options.kind or options.compression:
        raise InvalidIngestError("a table has no kind and no compression; leave them out of the source")
    for field in sorted({"id", *options.fields}) if options.columns else ():
        if (column := options.fields.get(field, field)) not in options.columns:
            raise InvalidIngestError(f"the source's columns must list {column!r}, which the field {field} comes from")


def _check_write_back(spec: TableSpec, table: Table) -> None:
    if spec.write_back in table.types:
        raise InvalidIngestError(
            f"the source's write_back names {spec.write_back!r}, a key of {spec.table} or of an index of it; "
            "name an attribute that is no key"
        )
    if spec.write_back == spec.options.fields.get("id", "id"):
        raise InvalidIngestError(
            f"the source's write_back names {spec.write_back!r}, the records' id; name another attribute"
        )
