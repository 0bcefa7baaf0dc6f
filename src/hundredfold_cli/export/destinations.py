"""Writing predictions and rejections as JSON Lines, CSV or Parquet: to a file, an object, or standard output."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO, cast

from hundredfold.aws.objects import S3Upload
from hundredfold.errors import InvalidIngestError, SourceMissingError
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.sources.uri import S3, parse_uri
from hundredfold_cli.ingests.columns import Column

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client


class Format(StrEnum):
    """How results are written."""

    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


type Target = Path | ObjectLocation | None
"""A file, an object, or standard output."""


def target_of(output: str | None, format_: Format) -> Target:
    """Read where results are to be written; raises InvalidIngestError if they cannot be written there."""
    if output is None:
        if format_ is Format.PARQUET:
            raise InvalidIngestError("--format parquet needs --output: a file, or s3://bucket/key")
        return None
    if not output.startswith(S3):
        return Path(output)
    spec = parse_uri(output)
    if not isinstance(spec, ObjectsSpec) or not spec.key:
        raise InvalidIngestError(f"--output {output} names no object: write s3://bucket/key")
    return ObjectLocation(spec.bucket, spec.key)


@contextmanager
def opened(target: Target, s3: "S3Client", standard: BinaryIO) -> Iterator[BinaryIO]:
    """Open what results are written to. A file or object has its name only once all was written, without an error.

    Raises
    ------
    InvalidIngestError
        If it cannot be written.
    """
    match target:
        case None:
            yield standard
            standard.flush()
        case Path():
            with _whole_file(target) as file:
                yield file
        case _:
            with S3Upload(s3, target) as upload:
                sent = _UploadFile(upload, target)
                yield cast("BinaryIO", sent)
                sent.finish()


def export(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column] | None, format_: Format, file: BinaryIO) -> int:
    """Write rows, and return how many there were.

    Parameters
    ----------
    columns : of all rows; None to write each row's own, which only JSON Lines can
    """
    counted = _Counted(rows)
    if format_ is Format.PARQUET:
        # Here, since importing it takes longer than most commands do.
        from hundredfold_cli.ingests.parquet import write_parquet

        write_parquet(counted, columns or (), file)
        return counted.count
    text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=False)
    try:
        if format_ is Format.CSV:
            _write_csv(counted, columns or (), text)
        else:
            _write_jsonl(counted, columns, text)
    finally:
        text.detach()  # flushes, and leaves the file open
    return counted.count


class _Counted:
    """Counts rows as they pass."""

    def __init__(self, rows: Iterable[Mapping[str, Any]]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row


class _UploadFile(io.RawIOBase):
    """An upload as a file that is written."""

    def __init__(self, upload: S3Upload, target: ObjectLocation) -> None:
        super().__init__()
        self._upload = upload
        self._target = target
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, content: Any) -> int:
        written = bytes(content)
        with self._told():
            self._upload.write(written)
        self._position += len(written)
        return len(written)

    def finish(self) -> None:
        with self._told():
            self._upload.finish()

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except SourceMissingError:
            raise InvalidIngestError(
                f"cannot write {self._target}: there is no such bucket, or access is denied"
            ) from None


@contextmanager
def _whole_file(path: Path) -> Iterator[BinaryIO]:
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        raise InvalidIngestError(f"cannot write {path}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _write_jsonl(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column] | None, file: TextIO) -> None:
    for row in rows:
        told = row if columns is None else {column.name: row[column.name] for column in columns}
        file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[Column], file: TextIO) -> None:
    writer = csv.writer(file)
    writer.writerow(column.name for column in columns)
    for row in rows:
        writer.writerow(_cell(row[column.name]) for column in columns)


def _cell(value: object) -> object:
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list | bool) else value
