"""The advice of the core, in the command's words: no member of a source is left in it."""

import gzip
import re

import pytest

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.spec import read_options_from_dict
from hundredfold_cli.ingests.preview.advice import advice_as_options, as_options
from tests.unit.sources.objects import as_parquet, refused, zstd

MEMBERS = re.compile(r'"(kind|compression|delimiter|encoding|fields|columns)"|the source\'s|set its|set the ')


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("r.jsonl", gzip.compress(b"{}"), "add --compression gzip"),
        ("r.csv.gz", b"id,text\n", "add --compression none"),
        ("r.csv.gz", gzip.compress(gzip.compress(b"id")), "add --compression gzip, or decompress it once more"),
        ("r.csv", zstd(b"id"), "add --compression zstd"),
        ("r.csv", b"PAR1\0\0", "add --kind parquet"),
        ("r.parquet", b"id,text\n", "set --kind, or upload it again"),
        ("r.csv", b"id\0,text\n", "set --kind or --encoding"),
        ("r.json", b'{"id": "1"}', "add --kind jsonl"),
        ("r.csv", b"nr,text\n1,fine\n", "--map id=COLUMN, list it in --columns, or set --delimiter"),
        ("r.parquet", as_parquet({"id": ["1"], "list": [[1]]}), "list the others in --columns"),
    ],
)
def test_advice_names_options(name: str, content: bytes, advice: str) -> None:
    message = as_options(refused(content, name))

    assert advice in message
    assert not MEMBERS.search(message)


@pytest.mark.parametrize("member", ["kind", "compression", "delimiter", "encoding"])
def test_a_value_that_makes_no_sense_is_one_of_an_option(member: str) -> None:
    with pytest.raises(InvalidIngestError, match=f"^--{member} must be "), advice_as_options():
        read_options_from_dict({member: "no such thing"})


def test_text_that_is_not_of_its_encoding_names_the_option() -> None:
    message = as_options(refused(b"\xff\xfei\x00d", "r.csv", encoding="utf-32"))

    assert "--encoding" in message
    assert not MEMBERS.search(message)
