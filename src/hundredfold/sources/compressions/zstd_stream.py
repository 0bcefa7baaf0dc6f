"""zstd (https://www.rfc-editor.org/rfc/rfc8878); an object may have several frames."""

import io
from typing import Any, BinaryIO

from hundredfold.sources.compression import Compression


class _ZstdFile(io.RawIOBase):
    """The content of a zstd file; raises EOFError where it is cut off or damaged."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        import pyarrow as pa  # here, since the import takes long and few objects need it

        self._stream: Any = pa.CompressedInputStream(pa.PythonFile(file, mode="r"), "zstd")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self._stream.readinto(buffer))
        except OSError as error:
            raise EOFError from error


COMPRESSION = Compression(
    name="zstd",
    suffix=".zst",
    # A frame, or a skippable frame before it, as pzstd writes: RFC 8878, 3.1.2.
    magic=(b"\x28\xb5\x2f\xfd", *(bytes([byte]) + b"\x2a\x4d\x18" for byte in range(0x50, 0x60))),
    open=_ZstdFile,
    damage_errors=(EOFError,),
)
