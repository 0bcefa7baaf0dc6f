"""Reading: every format gives the same records, and what is the same for all formats."""

import gzip
import io
import json
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hundredfold.errors import SourceChangedError
from hundredfold.sources.object_names import options_for_name
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.reading import is_read_in_place, read_as_lines
from tests.unit.sources.objects import SlowFile, as_csv, as_parquet, read, records, zstd

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", '"', "a,b", "a\nb", "a\r\nb", "\r", "\u2028", "!", '!{"detail": "x"}', "%s", "\0", "\ufeff", "é😀"]
)
TABLES = st.lists(st.tuples(TEXTS, TEXTS), max_size=6)


@given(rows=TABLES, column=TEXTS.filter(lambda name: name != "id" and "\0" not in name))
def test_any_text_in_any_column_comes_out_the_same_by_every_kind(rows: list[tuple[str, str]], column: str) -> None:
    expected = [{"id": record_id, column: value} for record_id, value in rows]
    table = [["id", column], *(list(row) for row in rows)]
    array = json.dumps(expected, indent=1).encode()
    columns = {
        "id": pa.array([record_id for record_id, _ in rows], pa.string()),
        column: pa.array([value for _, value in rows], pa.string()),
    }

    assert records(as_csv(table), "r.csv") == expected
    assert records(as_csv(table, "\t", "\n"), "r.tsv") == expected
    assert records(gzip.compress(as_csv(table)), "r.csv.gz") == expected
    assert records(zstd(as_csv(table)), "r.csv.zst") == expected
    assert records(array, "r.json") == expected
    assert records(json.dumps(expected, ensure_ascii=False).encode(), "r.json") == expected
    assert records(gzip.compress(array), "r.json.gz") == expected
    assert records(as_parquet(columns), "r.parquet") == expected


@given(
    rows=TABLES, max_bytes=st.integers(1, 9), compressed=st.booleans(), kind=st.sampled_from(["csv", "json", "jsonl"])
)
def test_the_sizes_of_the_chunks_that_a_file_comes_in_make_no_difference(
    rows: list[tuple[str, str]], max_bytes: int, compressed: bool, kind: str
) -> None:
    objects = [{"id": record_id, "text": text} for record_id, text in rows]
    content = {
        "csv": as_csv([["id", "text"], *(list(row) for row in rows)]),
        "json": json.dumps(objects).encode(),
        "jsonl": "".join(f"{json.dumps(record)}\n" for record in objects).encode(),
    }[kind]
    name = f"r.{kind}.gz" if compressed else f"r.{kind}"
    content = gzip.compress(content) if compressed else content
    options = options_for_name(ReadOptions(fields={"id": "id"}), name)

    file = io.BufferedReader(SlowFile(content, max_bytes), 64)

    assert b"".join(read_as_lines(file, options, name)) == read(content, name, fields={"id": "id"})


def test_only_plain_json_lines_are_read_in_place() -> None:
    assert is_read_in_place(ReadOptions("jsonl", "none"))
    for options in (
        ReadOptions("jsonl", "gzip"),
        ReadOptions("csv", "none"),
        ReadOptions("jsonl", "none", fields={"id": "key"}),
        ReadOptions("jsonl", "none", columns=("id",)),
    ):
        assert not is_read_in_place(options)


def test_nothing_at_all_and_empty_arrays_are_no_records() -> None:
    assert read(b"", "r.json") == read(b" [ ]\n", "r.json") == read(b"", "r.jsonl.gz") == b""
    assert read(as_parquet({"id": pa.array([], pa.string())}), "r.parquet") == b""


def test_several_members_are_one_file() -> None:
    assert read(gzip.compress(b'{"id":"1"}\n') + gzip.compress(b'{"id":"2"}\n'), "r.jsonl.gz").count(b"\n") == 2
    assert read(zstd(b'{"id":"1"}\n') + zstd(b'{"id":"2"}\n'), "r.jsonl.zst").count(b"\n") == 2


def test_columns_are_renamed_and_left_out() -> None:
    rows = [["key", "body", "text", "more"], ["1", "b", "t", "m"]]

    assert records(as_csv(rows), "r.csv", fields={"id": "key", "text": "body"}) == [
        {"more": "m", "id": "1", "text": "b"}
    ]
    assert records(as_csv(rows), "r.csv", fields={"id": "key"}, columns=("text",)) == [{"text": "t", "id": "1"}]
    assert records(as_csv(rows), "r.csv", fields={"id": "key", "text": "body", "body": "text"}, columns=()) == [
        {"more": "m", "id": "1", "text": "b", "body": "t"}
    ]
    for name, content in {
        "r.json": b'[{"key": "1", "body": "b", "text": "t"}]',
        "r.jsonl": b'{"key": "1", "body": "b", "text": "t"}\n',
        "r.parquet": as_parquet({"key": ["1"], "body": ["b"], "text": ["t"]}),
    }.items():
        assert records(content, name, fields={"id": "key", "text": "body"}) == [{"id": "1", "text": "b"}]


class Replaced(io.RawIOBase):
    """An object that is replaced once its first bytes were read."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self._file = io.BytesIO(content)
        self._reads = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        self._reads += 1
        if self._reads > 2:
            raise SourceChangedError("s3://b/r")
        return self._file.readinto(buffer)


@pytest.mark.parametrize("name", ["r.csv", "r.json", "r.csv.gz", "r.csv.zst", "r.parquet"])
def test_an_object_that_is_replaced_while_it_is_read_is_said_to_be(name: str) -> None:
    rows = [["id", "text"], *([str(number), f"{number * 7919 % 1009}"] for number in range(20_000))]
    table = as_csv(rows)
    content = {
        "r.csv": table,
        "r.json": json.dumps(rows).encode(),
        "r.csv.gz": gzip.compress(table),
        "r.csv.zst": zstd(table),
        "r.parquet": as_parquet({"id": [row[0] for row in rows], "text": [row[1] for row in rows]}),
    }[name]
    file = io.BufferedReader(Replaced(content), 4096)

    with pytest.raises(SourceChangedError, match="s3://b/r was replaced"):
        list(read_as_lines(file, options_for_name(ReadOptions(), name), name))
