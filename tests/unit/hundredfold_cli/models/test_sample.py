"""A sample is read from the files that people have."""

import gzip
import json
import math
from pathlib import Path

import pytest

from hundredfold.errors import BundleRefusedError
from hundredfold_cli.models.inferred import kept_rows
from hundredfold_cli.models.sample import read_sample

ROWS = [{"id": "a", "area": 1.5, "town": "Chur"}, {"id": "b", "area": None, "town": "Zürich"}]


@pytest.mark.parametrize(
    ("name", "content", "converts"),
    [
        ("lines.jsonl", "\n\n".join(json.dumps(row) for row in ROWS).encode(), False),
        ("nan.jsonl", b'{"area": 1.5, "town": "Chur"}\n{"area": NaN, "town": "Z\xc3\xbcrich"}', False),
        ("list.json", json.dumps(ROWS).encode(), False),
        ("packed.jsonl.gz", gzip.compress("\n".join(json.dumps(row) for row in ROWS).encode(), mtime=0), False),
        ("comma.csv", b"id,area,town\na,1.5,Chur\nb,,Z\xc3\xbcrich\n", True),
        ("semicolon.csv", "area;town\n1.5;Chur\n;Zürich\n".encode("latin-1"), True),
        ("index.csv", "\ufeff,area,town\n0,1.5,Chur\n\n1,,Zürich\n".encode(), True),
        ("tabs.tsv", "area\ttown\n1.5\tChur\n\tZürich\n".encode("utf-16"), True),
    ],
)
def test_records_come_without_ids_whatever_the_file(tmp_path: Path, name: str, content: bytes, converts: bool) -> None:
    (tmp_path / name).write_bytes(content)

    sample = read_sample(tmp_path / name)

    area, missing = ("1.5", "") if converts else (1.5, None)
    assert sample.records == ({"area": area, "town": "Chur"}, {"area": missing, "town": "Zürich"})
    assert sample.converts is converts


def test_parquet_is_read_with_its_types_and_without_the_index_of_pandas(tmp_path: Path) -> None:
    import pandas as pd

    table = pd.DataFrame({"id": ["a", "b"], "area": [1.5, None], "when": pd.to_datetime(["2026-01-01", None])})
    table.index = [5, 7]
    table.to_parquet(tmp_path / "t.parquet")

    assert read_sample(tmp_path / "t.parquet").records == (
        {"area": 1.5, "when": "2026-01-01 00:00:00"},
        {"area": None, "when": None},
    )


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("no.csv", b"a,b\n1\n", "row 2 has 1 values, and the header names 2 columns"),
        ("no.jsonl", b'{"a": ', "cannot be read"),
        ("empty.csv", b"a,b\n", "has no records"),
        ("no.xlsx", b"PK\x03\x04\0\0", "it is no text; give JSON Lines, CSV, Parquet or a pickled DataFrame"),
        ("no.parquet", b"PAR1", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_refused(tmp_path: Path, name: str, content: bytes, why: str) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(BundleRefusedError, match=why):
        read_sample(tmp_path / name)


def test_the_card_keeps_the_first_records_and_one_with_a_missing_value() -> None:
    whole, missing = (1.0, "Chur"), (1.0, None)

    assert kept_rows([whole, whole, whole, missing], 3) == [whole, whole, missing]
    assert kept_rows([missing, whole, whole, missing], 3) == [missing, whole, whole]
    assert kept_rows([whole, whole], 3) == [whole, whole]
    assert kept_rows([whole, whole, (math.nan, "Chur")], 2)[1] is not whole
