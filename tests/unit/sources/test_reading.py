"""Reading files: every kind gives the same records, and each kind of bad file is rejected by rows or with one error."""

import csv
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from hundredfold.errors import InvalidIngestError, SourceChangedError
from hundredfold.sources.formats import delimited, json_array, read_as_lines
from hundredfold.sources.formats.compression import checked
from hundredfold.sources.spec import Compression, Kind, ReadOptions


class Dripping(io.RawIOBase):
    """A file that gives a few bytes at a time, as a network may."""

    def __init__(self, content: bytes, most: int) -> None:
        super().__init__()
        self._content = io.BytesIO(content)
        self._most = most

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._content.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        return self._content.readinto(memoryview(buffer)[: self._most])


def read(content: bytes, name: str, **stated: Any) -> bytes:
    return b"".join(read_as_lines(io.BytesIO(content), ReadOptions(**stated).for_name(name), name))


def records(content: bytes, name: str, **stated: Any) -> list[Any]:
    return [json.loads(line) for line in read(content, name, **stated).splitlines()]


def refused(content: bytes, name: str, **stated: Any) -> str:
    with pytest.raises(InvalidIngestError) as error:
        read(content, name, **stated)
    assert "\n" not in str(error.value)
    assert name in str(error.value)
    return str(error.value)


def as_csv(rows: Sequence[Sequence[str]], delimiter: str = ",", end: str = "\r\n") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter, lineterminator=end, quoting=csv.QUOTE_ALL).writerows(rows)
    return out.getvalue().encode()


def as_parquet(columns: Mapping[str, Any], **options: Any) -> bytes:
    out = io.BytesIO()
    parquet.write_table(pa.table(dict(columns)), out, **options)
    return out.getvalue()


def zstd(content: bytes) -> bytes:
    return bytes(pa.compress(content, "zstd", asbytes=True))


# ---------------------------------------------------------------- the same records by every kind

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["", '"', "a,b", "a\nb", "a\r\nb", "\r", "\u2028", "!", '!{"detail": "x"}', "%s", "\0", "\ufeff", "é😀"]
)
TABLES = st.lists(st.tuples(TEXTS, TEXTS), max_size=6)


@given(rows=TABLES, column=TEXTS.filter(lambda name: name != "id" and "\0" not in name))
def test_any_text_in_any_column_comes_out_the_same_by_every_kind(rows: list[tuple[str, str]], column: str) -> None:
    expected = [{"id": one, column: other} for one, other in rows]
    table = [["id", column], *(list(row) for row in rows)]
    array = json.dumps(expected, indent=1).encode()
    columns = {
        "id": pa.array([one for one, _ in rows], pa.string()),
        column: pa.array([o for _, o in rows], pa.string()),
    }

    assert records(as_csv(table), "r.csv") == expected
    assert records(as_csv(table, "\t", "\n"), "r.tsv") == expected
    assert records(gzip.compress(as_csv(table)), "r.csv.gz") == expected
    assert records(zstd(as_csv(table)), "r.csv.zst") == expected
    assert records(array, "r.json") == expected
    assert records(json.dumps(expected, ensure_ascii=False).encode(), "r.json") == expected
    assert records(gzip.compress(array), "r.json.gz") == expected
    assert records(as_parquet(columns), "r.parquet") == expected


@given(rows=TABLES, most=st.integers(1, 9), packed=st.booleans(), kind=st.sampled_from(["csv", "json", "jsonl"]))
def test_in_which_pieces_a_file_comes_makes_no_difference(
    rows: list[tuple[str, str]], most: int, packed: bool, kind: str
) -> None:
    objects = [{"id": one, "text": other} for one, other in rows]
    content = {
        "csv": as_csv([["id", "text"], *(list(row) for row in rows)]),
        "json": json.dumps(objects).encode(),
        "jsonl": "".join(f"{json.dumps(one)}\n" for one in objects).encode(),
    }[kind]
    name = f"r.{kind}.gz" if packed else f"r.{kind}"
    content = gzip.compress(content) if packed else content
    options = ReadOptions(fields={"id": "id"}).for_name(name)

    dripped = io.BufferedReader(Dripping(content, most), 64)

    assert b"".join(read_as_lines(dripped, options, name)) == read(content, name, fields={"id": "id"})


def test_text_of_another_encoding_is_read_as_it_is_stated() -> None:
    assert records("id;text\n1;größer\n".encode("latin-1"), "r.csv", encoding="latin-1", delimiter=";") == [
        {"id": "1", "text": "größer"}
    ]
    for encoding in ("utf-16", "utf-16-le", "utf-8-sig"):
        assert records("id,text\n1,größer".encode(encoding), "r.csv", encoding=encoding) == [
            {"id": "1", "text": "größer"}
        ]


@pytest.mark.parametrize("content", [b"", b"id,text", b"\xef\xbb\xbfid,text\r\n", b"\n\nid,text\n\n"])
def test_no_rows_are_no_records(content: bytes) -> None:
    assert read(content, "r.csv") == b""


def test_nothing_at_all_and_empty_arrays_are_no_records() -> None:
    assert read(b"", "r.json") == read(b" [ ]\n", "r.json") == read(b"", "r.jsonl.gz") == b""
    assert read(as_parquet({"id": pa.array([], pa.string())}), "r.parquet") == b""


def test_several_members_are_one_file() -> None:
    assert read(gzip.compress(b'{"id":"1"}\n') + gzip.compress(b'{"id":"2"}\n'), "r.jsonl.gz").count(b"\n") == 2
    assert read(zstd(b'{"id":"1"}\n') + zstd(b'{"id":"2"}\n'), "r.jsonl.zst").count(b"\n") == 2


# ---------------------------------------------------------------- columns and fields


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


@pytest.mark.parametrize(
    ("header", "stated", "message"),
    [
        ("id,text,id", {}, "several columns named 'id'"),
        ("key,text", {}, "no column is read as id; its columns are 'key', 'text'"),
        ("id;text", {}, "its columns are 'id;text': take one of them by"),
        ("id,text", {"fields": {"text": "review"}}, "no column 'review'; its columns are 'id', 'text'"),
        ("id,text", {"columns": ("id", "stars")}, "no column 'stars'; its columns are 'id', 'text'"),
        ("id,text", {"columns": ("text",)}, "no column is read as id"),
    ],
)
def test_columns_that_do_not_fit_are_one_error_with_those_that_there_are(
    header: str, stated: dict[str, Any], message: str
) -> None:
    assert message in refused(f"{header}\n1,2\n".encode(), "r.csv", **stated)


def test_lines_that_cannot_be_renamed_stay_what_they_are_and_are_no_marks() -> None:
    lines = b'{"key":"1"}\n\n[1]\nnot JSON\n!{"detail": "x", "id": null}\n{"id": NaN}\n"\xff"'

    assert read(lines, "r.jsonl", fields={"id": "key"}).split(b"\n") == [
        b'{"id":"1"}',
        b"",
        b"[1]",
        b"not JSON",
        b' !{"detail": "x", "id": null}',
        b"{}",
        b'"\xff"',
    ]


# ---------------------------------------------------------------- rows that cannot be read


def test_rows_that_cannot_be_read_are_marked_and_the_others_read() -> None:
    content = b'id,text\n1,a\n2\n3,b,c\n\n4,\xff\n5,"x\ny"\n \n'

    assert read(content, "r.csv").splitlines() == [
        b'{"id":"1","text":"a"}',
        b'!{"detail": "it has 1 values, and there are 2 columns", "id": null}',
        b'!{"detail": "it has 3 values, and there are 2 columns", "id": null}',
        b'!{"detail": "its column \'text\' has bytes that are not utf-8", "id": "4"}',
        b'{"id":"5","text":"x\\ny"}',
        b'!{"detail": "it has 1 values, and there are 2 columns", "id": null}',
    ]


def test_bytes_that_are_no_text_are_marked_in_parquet_too() -> None:
    content = as_parquet({"id": [1, 2], "text": pa.array([b"fine", b"\xff"], pa.binary())})
    broken = pa.Array.from_buffers(pa.string(), 2, pa.array([b"fine", b"\xff"], pa.binary()).buffers())

    for one in (content, as_parquet({"id": [1, 2], "text": broken})):
        assert read(one, "r.parquet").splitlines() == [
            b'{"id":1,"text":"fine"}',
            b'!{"detail": "its column \'text\' has bytes that are not UTF-8", "id": "2"}',
        ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'id,text\n1,a\n2,"never ends\n3,b\n', "beyond row 2: unexpected end of data"),
        (b'id,text\n1,"said "so""\n', "beyond row 1: ',' expected after '\"'"),
        (b'"id,text\n', "beyond the row with the columns' names"),
    ],
)
def test_where_the_next_row_begins_must_be_known(content: bytes, message: str) -> None:
    assert message in refused(content, "r.csv")


def test_a_row_without_an_end_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "MOST_ROW_CHARACTERS", 100)

    assert "beyond row 2: longer than 100 characters" in refused(b'id,text\n1,a\n2,"' + b"x\n" * 60, "r.csv")
    assert "beyond row 1: longer than 100 characters" in refused(b"id,text\n1," + b"x" * 200, "r.csv")
    assert len(records(b"id,text\n" + b"1,xxxxxxxxxx\n" * 100, "r.csv")) == 100


# ---------------------------------------------------------------- JSON arrays


def test_elements_are_handed_on_as_they_stand() -> None:
    content = b'\xef\xbb\xbf [{"id":\n"1", "x": 1e999, "n": NaN},\r\n 7, "\xff", "\\ud800", ' + b"9" * 5000 + b"] "

    assert read(content, "r.json").split(b"\n") == [
        b'{"id": "1", "x": 1e999, "n": NaN}',
        b"7",
        b'"\xff"',
        b'"\\ud800"',
        b"9" * 5000,
        b"",
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'{"id": "1"}\n{"id": "2"}\n', '"kind": "jsonl"'),
        (b'"id"', "does not begin with ["),
        (b'[{"id": "1"}, {"id": "2', "beyond element 2: it is no JSON, is cut off"),
        (b'[{"id": "1"}, {"id": "2"}', "beyond element 2"),
        (b'[{"id": "1"} {"id": "2"}]', "beyond element 1"),
        (b"[1,]", "beyond element 2"),
        (b"[", "beyond element 1"),
        (b"[1] [2]", "goes on after its array of 1 elements has ended"),
        (b"[" * 100_000, "element 1 is nested too deeply"),
    ],
)
def test_what_is_no_array_is_one_error_that_says_where(content: bytes, message: str) -> None:
    assert message in refused(content, "r.json")


def test_an_element_without_an_end_is_not_read_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_array, "MOST_ELEMENT_CHARACTERS", 1000)
    monkeypatch.setattr(json_array, "_READ_CHARACTERS", 10)

    assert "beyond element 1" in refused(b'["' + b"x" * 10_000 + b'"]', "r.json")
    assert read(b'["' + b"x" * 900 + b'", 12345678901234567890]', "r.json").splitlines()[1] == b"12345678901234567890"


# ---------------------------------------------------------------- Parquet


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
    file = io.BufferedReader(Dripping(content, len(content)), 64)

    lines = b"".join(read_as_lines(file, ReadOptions(Kind.PARQUET, Compression.NONE), "r.parquet")).splitlines()

    assert [json.loads(line)["id"] for line in lines] == [str(number) for number in range(5000)]


def test_a_damaged_parquet_is_one_error() -> None:
    content = as_parquet({"id": [str(number) for number in range(5000)]}, compression="zstd")

    assert "beyond row 0: it is cut off, damaged or encrypted" in refused(content[:-100], "r.parquet")
    assert "cut off, damaged" in refused(content[:200] + b"\xff" * 300 + content[500:], "r.parquet")


# ---------------------------------------------------------------- another kind than its name says


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.jsonl", gzip.compress(b"{}"), 'begins like gzip: state "compression": "gzip"'),
        ("r.csv", zstd(b"id"), 'begins like zstd: state "compression": "zstd"'),
        ("r.csv.gz", b"id,text\n", 'does not begin so: state "compression": "none"'),
        ("r.csv.gz", zstd(b"id"), 'begins like zstd: state "compression": "zstd"'),
        ("r.csv.gz", gzip.compress(gzip.compress(b"id")), "begins like gzip"),
        ("r.csv", b"PAR1\0\0", 'begins like parquet: state "kind": "parquet"'),
        ("r.parquet", b"id,text\n", 'does not begin so: state its "kind"'),
        ("r.parquet", b"", "does not begin so"),
        ("r.parquet.gz", gzip.compress(b"PAR1"), "unpack it"),
        ("r.csv", b"PK\x03\x04\x14", "begins like a zip archive, as Excel's files are"),
        ("r.csv", "id,text".encode("utf-16"), "something binary, or text of another encoding"),
        ("r.json", b"\x00\x01\x02", "something binary"),
    ],
)
def test_an_object_of_another_kind_than_it_is_said_to_be_is_named_with_both(
    name: str, content: bytes, message: str
) -> None:
    assert message in refused(content, name)


def test_what_is_read_in_place_is_checked_too() -> None:
    plain = ReadOptions(Kind.JSONL, Compression.NONE)

    assert b"".join(checked([b"", b'{"', b'id":1}'], plain, "r")) == b'{"id":1}'
    assert b"".join(checked([b'{"id": "\0"}\n'], plain, "r")) == b'{"id": "\0"}\n'  # one bad record is no bad file
    with pytest.raises(InvalidIngestError, match=r"r is said to be jsonl .* begins like gzip"):
        list(checked([b"\x1f", b"\x8b\x08" + b"x" * 100], plain, "r"))


@pytest.mark.parametrize("pack", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_what_is_cut_off_or_damaged_is_one_error(pack: Any) -> None:
    name = "r.csv.gz" if pack is gzip.compress else "r.csv.zst"
    content = pack(as_csv([["id", "text"], *([str(number), "a" * (number % 7)] for number in range(5000))]))

    for broken in (content[:-5], content[: len(content) // 2], content[:12], content + b"!" * 20):
        assert "cut off or damaged" in refused(broken, name)


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
        list(read_as_lines(file, ReadOptions().for_name(name), name))
