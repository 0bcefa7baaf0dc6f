"""The version of scikit-learn that a model file was saved with, read from its bytes. Nothing is unpickled."""

import bz2
import gzip
import lzma
import re
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO

# scikit-learn writes `_sklearn_version` into the state of every estimator (BaseEstimator.__getstate__). In a pickle
# that name is followed by how it is memoized and by the version: a string with its length in one byte or in four.
_IN_PICKLE = re.compile(
    rb"_sklearn_version(?:\x94|q.|r.{4})?(?:\x8c.|X.{4})(\d+\.[0-9A-Za-z.+]*?)(?=[\x94qrsuhX\x8c])", re.DOTALL
)
_IN_SKOPS = re.compile(rb'"_sklearn_version": \{[^{}]*?"content": "\\"([0-9A-Za-z.+]+)\\""')

_COMPRESSIONS: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
    (b"\x1f\x8b", gzip.decompress),
    (b"BZh", bz2.decompress),
    (b"\xfd7zXZ", lzma.decompress),
    (b"\x5d\x00\x00", lzma.decompress),
    (b"\x78", zlib.decompress),
)
"""How joblib compresses, by the first bytes. https://joblib.readthedocs.io/en/stable/persistence.html (2026-11)"""


def saved_with(content: bytes) -> str | None:
    """Return the version of scikit-learn that the first estimator in a joblib or skops file was saved with.

    None if the file has no version: it holds no scikit-learn estimator, is damaged, or is compressed with lz4.
    """
    if content.startswith(b"PK\x03\x04"):
        with zipfile.ZipFile(BytesIO(content)) as archive:
            version = _IN_SKOPS.search(archive.read("schema.json")) if "schema.json" in archive.namelist() else None
    else:
        version = _IN_PICKLE.search(decompress(content))
    return version[1].decode() if version else None


def decompress(content: bytes) -> bytes:
    """Return the pickle in a joblib file. What is not compressed, or is damaged, is returned as it is."""
    for magic, decompress in _COMPRESSIONS:
        if content.startswith(magic):
            try:
                return decompress(content)
            except (OSError, EOFError, zlib.error, lzma.LZMAError):
                return content
    return content
