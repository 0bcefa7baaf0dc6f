"""The formats that records are read from: one file a format, each with its entry `FORMAT`.

To add a format, add a file. Parsing, reading, the command line's help and the table in `docs/files.md` follow.
"""

from collections.abc import Mapping

from hundredfold.sources.format import Format
from hundredfold.sources.read_options import ReadOptions
from hundredfold.sources.registry import collect

FORMATS: Mapping[str, Format] = collect(Format, "FORMAT", __name__, __path__)
"""All formats by name."""

DEFAULT_KIND = "jsonl"
"""The format of an object whose name has no known ending."""


def format_of(options: ReadOptions) -> Format:
    """Return the format of options that have a kind; raises KeyError if they have none."""
    return FORMATS[options.kind or ""]
