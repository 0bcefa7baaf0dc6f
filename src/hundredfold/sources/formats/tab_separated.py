"""TSV: CSV with tabs between the values."""

from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from hundredfold.sources.format import Format
from hundredfold.sources.format_options import ENCODING
from hundredfold.sources.formats.comma_separated import delimited_lines, is_binary
from hundredfold.sources.read_options import ReadOptions


def tab_separated_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read rows as CSV is read, with a tab as the delimiter; see `Reader`."""
    return delimited_lines(file, replace(options, delimiter="\t"), name)


FORMAT = Format(
    name="tsv",
    suffixes=(".tsv",),
    description="CSV with tabs between the values",
    read=tab_separated_lines,
    is_binary=is_binary,
    options=(ENCODING,),
    converts=True,
)
