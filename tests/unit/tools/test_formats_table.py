"""The table of formats in docs/files.md is the one that the formats make."""

import pytest

from hundredfold.sources.compressions import COMPRESSIONS
from hundredfold.sources.formats import FORMATS
from tools.formats_table import PAGE, replace_table, table


def test_the_page_has_the_table_of_now() -> None:
    page = PAGE.read_text()

    assert replace_table(page, table(FORMATS.values(), COMPRESSIONS.values())) == page, "make formats-table"


def test_a_format_is_one_row() -> None:
    assert table([FORMATS["jsonl"], FORMATS["parquet"]], [COMPRESSIONS["zstd"]]).splitlines() == [
        "| kind | endings | content | options | values | compression |",
        "|---|---|---|---|---|---|",
        (
            "| `jsonl` | `.jsonl`, `.ndjson`, and any unknown | one JSON object a line; read in place unless "
            "compressed or with `fields` or `columns` | | as they are | zstd |"
        ),
        "| `parquet` | `.parquet` | flat columns of any type but durations | | converted | inside the file |",
        "",
        "After these endings, `.zst` means zstd.",
    ]


def test_a_page_without_a_place_for_the_table_is_an_error() -> None:
    with pytest.raises(ValueError, match="substring not found"):
        replace_table("# Files", "")
