"""What a format is: the entry that each file in `formats/` declares."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from hundredfold.sources.format_options import FormatOption
from hundredfold.sources.read_options import ReadOptions

type Reader = Callable[[BinaryIO, ReadOptions, str], Iterator[bytes]]
"""Reads an object's content as JSON Lines, one line a record, in the order of the object.

It gets the content as a file, the options, and the name that errors call the object by. It raises InvalidIngestError
if the content cannot be read. A row that cannot be read becomes a line of `hundredfold.sources.unreadable`.
"""


def has_null_byte(head: bytes, options: ReadOptions) -> bool:
    """Tell whether the first bytes hold a null byte, which text in UTF-8 does not."""
    del options
    return b"\0" in head


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """A format of objects that records are read from.

    Attributes
    ----------
    name : the value of `kind` in a source and of `--kind`
    suffixes : endings of objects' names that mean this format; an upload gets the first
    description : one line for the table in `docs/files.md`
    read : yields the records as JSON Lines
    magic : the bytes that objects of this format begin with: one of these; none for text
    is_binary : tells from the first bytes that an object is no text of this format; not asked if there is a magic
    options : the options that this format has
    converts : whether the model's signature converts values, since they have no types or others than JSON has
    json_lines : whether the content is JSON Lines already; batches are then byte ranges of the object itself
    compresses_inside : whether the format has a compression of its own, and so none around the whole object
    """

    name: str
    suffixes: tuple[str, ...]
    description: str
    read: Reader
    magic: tuple[bytes, ...] = ()
    is_binary: Callable[[bytes, ReadOptions], bool] = has_null_byte
    options: tuple[FormatOption, ...] = ()
    converts: bool = False
    json_lines: bool = False
    compresses_inside: bool = False
