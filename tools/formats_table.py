"""Writes the table of formats and compressions into docs/files.md, from what each of them declares."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from hundredfold.sources.compression import Compression
from hundredfold.sources.compressions import COMPRESSIONS
from hundredfold.sources.format import Format
from hundredfold.sources.formats import DEFAULT_KIND, FORMATS

PAGE = Path(__file__).resolve().parents[1] / "docs/files.md"
BEGIN, END = "<!-- made from the formats: begin -->", "<!-- made from the formats: end -->"


def table(formats: Iterable[Format], compressions: Iterable[Compression]) -> str:
    """Return the table of formats in Markdown, and below it the endings of compressions."""
    compressions = tuple(compressions)
    lines = [
        "| kind | endings | content | options | values | compression |",
        "|---|---|---|---|---|---|",
        *(_row(format_, compressions) for format_ in formats),
        "",
        f"After these endings, {_joined(f'`{each.suffix}` means {each.name}' for each in compressions)}.",
    ]
    return "\n".join(lines)


def replace_table(page: str, content: str) -> str:
    """Return the page with this content between its two marks; raises ValueError if it lacks a mark."""
    begin, end = page.index(BEGIN), page.index(END)
    return f"{page[:begin]}{BEGIN}\n\n{content}\n\n{page[end:]}"


def _row(format_: Format, compressions: Iterable[Compression]) -> str:
    endings = ", ".join(f"`{suffix}`" for suffix in format_.suffixes)
    cells = (
        f"`{format_.name}`",
        f"{endings}, and any unknown" if format_.name == DEFAULT_KIND else endings,
        format_.description,
        ", ".join(f"`{option.name}`" for option in format_.options),
        "converted" if format_.converts else "as they are",
        "inside the file" if format_.compresses_inside else ", ".join(each.name for each in compressions),
    )
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def _joined(phrases: Iterable[str]) -> str:
    *first, last = phrases
    return f"{', '.join(first)} and {last}" if first else last


def main() -> None:
    """Write the table, or only check it."""
    parser = argparse.ArgumentParser(description="Writes the table of formats into docs/files.md.")
    parser.add_argument("--check", action="store_true", help="only say whether the table is up to date")
    arguments = parser.parse_args()
    page = PAGE.read_text()
    new_page = replace_table(page, table(FORMATS.values(), COMPRESSIONS.values()))
    if not arguments.check:
        PAGE.write_text(new_page)
    elif new_page != page:
        sys.exit(f"the table in {PAGE.name} is not up to date: make formats-table")


if __name__ == "__main__":
    main()
