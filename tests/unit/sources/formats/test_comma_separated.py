"""CSV: encodings, blank and unreadable rows, quotes that never end."""

import pytest

from hundredfold.sources.formats import comma_separated
from tests.unit.sources.objects import read, records, refused


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


def test_rows_that_cannot_be_read_are_marked_and_the_others_read() -> None:
    content = b'id,text\n1,a\n2\n3,b,c\n\n4,\xff\n5,"x\ny"\n \n'

    assert read(content, "r.csv").splitlines() == [
        b'{"id":"1","text":"a"}',
        b'!{"detail": "it has 1 values, and there are 2 columns", "id": null}',
        b'!{"detail": "it has 3 values, and there are 2 columns", "id": null}',
        b'!{"detail": "its column \'text\' has bytes that are not utf-8", "id": "4"}',
        b'{"id":"5","text":"x\\ny"}',
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
    monkeypatch.setattr(comma_separated, "MAX_ROW_CHARACTERS", 100)

    assert "beyond row 2: longer than 100 characters" in refused(b'id,text\n1,a\n2,"' + b"x\n" * 60, "r.csv")
    assert "beyond row 1: longer than 100 characters" in refused(b"id,text\n1," + b"x" * 200, "r.csv")
    assert len(records(b"id,text\n" + b"1,xxxxxxxxxx\n" * 100, "r.csv")) == 100
