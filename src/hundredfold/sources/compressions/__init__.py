"""The compressions that an object may have: one file a compression, each with its entry `COMPRESSION`."""

from collections.abc import Mapping

from hundredfold.sources.compression import Compression
from hundredfold.sources.read_options import NOT_COMPRESSED, ReadOptions
from hundredfold.sources.registry import collect

COMPRESSIONS: Mapping[str, Compression] = collect(Compression, "COMPRESSION", __name__, __path__)
"""All compressions by name; `none` is not among them."""


def compression_of(options: ReadOptions) -> Compression | None:
    """Return the compression of options; None if the object is not compressed, or that is not known yet."""
    return COMPRESSIONS[options.compression] if options.compression not in {None, NOT_COMPRESSED} else None
