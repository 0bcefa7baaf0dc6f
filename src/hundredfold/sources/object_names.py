"""What the ending of an object's name says of its format and compression: `reviews.csv.gz`."""

from dataclasses import replace

from hundredfold.sources.compressions import COMPRESSIONS, compression_of
from hundredfold.sources.formats import DEFAULT_KIND, FORMATS, format_of
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions


def stem_of(name: str) -> str | None:
    """Return an object's name without the endings of its format and compression; None if no format has its ending."""
    stem, kind, _ = _split(name)
    return stem if kind else None


def suffix_for(options: ReadOptions) -> str:
    """Return the ending of a name that means the kind and the compression of these options: `.csv.gz`."""
    compression = compression_of(options)
    return format_of(options).suffixes[0] + (compression.suffix if compression else "")


def options_for_name(options: ReadOptions, name: str) -> ReadOptions:
    """Return the options with the kind and the compression that an object's name means, where they have none.

    A name without a known ending means JSON Lines, not compressed.
    """
    _, kind, compression = _split(name)
    return replace(
        options,
        kind=options.kind or kind or DEFAULT_KIND,
        compression=options.compression or compression,
    )


def _split(name: str) -> tuple[str, str | None, str]:
    """Split an object's name into its stem and the names of the format and the compression that its endings mean."""
    compression = NOT_COMPRESSED
    for candidate in COMPRESSIONS.values():
        if name.lower().endswith(candidate.suffix):
            name, compression = name[: -len(candidate.suffix)], candidate.name
            break
    for format_ in FORMATS.values():
        for suffix in format_.suffixes:
            if name.lower().endswith(suffix):
                return name[: -len(suffix)], format_.name, compression
    return name, None, compression
