"""Writing results: whole files or none, the same rows in all formats."""

import csv
import io
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from pyarrow.parquet import ParquetFile

from hundredfold.aws.objects import UPLOAD_PART_BYTES
from hundredfold.errors import InvalidIngestError
from hundredfold.sources.objects import ObjectLocation
from hundredfold_cli.errors import OptionError
from hundredfold_cli.export import parquet
from hundredfold_cli.export.columns import Column, ColumnType
from hundredfold_cli.export.destinations import Destination, open_destination, parse_destination
from hundredfold_cli.export.formats import Format, write_rows

ROWS: list[dict[str, Any]] = [
    {"record_id": "a", "label": 'with "quotes", and commas', "score": 0.25, "more": "left out"},
    {"record_id": "ü\nb", "label": "line\nbreak", "score": 1.0},
]
COLUMNS = (Column("record_id", ColumnType.TEXT), Column("label", ColumnType.TEXT), Column("score", ColumnType.NUMBER))


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


def written(rows: Any, columns: Any, format_: Format) -> bytes:
    out = io.BytesIO()
    assert write_rows(rows, columns, format_, out) == len(rows)
    return out.getvalue()


def write_to(target: Destination, rows: Any, bucket: Bucket | None = None, format_: Format = Format.JSONL) -> int:
    with open_destination(target, cast("Any", bucket), io.BytesIO()) as file:
        return write_rows(rows, COLUMNS, format_, file)


def test_json_lines_have_the_columns_and_nothing_else() -> None:
    assert [json.loads(line) for line in written(ROWS, COLUMNS, Format.JSONL).splitlines()] == [
        {"record_id": "a", "label": 'with "quotes", and commas', "score": 0.25},
        {"record_id": "ü\nb", "label": "line\nbreak", "score": 1.0},
    ]


def test_csv_has_a_header_and_quotes_what_needs_it() -> None:
    text = written(ROWS, COLUMNS, Format.CSV).decode()

    assert list(csv.reader(io.StringIO(text, newline=""))) == [
        ["record_id", "label", "score"],
        ["a", 'with "quotes", and commas', "0.25"],
        ["ü\nb", "line\nbreak", "1.0"],
    ]


def test_csv_writes_what_is_nested_as_json() -> None:
    rows = [{"a": {"b": [1]}, "c": True, "d": None}]

    text = written(rows, (Column("a"), Column("c"), Column("d")), Format.CSV).decode()

    assert list(csv.reader(io.StringIO(text))) == [["a", "c", "d"], ['{"b": [1]}', "true", ""]]


def test_no_rows_still_have_a_csv_header_and_a_parquet_schema() -> None:
    assert written([], COLUMNS, Format.CSV) == b"record_id,label,score\r\n"
    assert ParquetFile(io.BytesIO(written([], COLUMNS, Format.PARQUET))).schema_arrow.names == [
        "record_id", "label", "score",
    ]  # fmt: skip


def test_parquet_has_types_and_row_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 2)
    columns = (
        *COLUMNS,
        Column("predicted_at", ColumnType.TIME),
        *(Column(name) for name in ("count", "share", "flag", "note", "nested", "mixed", "nothing")),
    )
    rows = [
        {
            "record_id": f"r-{number}",
            "label": "x",
            "score": 1,
            "predicted_at": "2026-11-24T09:00:00.125+00:00",
            "count": number,
            "share": number / 2 if number else 1,
            "flag": number > 1,
            "note": None if number == 1 else "ü",
            "nested": {"a": [number]},
            "mixed": number if number else "text",
            "nothing": None,
        }
        for number in range(5)
    ]

    file = ParquetFile(io.BytesIO(written(rows, columns, Format.PARQUET)))

    assert file.num_row_groups == 3
    assert {field.name: field.type for field in file.schema_arrow} == {
        "record_id": pa.string(), "label": pa.string(), "score": pa.float64(),
        "predicted_at": pa.timestamp("ms", tz="UTC"), "count": pa.int64(), "share": pa.float64(), "flag": pa.bool_(),
        "note": pa.string(), "nested": pa.string(), "mixed": pa.string(), "nothing": pa.string(),
    }  # fmt: skip
    told = file.read().to_pylist()
    assert [row["count"] for row in told] == [0, 1, 2, 3, 4]
    assert told[1]["predicted_at"].isoformat() == "2026-11-24T09:00:00.125000+00:00"
    assert (told[0]["mixed"], told[3]["mixed"], told[3]["nested"]) == ('"text"', "3", '{"a": [3]}')


def test_a_later_value_of_another_type_is_an_error_that_names_record_and_column(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1)
    rows = [{"record_id": "a", "x": 1}, {"record_id": "b", "x": 1.5}]
    target = tmp_path / "results.parquet"

    with (
        pytest.raises(InvalidIngestError, match="record b: its x is no integer"),
        open_destination(target, cast("Any", None), io.BytesIO()) as file,
    ):
        write_rows(rows, (Column("record_id", ColumnType.TEXT), Column("x")), Format.PARQUET, file)

    assert list(tmp_path.iterdir()) == []


def test_numbers_that_a_csv_source_holds_as_text_are_numbers() -> None:
    rows = [{"record_id": "a", "x": "1.5"}, {"record_id": "b", "x": 2}]

    told = ParquetFile(io.BytesIO(written(rows, (Column("record_id"), Column("x", ColumnType.NUMBER)), Format.PARQUET)))

    assert told.read()["x"].to_pylist() == [1.5, 2.0]


@pytest.mark.parametrize("format_", list(Format))
def test_a_file_or_object_is_there_only_when_it_is_whole(tmp_path: Path, format_: Format) -> None:
    def breaks_off() -> Iterator[dict[str, Any]]:
        yield ROWS[0]
        raise RuntimeError("connection lost")

    file = tmp_path / "results"
    file.write_text("what was there before")
    bucket = Bucket()

    for target in (file, ObjectLocation("b", "k")):
        with pytest.raises(RuntimeError, match="connection lost"):
            write_to(target, breaks_off(), bucket, format_)

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


def test_where_results_are_written_to_is_told_by_the_output() -> None:
    assert parse_destination(None, Format.CSV) is None
    assert parse_destination("a/b.csv", Format.CSV) == Path("a/b.csv")
    assert parse_destination("s3://b/k.parquet", Format.PARQUET) == ObjectLocation("b", "k.parquet")
    with pytest.raises(OptionError, match="--format parquet needs --output"):
        parse_destination(None, Format.PARQUET)
    for output in ("s3://b", "s3://b/folder/"):
        with pytest.raises(OptionError, match="names no object"):
            parse_destination(output, Format.CSV)


@pytest.mark.parametrize("format_", list(Format))
def test_memory_does_not_grow_with_the_rows(format_: Format, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 500)

    class Nowhere(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, content: Any) -> int:
            return len(content)

    def peak(count: int) -> int:
        rows = ({"record_id": str(number), "label": "x" * 1_000, "score": number / 7} for number in range(count))
        tracemalloc.start()
        try:
            assert write_rows(rows, COLUMNS, format_, cast("Any", Nowhere())) == count
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    peak(10)  # what is allocated once
    assert peak(10_000) < 1.1 * peak(1_000) + 100_000
