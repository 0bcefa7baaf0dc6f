"""Objects that are not what they should be, and objects that are cut off."""

import gzip
from typing import Any

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.content import check_chunks
from hundredfold.sources.read_options import ReadOptions
from tests.unit.sources.objects import as_csv, read, refused, zstd


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("r.jsonl", gzip.compress(b"{}"), 'begins like gzip: set "compression": "gzip"'),
        ("r.csv", zstd(b"id"), 'begins like zstd: set "compression": "zstd"'),
        ("r.csv.gz", b"id,text\n", 'does not begin so: set "compression": "none"'),
        ("r.csv.gz", zstd(b"id"), 'begins like zstd: set "compression": "zstd"'),
        ("r.csv.gz", gzip.compress(gzip.compress(b"id")), "begins like gzip"),
        ("r.csv", b"PAR1\0\0", 'begins like parquet: set "kind": "parquet"'),
        ("r.parquet", b"id,text\n", 'does not begin so: set its "kind"'),
        ("r.parquet", b"", "does not begin so"),
        ("r.parquet.gz", gzip.compress(b"PAR1"), "decompress it"),
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
    plain = ReadOptions("jsonl", "none")

    assert b"".join(check_chunks([b"", b'{"', b'id":1}'], plain, "r")) == b'{"id":1}'
    assert b"".join(check_chunks([b'{"id": "\0"}\n'], plain, "r")) == b'{"id": "\0"}\n'  # one bad record is no bad file
    with pytest.raises(InvalidIngestError, match=r"r should be jsonl .* begins like gzip"):
        list(check_chunks([b"\x1f", b"\x8b\x08" + b"x" * 100], plain, "r"))


@pytest.mark.parametrize("compress", [gzip.compress, zstd], ids=["gzip", "zstd"])
def test_what_is_cut_off_or_damaged_is_one_error(compress: Any) -> None:
    name = "r.csv.gz" if compress is gzip.compress else "r.csv.zst"
    content = compress(as_csv([["id", "text"], *([str(number), "a" * (number % 7)] for number in range(5000))]))

    for broken in (content[:-5], content[: len(content) // 2], content[:12], content + b"!" * 20):
        assert "cut off or damaged" in refused(broken, name)


@pytest.mark.parametrize("magic", [0x50, 0x5F])
def test_zstd_may_begin_with_a_frame_to_skip_as_pzstd_writes(magic: int) -> None:
    # A skippable frame: its magic, the size of its content in four bytes, its content (RFC 8878, 3.1.2)
    skippable = bytes([magic]) + b"\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"

    assert read(skippable + zstd(b'{"id":"1"}\n'), "r.jsonl.zst") == b'{"id":"1"}\n'
