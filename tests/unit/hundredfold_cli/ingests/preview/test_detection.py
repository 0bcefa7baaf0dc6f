"""What the first bytes of a source show of its kind, compression, delimiter and encoding."""

import gzip

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.read_options import ReadOptions
from hundredfold_cli.ingests.preview.detection import detect
from tests.unit.sources.objects import as_parquet, zstd

ROWS = "id;größe;preis\n1;klein;3,5\n2;groß;4,25\n"
PLAIN = "id,text\n1,fine\n2,bad\n"


@pytest.mark.parametrize(
    ("name", "content", "found"),
    [
        ("r.csv", PLAIN.encode(), ()),
        ("r.csv", ROWS.encode(), ("--delimiter ';'",)),
        ("r.csv", PLAIN.replace(",", "\t").encode(), ("--delimiter '\\t'",)),
        ("r.csv", PLAIN.replace(",", "|").encode(), ("--delimiter '|'",)),
        ("r.csv", ROWS.encode("latin-1"), ("--encoding latin-1", "--delimiter ';'")),
        ("r.csv", (ROWS + "3;x;5 €\n").encode("cp1252"), ("--encoding cp1252", "--delimiter ';'")),
        ("r.csv", ROWS.encode("utf-16"), ("--encoding utf-16", "--delimiter ';'")),
        ("r.csv", ROWS.encode("utf-16-le"), ("--encoding utf-16-le", "--delimiter ';'")),
        ("r.csv", ROWS.encode("utf-16-be"), ("--encoding utf-16-be", "--delimiter ';'")),
        ("r.csv", ROWS.encode("utf-8-sig"), ("--delimiter ';'",)),
        ("r.csv", b"", ()),
        ("r.csv", b"id\n1\n2\n", ()),
        ("r.csv", gzip.compress(PLAIN.encode()), ("--compression gzip",)),
        ("r.csv.gz", gzip.compress(ROWS.encode()), ("--delimiter ';'",)),
        ("r.tsv", PLAIN.replace(",", "\t").encode(), ()),
        ("r.tsv", PLAIN.replace(",", "\t").replace("fine", "schön").encode("latin-1"), ("--encoding latin-1",)),
        ("r.jsonl", b'{"id": "1"}\n', ()),
        ("r", b'{"id": "1"}\n', ()),
        ("r", b"", ()),
        ("r.txt", b' \n[{"id": "1"}]', ("--kind json",)),
        ("r.txt", PLAIN.encode(), ("--kind csv",)),
        ("r.dat", PLAIN.replace(",", "\t").encode(), ("--kind tsv",)),
        ("r.txt", ROWS.encode("utf-16"), ("--kind csv", "--encoding utf-16", "--delimiter ';'")),
        ("r", zstd(PLAIN.encode()), ("--compression zstd", "--kind csv")),
        ("r", as_parquet({"id": ["1"]}), ("--kind parquet",)),
    ],
)
def test_what_neither_an_option_nor_the_name_says_is_found_in_the_content(
    name: str, content: bytes, found: tuple[str, ...]
) -> None:
    assert detect(content, ReadOptions(), name).found == found


def test_the_source_says_what_was_found_and_leaves_to_the_name_what_the_name_says() -> None:
    detection = detect(ROWS.encode(), ReadOptions(fields={"id": "nr"}), "r.csv")

    assert detection.options == ReadOptions(delimiter=";", fields={"id": "nr"})
    assert detection.known == ReadOptions("csv", "none", ";", fields={"id": "nr"})


def test_what_was_set_stays_as_it_is() -> None:
    options = ReadOptions("csv", "none", ",", "utf-8")

    detection = detect(
        ROWS.encode("latin-1"), options, "r.json", fixed=("kind", "compression", "delimiter", "encoding")
    )

    assert (detection.options, detection.found) == (options, ())


def test_a_delimiter_that_was_set_means_csv_where_the_name_means_nothing() -> None:
    assert detect(b"a~b\n1~2\n", ReadOptions(delimiter="~"), "r", fixed=("delimiter",)).found == ("--kind csv",)


@pytest.mark.parametrize("cut", range(1, 8))
def test_first_bytes_that_end_within_a_character_are_utf_8_all_the_same(cut: int) -> None:
    assert detect("id,text\n1,größer 🎬".encode()[:-cut], ReadOptions(), "r.csv").found == ()


def test_a_comma_within_quotes_and_a_row_that_is_cut_off_mislead_nobody() -> None:
    content = 'id;text\n1;"a, b, c"\n2;"one, two, three"\n3;"cut off, he'

    assert detect(content.encode(), ReadOptions(), "r.csv").known.delimiter == ";"


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.xlsx", b"PK\x03\x04\x14", "save it as CSV (in Excel: File, Save As, CSV UTF-8), then type: hundredfold"),
        ("r.xls", b"\xd0\xcf\x11\xe0", "then type: hundredfold ingest r.csv"),
        ("r.csv", b"PK\x03\x04\x14", "r.csv is a workbook or a zip archive"),
        ("", b"PK\x03\x04\x14", "the input is a workbook or a zip archive"),
        ("daily/r.xlsx", b"", "hundredfold ingest r.csv"),
        ("r.jsonl", '{"id": "1"}\n'.encode("utf-16"), "type: iconv -f UTF-16 -t UTF-8 r.jsonl > utf8.jsonl"),
        ("notes.txt", b"A page, with commas.\nAnd, more, of them.\n", "type: hundredfold ingest notes.txt --kind KIND"),
        ("r", b"\x00\x01\x02\x03", "KIND is one of csv, json, jsonl, parquet, tsv"),
        ("", b"prose", "type: hundredfold ingest - --kind KIND"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_or_can_be_anything_is_refused_with_what_to_type(
    name: str, content: bytes, message: str
) -> None:
    with pytest.raises(InvalidIngestError) as refused:
        detect(content, ReadOptions(), name)

    assert message in str(refused.value)
