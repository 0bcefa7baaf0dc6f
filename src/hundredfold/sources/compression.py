"""What a compression is: the entry that each file in `compressions/` declares."""

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO


@dataclass(frozen=True, slots=True, kw_only=True)
class Compression:
    """A compression around a whole object.

    Attributes
    ----------
    name : the value of `compression` in a source and of `--compression`
    suffix : the ending of an object's name that means this compression, after the format's ending
    magic : the bytes that objects with this compression begin with: one of these
    open : opens the decompressed content as a stream
    damage_errors : what reading the stream raises where the object is cut off or damaged
    """

    name: str
    suffix: str
    magic: tuple[bytes, ...]
    open: Callable[[BinaryIO], io.BufferedIOBase | io.RawIOBase]
    damage_errors: tuple[type[Exception], ...]
