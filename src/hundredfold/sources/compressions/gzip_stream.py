"""gzip (https://www.rfc-editor.org/rfc/rfc1952); an object may have several members."""

import gzip
import zlib
from typing import BinaryIO

from hundredfold.sources.compression import Compression


def _open(file: BinaryIO) -> gzip.GzipFile:
    return gzip.GzipFile(fileobj=file, mode="rb")


COMPRESSION = Compression(
    name="gzip",
    suffix=".gz",
    magic=(b"\x1f\x8b",),
    open=_open,
    damage_errors=(EOFError, gzip.BadGzipFile, zlib.error),
)
