"""The first records of a source, of every kind."""

import gzip
import io
import json
from typing import Any

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.object_names import options_for_name
from hundredfold.sources.read_options import ReadOptions
from hundredfold_cli.ingests.preview.first_records import FirstRecords, columns_read, read_file, read_items
from tests.unit.sources.objects import as_parquet, zstd

CSV = b"\xef\xbb\xbfid,text\n1,fine\n\n2,\n"
JSON_LINES = b'\xef\xbb\xbf{"id": "1", "text": "fine"}\nno json\n{"id": "2", "stars": 4}\n'


def first(content: bytes, name: str, **options: Any) -> FirstRecords:
    return read_file(lambda: io.BytesIO(content), options_for_name(ReadOptions(**options), name), name)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("r.csv", CSV),
        ("r.csv.gz", gzip.compress(CSV)),
        ("r.csv.zst", zstd(CSV)),
        ("r.tsv", CSV.replace(b",", b"\t")),
    ],
)
def test_columns_and_values_of_rows(name: str, content: bytes) -> None:
    records = first(content, name)

    assert (records.columns, records.converts) == (("id", "text"), True)
    assert records.records == ({"id": "1", "text": "fine"}, {"id": "2", "text": ""})
    assert [json.loads(line) for line in records.lines] == list(records.records)
    assert records.values("text") == ["fine"]


def test_columns_and_values_of_parquet() -> None:
    records = first(as_parquet({"id": [1, 2], "size": [0.5, None]}), "r.parquet")

    assert (records.columns, records.converts) == (("id", "size"), True)
    assert records.records == ({"id": 1, "size": 0.5}, {"id": 2, "size": None})
    assert [json.loads(line) for line in records.lines] == list(records.records)
    assert records.values("size") == [0.5]


def test_fields_of_json_are_those_of_all_first_records_and_what_is_no_record_is_a_line_all_the_same() -> None:
    for name, content in (
        ("r.jsonl", JSON_LINES),
        ("r.json", b'[{"id": "1", "text": "fine"}, 5, {"id": "2", "stars": 4}]'),
    ):
        records = first(content, name)

        assert (records.columns, records.converts) == (("id", "text", "stars"), False)
        assert len(records.lines) == 3


def test_no_more_records_are_read_than_are_looked_at() -> None:
    content = b"id,text\n" + b"".join(b"%d,fine\n" % number for number in range(500))

    assert (len(first(content, "r.csv").records), len(first(content, "r.csv").lines)) == (100, 100)
    assert len(first(b'{"id": "1"}\n' * 500, "r.jsonl").lines) == 100


def test_without_a_column_for_the_id_there_are_no_lines_yet() -> None:
    assert first(b"nr,text\n1,fine\n", "r.csv").lines == ()
    assert first(b"nr,text\n1,fine\n", "r.csv", fields={"id": "number"}).lines == ()
    [line] = first(b"nr,text\n1,fine\n", "r.csv", fields={"id": "nr"}).lines
    assert json.loads(line) == {"id": "1", "text": "fine"}


def test_what_is_damaged_is_refused() -> None:
    with pytest.raises(InvalidIngestError, match=r"r\.parquet cannot be read as Parquet"):
        first(as_parquet({"id": ["1"]})[:-9], "r.parquet")
    with pytest.raises(InvalidIngestError, match="cut off or damaged"):
        first(gzip.compress(CSV)[:-9], "r.csv.gz")
    with pytest.raises(InvalidIngestError, match="begins like gzip"):
        first(gzip.compress(CSV), "r.csv")


def test_the_first_items_of_a_table_with_the_names_that_the_options_give() -> None:
    items = [{"sku": {"N": "4711"}, "body": {"S": "fine"}, "verdict": {"S": "good"}}]

    records = read_items([items, items * 200], ReadOptions(fields={"id": "sku", "text": "body"}), "verdict")

    assert (records.columns, len(records.records), records.converts) == (("sku", "body"), 100, False)
    assert json.loads(records.lines[0]) == {"id": "4711", "text": "fine"}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"a": "a", "b": "b", "c": "c"}),
        ({"columns": ("b",)}, {"b": "b"}),
        ({"fields": {"id": "a"}}, {"id": "a", "b": "b", "c": "c"}),
        ({"fields": {"b": "a"}}, {"b": "a", "c": "c"}),
        ({"fields": {"id": "a"}, "columns": ("c",)}, {"id": "a", "c": "c"}),
        ({"fields": {"id": "none"}}, {"a": "a", "b": "b", "c": "c"}),
    ],
)
def test_the_column_of_each_field(options: dict[str, Any], expected: dict[str, str]) -> None:
    assert columns_read(["a", "b", "c"], ReadOptions(**options)) == expected
