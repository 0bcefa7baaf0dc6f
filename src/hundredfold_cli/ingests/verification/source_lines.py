"""The records of an ingest as its source has them now, object by object, and whether they were staged as they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import BinaryIO, cast

from hundredfold.batches import Batch
from hundredfold.errors import SourceChangedError, SourceMissingError
from hundredfold.ingest import Plan
from hundredfold.sources.objects import PinnedObject
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.spec import ObjectsSpec, TableSpec
from hundredfold_cli.ingests.verification.findings import Store, Verification
from hundredfold_cli.ingests.verification.object_stream import FoundObject, find_object, open_stream
from hundredfold_cli.ingests.verification.pinned_lines import PinnedLine, read_pinned_lines
from hundredfold_cli.ingests.verification.source_rows import Row, as_line, is_staged_as, read_rows
from hundredfold_cli.stack.deployment import Deployment

_UNREADABLE_ERRORS = (ValueError, OSError, EOFError, SourceChangedError, SourceMissingError)


@dataclass(frozen=True, slots=True)
class ObjectLines:
    """The lines of one pinned object.

    Attributes
    ----------
    lines : in order; None if they cannot be read, because the object is gone or was replaced
    """

    pinned: PinnedObject
    batches: list[Batch]
    lines: Iterator[PinnedLine] | None


@dataclass(slots=True)
class SourceLines:
    """Reads the lines of an ingest's objects.

    Attributes
    ----------
    planned_at : when the ingest was planned. An object that is newer has been replaced since.
    kept : whether the ingest's objects in the work bucket are there; False if all have expired
    found_bytes : the size of the source's objects together; None if one of them is not there as it was
    """

    deployment: Deployment
    plan: Plan
    planned_at: datetime
    kept: bool
    verification: Verification
    found_bytes: int | None = 0

    def of_batches(self, batches: list[Batch]) -> Iterator[ObjectLines]:
        """Yield the lines of each object that the manifest names, in its order, and look for objects that it lacks."""
        named = set()
        for pinned, group in groupby(batches, key=self.plan.pinned_of):
            lines = self._lines(pinned)
            named.add(pinned.staged_from or str(pinned.location))
            yield ObjectLines(pinned, list(group), lines)
        if self.plan.pinned and not batches:
            yield ObjectLines(self.plan.pinned, [], self._lines(self.plan.pinned))
            named.add(str(self.plan.pinned))
        yield from self._unnamed(named)
        if self.found_bytes is not None:
            self.verification.compare(Store.PLAN, "its number of bytes", self.plan.source_bytes, self.found_bytes)

    def _lines(self, pinned: PinnedObject) -> Iterator[PinnedLine] | None:
        if not pinned.staged_from:
            found = self._find_pinned(pinned, Store.SOURCE)
            self._count_bytes(found)
            return self._read_in_place(found) if found else None
        staged = self._find_pinned(pinned, Store.STAGED)
        rows = self._rows(pinned, staged)
        if staged is None:
            return _lines_of_rows(rows) if rows is not None else None
        lines = self._read_in_place(staged)
        return lines if rows is None else self._compare(lines, rows, str(pinned))

    def _count_bytes(self, found: FoundObject | None) -> None:
        known = self.found_bytes is not None and found is not None
        self.found_bytes = self.found_bytes + found.size if known else None  # type: ignore[operator, union-attr]

    def _find_pinned(self, pinned: PinnedObject, store: Store) -> FoundObject | None:
        """Find a pinned object. Return None if it is not there, or is another one now."""
        found = find_object(self.deployment.s3, pinned.bucket, pinned.key)
        if found is None:
            if store is Store.STAGED and self.kept:
                self.verification.add(store, f"the staged copy of {pinned} is gone")
            else:
                self.verification.leave_out(f"{pinned} is gone: its records could not be read again")
            return None
        if (found.etag, found.size) == (pinned.etag, pinned.size):
            return found
        if store is Store.STAGED or found.etag == pinned.etag:
            self.verification.add(store, f"{found} is not the object that the plan describes")
        elif found.modified < self.planned_at:
            self.verification.add(
                Store.PLAN, f"{found} was not replaced since the ingest was planned, but the plan has another ETag"
            )
        else:
            self.verification.leave_out(f"{found} was replaced: the records could not be read again")
        return None

    def _read_in_place(self, found: FoundObject) -> Iterator[PinnedLine]:
        return read_pinned_lines(self._open(found))

    def _open(self, found: FoundObject) -> BinaryIO:
        return cast("BinaryIO", open_stream(self.deployment.s3, found.bucket, found.key, found.etag))

    def _rows(self, pinned: PinnedObject, staged: FoundObject | None) -> Iterator[Row] | None:
        """Return the rows of the object that a pinned one was staged from. None if it is not what was staged."""
        if isinstance(self.plan.spec, TableSpec):
            self.verification.leave_out("items of a table change: the staged copy was taken for the source")
            self._count_bytes(staged)
            return None
        bucket, _, key = pinned.staged_from.removeprefix("s3://").partition("/")
        found = find_object(self.deployment.s3, bucket, key)
        if found is None or found.modified > (staged.modified if staged else self.planned_at):
            what = "is gone" if found is None else "was replaced"
            self.verification.leave_out(f"{pinned} {what}: the staged copy was taken for the source")
            self._count_bytes(None)
            return None
        self._count_bytes(found)
        return read_rows(self._open(found), self.plan.spec.options)

    def _compare(self, lines: Iterator[PinnedLine], rows: Iterator[Row], name: str) -> Iterator[PinnedLine]:
        """Yield staged lines, and compare each with its row. Then yield the rows that were not staged."""
        numbered = ((number, row) for number, row in enumerate(rows, start=1) if as_line(row).strip())
        try:
            for line in lines:
                number, row = next(numbered, (0, b""))
                if number != line.number or not is_staged_as(row, line.content):
                    self.verification.add(Store.STAGED, f"line {line.number} is not staged as {name} has it")
                yield line
            for number, row in numbered:
                self.verification.add(Store.STAGED, f"row {number} of {name} was not staged")
                content = as_line(row)
                yield PinnedLine(number, content, len(content))
        except _UNREADABLE_ERRORS as error:
            self.verification.add(Store.SOURCE, f"{name} cannot be read to its end: {type(error).__name__}")

    def _unnamed(self, named: set[str]) -> Iterator[ObjectLines]:
        """Yield the objects under the source's prefix that no batch names, if they were there when it was planned."""
        spec = self.plan.spec
        if not isinstance(spec, ObjectsSpec) or spec.key:
            return
        folders = 0
        pages = self.deployment.s3.get_paginator("list_objects_v2").paginate(Bucket=spec.bucket, Prefix=spec.prefix)
        for item in (item for page in pages for item in page.get("Contents", [])):
            found = FoundObject(spec.bucket, item["Key"], item["ETag"].strip('"'), item["Size"], item["LastModified"])
            if found.modified > self.planned_at:
                if str(found) not in named:
                    self.verification.leave_out("objects that came under the prefix after the ingest was planned")
            elif found.key.endswith("/") and not found.size:
                folders += 1
            elif str(found) not in named:
                self._count_bytes(found)
                pinned = PinnedObject(found.bucket, found.key, found.etag, found.size)
                yield ObjectLines(pinned, [], self._lines_of(found, spec.options))
        if folders > self.plan.skipped_objects:
            self.verification.compare(Store.PLAN, "the number of skipped objects", self.plan.skipped_objects, folders)

    def _lines_of(self, found: FoundObject, options: ReadOptions) -> Iterator[PinnedLine]:
        return _lines_of_rows(read_rows(self._open(found), options))


def _lines_of_rows(rows: Iterator[Row]) -> Iterator[PinnedLine]:
    for number, row in enumerate(rows, start=1):
        content = as_line(row)
        if content.strip():
            yield PinnedLine(number, content, len(content))
