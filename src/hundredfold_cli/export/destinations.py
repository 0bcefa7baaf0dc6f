"""Destinations of exported results: a file, an object in S3, or standard output."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from hundredfold.aws.objects import S3Upload
from hundredfold.errors import InvalidIngestError, SourceMissingError
from hundredfold.sources.objects import ObjectLocation
from hundredfold.sources.spec import ObjectsSpec
from hundredfold.sources.uri import S3, parse_uri
from hundredfold_cli.errors import OptionError
from hundredfold_cli.export.formats import Format

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

type Destination = Path | ObjectLocation | None
"""A file, an object, or standard output."""


def parse_destination(output: str | None, format_: Format) -> Destination:
    """Read the option `--output`.

    Raises
    ------
    OptionError
        If results of this format cannot be written there.
    """
    if output is None:
        if format_ is Format.PARQUET:
            raise OptionError("--format parquet needs --output: a file, or s3://bucket/key")
        return None
    if not output.startswith(S3):
        return Path(output)
    spec = parse_uri(output)
    if not isinstance(spec, ObjectsSpec) or not spec.key:
        raise OptionError(f"--output {output} names no object: write s3://bucket/key")
    return ObjectLocation(spec.bucket, spec.key)


@contextmanager
def open_destination(destination: Destination, s3: "S3Client", stdout: BinaryIO) -> Iterator[BinaryIO]:
    """Open a destination for writing.

    A file or object gets its name only at the end, once everything was written without an error.

    Raises
    ------
    InvalidIngestError
        If it cannot be written.
    """
    match destination:
        case None:
            yield stdout
            stdout.flush()
        case Path():
            with _open_file(destination) as file:
                yield file
        case _:
            with S3Upload(s3, destination) as upload:
                upload_file = _UploadFile(upload, destination)
                yield cast("BinaryIO", upload_file)
                upload_file.finish()


class _UploadFile(io.RawIOBase):
    """A writable file whose content is uploaded to S3."""

    def __init__(self, upload: S3Upload, location: ObjectLocation) -> None:
        super().__init__()
        self._upload = upload
        self._location = location
        self._position = 0

    def writable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def write(self, content: Any) -> int:
        chunk = bytes(content)
        with self._as_bad_input():
            self._upload.write(chunk)
        self._position += len(chunk)
        return len(chunk)

    def finish(self) -> None:
        with self._as_bad_input():
            self._upload.finish()

    @contextmanager
    def _as_bad_input(self) -> Iterator[None]:
        try:
            yield
        except SourceMissingError:
            raise InvalidIngestError(
                f"cannot write {self._location}: there is no such bucket, or access is denied"
            ) from None


@contextmanager
def _open_file(path: Path) -> Iterator[BinaryIO]:
    unfinished = path.with_name(path.name + ".unfinished")
    try:
        with unfinished.open("wb") as file:
            yield file
        unfinished.replace(path)
    except OSError as error:
        raise InvalidIngestError(f"cannot write {path}: {error.strerror}") from None
    finally:
        unfinished.unlink(missing_ok=True)
