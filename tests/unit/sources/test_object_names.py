"""What the ending of an object's name means."""

import pytest

from hundredfold.sources.object_names import options_for_name, stem_of, suffix_for
from hundredfold.sources.read_options import ReadOptions


@pytest.mark.parametrize(
    ("name", "kind", "compression"),
    [
        ("a/b.jsonl", "jsonl", "none"),
        ("b.NDJSON", "jsonl", "none"),
        ("b.json", "json", "none"),
        ("b.csv.gz", "csv", "gzip"),
        ("b.tsv.zst", "tsv", "zstd"),
        ("b.parquet", "parquet", "none"),
        ("records", "jsonl", "none"),
        ("records.gz", "jsonl", "gzip"),
    ],
)
def test_the_ending_of_a_name_decides_kind_and_compression(name: str, kind: str, compression: str) -> None:
    assert options_for_name(ReadOptions(), name) == ReadOptions(kind, compression)


def test_options_that_are_set_win_over_the_name() -> None:
    assert options_for_name(ReadOptions("csv", "none"), "b.json.gz") == ReadOptions("csv", "none")


@pytest.mark.parametrize(
    ("name", "stem"),
    [("a.csv.gz", "a"), ("A.NDJSON", "A"), ("a.b.json", "a.b"), ("a.gz", None), ("a.txt", None), ("csv", None)],
)
def test_the_stem_is_what_stands_before_the_endings(name: str, stem: str | None) -> None:
    assert stem_of(name) == stem


@pytest.mark.parametrize(
    ("options", "suffix"),
    [
        (ReadOptions("csv", "gzip"), ".csv.gz"),
        (ReadOptions("jsonl", "none"), ".jsonl"),
        (ReadOptions("tsv", "zstd"), ".tsv.zst"),
    ],
)
def test_an_ending_is_made_from_options(options: ReadOptions, suffix: str) -> None:
    assert suffix_for(options) == suffix
    assert options_for_name(ReadOptions(), f"x{suffix}") == options
