"""Formats of exported results: the same rows in each, in little memory."""

import csv
import io
import json
import tracemalloc
from typing import Any, cast

import pyarrow as pa
import pytest
from pyarrow.parquet import ParquetFile

from hundredfold.errors import InvalidIngestError
from hundredfold_cli.export import parquet
from hundredfold_cli.export.columns import Column, ColumnType
from hundredfold_cli.export.formats import Format, write_rows
from tests.unit.hundredfold_cli.export.rows import COLUMNS, ROWS


def written(rows: Any, columns: Any, format_: Format) -> bytes:
    out = io.BytesIO()
    assert write_rows(rows, columns, format_, out) == len(rows)
    return out.getvalue()


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
    read = file.read().to_pylist()
    assert [row["count"] for row in read] == [0, 1, 2, 3, 4]
    assert read[1]["predicted_at"].isoformat() == "2026-11-24T09:00:00.125000+00:00"
    assert (read[0]["mixed"], read[3]["mixed"], read[3]["nested"]) == ('"text"', "3", '{"a": [3]}')


def test_a_later_value_of_another_type_is_an_error_that_names_record_and_column(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(parquet, "GROUP_ROWS", 1)
    rows = [{"record_id": "a", "x": 1}, {"record_id": "b", "x": 1.5}]

    with pytest.raises(InvalidIngestError, match="record b: its x is no integer"):
        write_rows(rows, (Column("record_id", ColumnType.TEXT), Column("x")), Format.PARQUET, io.BytesIO())


def test_numbers_that_a_csv_source_holds_as_text_are_numbers() -> None:
    rows = [{"record_id": "a", "x": "1.5"}, {"record_id": "b", "x": 2}]

    file = ParquetFile(io.BytesIO(written(rows, (Column("record_id"), Column("x", ColumnType.NUMBER)), Format.PARQUET)))

    assert file.read()["x"].to_pylist() == [1.5, 2.0]


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
