"""The rows of every format, read by its library, are what the planner stages."""

import datetime
import decimal
import gzip
import io
import json
import random
import uuid
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.reading import read_as_lines
from hundredfold_cli.ingests.verification.source_rows import (
    Row,
    Unreadable,
    _split_array,
    as_line,
    is_staged_as,
    read_rows,
)
from tests.unit.inference.test_hostile_lines import hostile_line


def compared(content: bytes, **options: Any) -> list[Row]:
    """Read rows, and compare each with the line that the planner stages."""
    read_options = ReadOptions(**{"compression": "none", **options})
    staged = b"".join(read_as_lines(io.BytesIO(content), read_options, "object")).removeprefix(b"\xef\xbb\xbf")
    lines = staged.removesuffix(b"\n").split(b"\n") if staged else []
    rows = list(read_rows(io.BytesIO(content), read_options))
    assert len(rows) == len(lines)
    assert all(is_staged_as(row, line) for row, line in zip(rows, lines, strict=True))
    return rows


def test_json_lines_in_a_compression() -> None:
    content = b'\xef\xbb\xbf{"id":"a"}\r\n\n!x\n{"id":1}'

    assert compared(gzip.compress(content), kind="jsonl", compression="gzip") == [
        b'{"id":"a"}\r', b"", b"!x", b'{"id":1}',
    ]  # fmt: skip
    zstd = pa.compress(content, codec="zstd", asbytes=True)
    assert len(compared(zstd, kind="jsonl", compression="zstd")) == 4


def test_json_lines_of_which_fields_are_selected() -> None:
    content = b'{"id":"a","t":1e400,"u":2}\n[1]\n!x\n\n{"text":"own","id":"b"}\n'

    assert compared(content, kind="jsonl", fields={"text": "t"}, columns=("id", "t")) == [
        {"id": "a", "text": float("inf")}, b"[1]", b"!x", b"", {"id": "b"},
    ]  # fmt: skip


def test_elements_of_an_array() -> None:
    content = b' [ {"id":"a,]\\"", "x":[1,{"y":2}]} , 3, "x\\\\", null,\n{"id":\n"b\xff"} ]\n'

    assert compared(content, kind="json") == [
        b'{"id":"a,]\\"", "x":[1,{"y":2}]}', b"3", b'"x\\\\"', b"null", b'{"id":\n"b\xff"}',
    ]  # fmt: skip
    assert compared(b"[]", kind="json") == []
    assert compared(b"[ \n ]", kind="json") == []


def test_an_element_that_is_nested_deeply_is_one_element() -> None:
    deep = b"[" * 20_000 + b"]" * 20_000

    assert compared(b'[{"id":"a"},' + deep + b',{"id":"b"}]', kind="json") == [b'{"id":"a"}', deep, b'{"id":"b"}']


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1_000])
def test_an_array_is_divided_alike_however_its_chunks_are_cut(size: int) -> None:
    elements = [{"id": 'a\\"]', "x": [["]"], {"}": "{,"}]}, [1, 2], "q,\\\\", None, "\\"] * 20
    content = json.dumps(elements).encode()

    parts = _split_array(content[first : first + size] for first in range(0, len(content), size))

    assert [json.loads(part) for part in parts] == elements


def test_an_array_without_an_end_is_an_error() -> None:
    with pytest.raises(EOFError):
        list(read_rows(io.BytesIO(b'[{"id":"a"},'), ReadOptions(kind="json")))


def test_rows_of_csv() -> None:
    content = '\ufeffid,text,ü\n1,"a ""b""\nc",x\n\n  \n2,x\n,,\n3,ÿ,y\r4,5,6\r\n'

    assert compared(content.encode(), kind="csv") == [
        {"id": "1", "text": 'a "b"\nc', "ü": "x"},
        Unreadable(),
        {"id": "", "text": "", "ü": ""},
        {"id": "3", "text": "ÿ", "ü": "y"},
        {"id": "4", "text": "5", "ü": "6"},
    ]


def test_a_row_is_unreadable_if_a_wanted_value_is_no_text() -> None:
    content = b"id;text;other\n1;\xff;2\n1;2;\xff\n\xe9;2;3\n"

    assert compared(content, kind="csv", delimiter=";", columns=("id", "text")) == [
        Unreadable(), {"id": "1", "text": "2"}, Unreadable(),
    ]  # fmt: skip


def test_rows_of_tsv_in_another_encoding() -> None:
    content = "id\ttext\n1\tx\n2\t\n".encode("utf-16")

    assert compared(content, kind="tsv", encoding="utf-16", fields={"review": "text"}) == [
        {"id": "1", "review": "x"}, {"id": "2", "review": ""},
    ]  # fmt: skip


def test_rows_of_parquet() -> None:
    table = pa.table(
        {
            "id": pa.array(["a", "b", None]),
            "float": [1.5, float("nan"), float("inf")],
            "small": pa.array([0.1, 0.2, 1e-30], pa.float32()),
            "integer": pa.array([1, 2**63, None], pa.uint64()),
            "boolean": [True, None, False],
            "date": [datetime.date(2026, 1, 2)] * 3,
            "zoned": pa.array([1, 2, 3], pa.timestamp("ns", tz="Europe/Berlin")),
            "time": pa.array([1, None, 3], pa.timestamp("us")),
            "decimal": [decimal.Decimal("1.50")] * 3,
            "category": pa.array(["x", "y", "x"]).dictionary_encode(),
            "bytes": [b"a", b"\xff", b"c"],
            "uuid": pa.array([uuid.UUID(int=7).bytes] * 3, pa.uuid()),
        }
    )
    file = io.BytesIO()
    pq.write_table(table, file)

    first, second, third = compared(file.getvalue(), kind="parquet")

    assert first == {
        "id": "a", "float": 1.5, "small": 0.10000000149011612, "integer": 1, "boolean": True, "date": "2026-01-02",
        "zoned": "1970-01-01 00:00:00.000000001Z", "time": "1970-01-01 00:00:00.000001", "decimal": "1.50",
        "category": "x", "bytes": "a", "uuid": "00000000-0000-0000-0000-000000000007",
    }  # fmt: skip
    assert second == Unreadable()
    assert isinstance(third, dict)
    assert (third["id"], third["float"], third["integer"], third["time"]) == (
        None, "inf", None, "1970-01-01 00:00:00.000003",
    )  # fmt: skip
    assert compared(file.getvalue(), kind="parquet", columns=("id",), fields={"text": "category"})[1] == {
        "id": "b", "text": "y",
    }  # fmt: skip


@pytest.mark.parametrize("fields", [{}, {"text": "other", "stars": "stars"}], ids=["whole", "selected"])
def test_hostile_lines(fields: dict[str, str]) -> None:
    random_ = random.Random(7)
    content = b"\n".join(hostile_line(random_, number) for number in range(1_000))

    assert len(compared(gzip.compress(content), kind="jsonl", compression="gzip", fields=fields)) == 1_000


def test_a_line_that_differs_is_not_what_must_be_staged() -> None:
    assert not is_staged_as(b'{"id":"a"}', b'{"id":"b"}')
    assert not is_staged_as({"id": "a", "n": 1}, b'{"id":"a","n":2}')
    assert not is_staged_as({"id": "a"}, b"no json")
    assert not is_staged_as(Unreadable(), b'{"id":"a"}')


def test_a_row_without_its_staged_line_becomes_one() -> None:
    assert as_line({"id": "ü"}) == b'{"id": "\\u00fc"}'
    assert as_line(b'{"id":\n1}') == b'{"id": 1}'
    assert as_line(Unreadable()).startswith(b"!")
