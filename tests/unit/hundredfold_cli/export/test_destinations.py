"""Destinations of exported results: a file or an object is there in whole, or not at all."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from hundredfold.aws.objects import UPLOAD_PART_BYTES
from hundredfold.errors import InvalidIngestError
from hundredfold.sources.objects import ObjectLocation
from hundredfold_cli.errors import OptionError
from hundredfold_cli.export.destinations import Destination, open_destination, parse_destination
from hundredfold_cli.export.formats import Format, write_rows
from tests.unit.hundredfold_cli.export.rows import COLUMNS, ROWS


class Bucket:
    """Keeps what is uploaded to it."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.parts: list[int] = []
        self.aborted = False
        self._uploading = b""

    def put_object(self, *, Bucket: str, Key: str, Body: bytes) -> dict[str, str]:  # noqa: N803
        self.objects[f"{Bucket}/{Key}"] = Body
        return {"ETag": '"e"'}

    def create_multipart_upload(self, **_: str) -> dict[str, str]:
        return {"UploadId": "u"}

    def upload_part(self, *, Body: bytes, **_: object) -> dict[str, str]:  # noqa: N803
        self.parts.append(len(Body))
        self._uploading += Body
        return {"ETag": '"p"'}

    def complete_multipart_upload(self, *, Bucket: str, Key: str, **_: object) -> dict[str, str]:  # noqa: N803
        self.objects[f"{Bucket}/{Key}"] = self._uploading
        return {"ETag": '"e"'}

    def abort_multipart_upload(self, **_: str) -> None:
        self.aborted = True


def write_to(destination: Destination, rows: Any, bucket: Bucket | None = None, format_: Format = Format.JSONL) -> int:
    with open_destination(destination, cast("Any", bucket), io.BytesIO()) as file:
        return write_rows(rows, COLUMNS, format_, file)


@pytest.mark.parametrize("format_", list(Format))
def test_a_file_or_object_is_there_only_when_it_is_whole(tmp_path: Path, format_: Format) -> None:
    def breaks_off() -> Iterator[dict[str, Any]]:
        yield ROWS[0]
        raise RuntimeError("connection lost")

    file = tmp_path / "results"
    file.write_text("what was there before")
    bucket = Bucket()

    for destination in (file, ObjectLocation("b", "k")):
        with pytest.raises(RuntimeError, match="connection lost"):
            write_to(destination, breaks_off(), bucket, format_)

    assert file.read_text() == "what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert bucket.objects == {}


@pytest.mark.parametrize("format_", list(Format))
def test_an_object_is_the_same_as_a_file(tmp_path: Path, format_: Format) -> None:
    bucket, file = Bucket(), tmp_path / "results"

    assert write_to(file, ROWS, format_=format_) == write_to(ObjectLocation("b", "a/k"), ROWS, bucket, format_) == 2

    assert bucket.objects == {"b/a/k": file.read_bytes()}


def test_a_large_object_is_uploaded_in_parts_and_given_up_if_it_breaks_off() -> None:
    def rows(break_off: bool) -> Iterator[dict[str, Any]]:
        for number in range(300):
            yield {"record_id": str(number), "label": "x" * 100_000, "score": 1.0}
        if break_off:
            raise RuntimeError("connection lost")

    whole, broken = Bucket(), Bucket()
    write_to(ObjectLocation("b", "k"), rows(break_off=False), whole)
    with pytest.raises(RuntimeError):
        write_to(ObjectLocation("b", "k"), rows(break_off=True), broken)

    assert set(whole.parts[:-1]) == {UPLOAD_PART_BYTES}
    assert len(whole.objects["b/k"].splitlines()) == 300
    assert (broken.objects, broken.aborted) == ({}, True)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidIngestError, match=r"cannot write .*nowhere/results\.csv: No such file"):
        write_to(tmp_path / "nowhere/results.csv", ROWS)


def test_the_output_option_names_the_destination() -> None:
    assert parse_destination(None, Format.CSV) is None
    assert parse_destination("a/b.csv", Format.CSV) == Path("a/b.csv")
    assert parse_destination("s3://b/k.parquet", Format.PARQUET) == ObjectLocation("b", "k.parquet")
    with pytest.raises(OptionError, match="--format parquet needs --output"):
        parse_destination(None, Format.PARQUET)
    for output in ("s3://b", "s3://b/folder/"):
        with pytest.raises(OptionError, match="names no object"):
            parse_destination(output, Format.CSV)
