"""Segments of a DynamoDB table: what is read at one go, staged as JSON Lines, and cut into batches."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.dynamodb.items import Item, item_line
from hundredfold.sources.dynamodb.table import Table
from hundredfold.sources.spec import ReadOptions, TableSpec


@dataclass(frozen=True, slots=True)
class Segment:
    """One of the segments that a table, or an index of it, is read in; or all items of one partition key.

    Attributes
    ----------
    number : its place in the ingest, from 0
    total : how many segments there are
    table : the table as it was described when the ingest was planned
    """

    number: int
    total: int
    spec: TableSpec
    table: Table

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes that have to be read; all if empty."""
        columns = self.spec.options.columns
        return tuple(dict.fromkeys((*columns, *self.key))) if columns else ()

    @property
    def key(self) -> tuple[str, ...]:
        """The attributes of the primary key, if each line is to have them."""
        return self.table.key if self.spec.write_back else ()


def check_table_spec(spec: TableSpec, table: Table) -> None:
    """Raise InvalidIngestError if partition key, fields, columns or the attribute to write back to do not fit."""
    _check_partition(spec, table)
    _check_layout(spec.options)
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
    where = f"index {spec.index}" if spec.index else f"table {spec.table}"
    if name != table.partition:
        raise InvalidIngestError(
            f"the source's key names {name!r}, but the partition key of {where} is {table.partition!r}"
        )
    kind = table.types[name]
    expected: dict[str, tuple[type, ...]] = {"S": (str,), "N": (int, float)}
    if kind not in expected:
        raise InvalidIngestError(f"the partition key {name!r} of {where} is binary, which the source's key cannot name")
    if not isinstance(value, expected[kind]):
        raise InvalidIngestError(
            f"the partition key {name!r} of {where} is {'text' if kind == 'S' else 'a number'}, "
            f"and the value in the source's key is {'a number' if kind == 'S' else 'text'}"
        )


def _check_layout(options: ReadOptions) -> None:
    if options.kind or options.compression:
        raise InvalidIngestError("a table has no kind and no compression; leave them out of the source")
    for field in sorted({"id", *options.fields}) if options.columns else ():
        if (column := options.fields.get(field, field)) not in options.columns:
            raise InvalidIngestError(f"the source's columns must have {column!r}, which {field} is taken from")


def _check_write_back(spec: TableSpec, table: Table) -> None:
    if spec.write_back in table.types:
        raise InvalidIngestError(
            f"the source's write_back names {spec.write_back!r}, a key of {spec.table} or of an index of it; "
            "name an attribute that is no key"
        )
    if spec.write_back == spec.options.fields.get("id", "id"):
        raise InvalidIngestError(
            f"the source's write_back names {spec.write_back!r}, which the records' id is; name another attribute"
        )
