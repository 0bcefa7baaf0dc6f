"""Parquet: types, nested columns, row groups, damage."""

import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa

from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.reading import read_as_lines
from tests.unit.sources.objects import SlowFile, as_parquet, read, records, refused


def test_bytes_that_are_no_text_are_marked_in_parquet_too() -> None:
    content = as_parquet({"id": [1, 2], "text": pa.array([b"fine", b"\xff"], pa.binary())})
    broken = pa.Array.from_buffers(pa.string(), 2, pa.array([b"fine", b"\xff"], pa.binary()).buffers())

    for table in (content, as_parquet({"id": [1, 2], "text": broken})):
        assert read(table, "r.parquet").splitlines() == [
            b'{"id":1,"text":"fine"}',
            b'!{"detail": "its column \'text\' has bytes that are not UTF-8", "id": "2"}',
        ]


def test_values_of_parquet_are_written_as_json_or_as_text() -> None:
    moment = datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)
    content = as_parquet(
        {
            "id": [2**63 - 1],
            "float": [0.5],
            "nan": [float("nan")],
            "infinite": [float("-inf")],
            "flag": [True],
            "none": [None],
            "decimal": [Decimal("1.50")],
            "day": [date(2026, 11, 24)],
            "moment": pa.array([moment], pa.timestamp("us", "Europe/Berlin")),
            "local": pa.array([moment.replace(tzinfo=None)], pa.timestamp("ns")),
            "kind": pa.array(["x"]).dictionary_encode(),
            "large": pa.array(["y"], pa.large_string()),
        }
    )

    assert records(content, "r.parquet") == [
        {
            "id": 9223372036854775807,
            "float": 0.5,
            "nan": "nan",
            "infinite": "-inf",
            "flag": True,
            "none": None,
            "decimal": "1.50",
            "day": "2026-11-24",
            "moment": "2026-11-24 10:00:01.000000Z",
            "local": "2026-11-24 10:00:01.000000000",
            "kind": "x",
            "large": "y",
        }
    ]


def test_nested_columns_are_named_unless_others_are_listed() -> None:
    content = as_parquet({"id": ["1"], "tags": [["a", "b"]], "at": [{"x": 1}]})

    message = refused(content, "r.parquet")

    assert "'tags' (list<element: string>), 'at' (struct<x: int64>)" in message
    assert 'list the others in "columns"' in message
    assert records(content, "r.parquet", columns=("id",)) == [{"id": "1"}]


def test_row_groups_are_read_in_order_a_few_rows_at_a_time() -> None:
    content = as_parquet({"id": [str(number) for number in range(5000)]}, row_group_size=700)
    file = io.BufferedReader(SlowFile(content, len(content)), 64)

    lines = b"".join(read_as_lines(file, ReadOptions("parquet", "none"), "r.parquet")).splitlines()

    assert [json.loads(line)["id"] for line in lines] == [str(number) for number in range(5000)]


def test_a_damaged_parquet_is_one_error() -> None:
    content = as_parquet({"id": [str(number) for number in range(5000)]}, compression="zstd")

    assert "beyond row 0: it is cut off, damaged or encrypted" in refused(content[:-100], "r.parquet")
    assert "cut off, damaged" in refused(content[:200] + b"\xff" * 300 + content[500:], "r.parquet")


def test_a_page_that_is_not_what_its_checksum_says_is_not_read() -> None:
    # Given values that stand in the file as they are, and that any other bytes could be
    columns = {"id": [f"{number:08d}" for number in range(1000)], "text": ["aaaaaaaaaa"] * 1000}
    content = as_parquet(columns, compression="none", use_dictionary=False, write_page_checksum=True)
    assert len(read(content, "r.parquet").splitlines()) == 1000

    # When ten of them change
    length = (10).to_bytes(4, "little")
    altered = content.replace(length + b"aaaaaaaaaa", length + b"bbbbbbbbbb", 1)

    # Then they are not taken for values
    assert altered != content
    assert "cut off, damaged" in refused(altered, "r.parquet")
