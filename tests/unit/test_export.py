"""Writing results: whole files or none, the same columns in both formats."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hundredfold.errors import InvalidIngestError
from hundredfold_cli.export import Format, export

ROWS: list[dict[str, Any]] = [
    {"record_id": "a", "label": 'with "quotes", and commas', "score": 0.25, "more": "left out"},
    {"record_id": "ü\nb", "label": "line\nbreak", "score": 1.0},
]
COLUMNS = ("record_id", "label", "score")


def test_json_lines_have_the_columns_and_nothing_else() -> None:
    out = io.StringIO()

    assert export(ROWS, COLUMNS, Format.JSONL, None, out) == 2

    assert [json.loads(line) for line in out.getvalue().splitlines()] == [
        {"record_id": "a", "label": 'with "quotes", and commas', "score": 0.25},
        {"record_id": "ü\nb", "label": "line\nbreak", "score": 1.0},
    ]


def test_csv_has_a_header_and_quotes_what_needs_it() -> None:
    out = io.StringIO(newline="")

    assert export(ROWS, COLUMNS, Format.CSV, None, out) == 2

    assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [
        ["record_id", "label", "score"],
        ["a", 'with "quotes", and commas', "0.25"],
        ["ü\nb", "line\nbreak", "1.0"],
    ]


def test_no_rows_still_have_a_csv_header() -> None:
    out = io.StringIO()

    assert export([], COLUMNS, Format.CSV, None, out) == 0
    assert out.getvalue() == "record_id,label,score\r\n"


def test_a_file_is_there_only_when_it_is_whole(tmp_path: Path) -> None:
    def breaks_off() -> Iterator[dict[str, Any]]:
        yield ROWS[0]
        raise RuntimeError("connection lost")

    target = tmp_path / "results.jsonl"
    target.write_text("what was there before")

    with pytest.raises(RuntimeError, match="connection lost"):
        export(breaks_off(), COLUMNS, Format.JSONL, target, io.StringIO())

    assert target.read_text() == "what was there before"
    assert [path.name for path in tmp_path.iterdir()] == ["results.jsonl"]


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidIngestError, match=r"cannot write .*nowhere/results\.csv: No such file"):
        export(ROWS, COLUMNS, Format.CSV, tmp_path / "nowhere/results.csv", io.StringIO())
