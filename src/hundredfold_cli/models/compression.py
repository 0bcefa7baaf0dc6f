"""The compressions of joblib's files, told by their first bytes."""

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable

_COMPRESSIONS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00\x00", lzma.decompress),
    (b"\x78", zlib.decompress),
)
"""How joblib compresses, by the first bytes. https://joblib.readthedocs.io/en/stable/persistence.html (2026-11)"""


def decompress(content: bytes) -> bytes:
    """Return the pickle in a joblib file. What is not compressed, or is damaged, is returned as it is."""
    for magic, decompress in _COMPRESSIONS:
        if content.startswith(magic):
            try:
                return decompress(content)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                return content
    return content
