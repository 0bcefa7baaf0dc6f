"""A JSON array of objects, read element by element."""

import io
import json
import re
from collections.abc import Iterator
from contextlib import closing
from typing import BinaryIO

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.columns import select_fields
from hundredfold.sources.format import Format
from hundredfold.sources.formats.json_lines import encode_record, is_binary, parse_integer
from hundredfold.sources.read_options import ReadOptions

MAX_ELEMENT_CHARACTERS = 16 * 1024 * 1024
"""The longest element."""

_READ_CHARACTERS = 1024 * 1024
_BRACKETS_AND_STRINGS = re.compile(r'[\[\]{}]|"(?:[^"\\]|\\.)*"')
_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder(parse_int=parse_integer)


def array_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read the elements of an array, each as one line; see `Reader`. A file of 0 bytes has no elements.

    Where no fields are selected or renamed, an element is passed on unchanged, and is judged like a line of JSON Lines.

    Raises
    ------
    InvalidIngestError
        If the content is no array, or an element cannot be read to its end.
    """
    with closing(_Elements(file, name)) as elements:
        for element, text in elements:
            if options.selects_fields and isinstance(element, dict):
                yield encode_record(select_fields(element, options))
            else:
                # Outside of strings, line breaks are white space in JSON; inside of strings they are escaped.
                yield text.replace("\n", " ").replace("\r", " ").encode(errors="surrogateescape") + b"\n"


class _Elements:
    """The elements of an array, each with the text that it was read from. It holds one element at a time."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        # Bytes that are not UTF-8 are written as they were read, so that the record is rejected for them.
        self._file = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
        self._name = name
        self._buffer = ""
        self._position = 0

    def __iter__(self) -> Iterator[tuple[object, str]]:
        match self._next_character():
            case "":
                return
            case "[":
                self._position += 1
            case "{":
                raise InvalidIngestError(
                    f"{self._name} begins with an object and not with an array; if it has one object a line, set "
                    '"kind": "jsonl", else write [ and ] around it'
                )
            case _:
                raise InvalidIngestError(f"{self._name} is no JSON array: it does not begin with [")
        number = 0
        if self._next_character() != "]":
            number = 1
            yield self._element(number)
            while self._next_character() == ",":
                self._position += 1
                number += 1
                yield self._element(number)
        self._position += 1
        if self._next_character():
            raise InvalidIngestError(f"{self._name} goes on after the end of its array of {number:,} elements")

    def close(self) -> None:
        """Let go of the file, which the caller owns."""
        self._file.detach()

    def _element(self, number: int) -> tuple[object, str]:
        """Read the next element, and stop before the comma or bracket that follows it."""
        self._next_character()
        while True:
            try:
                element, end = _decoder.raw_decode(self._buffer, self._position)
                following = _after_white_space(self._buffer, end)
                # Without a separator, a number may go on in what is not read yet.
                if self._buffer[following : following + 1] in {",", "]"}:
                    text = self._buffer[self._position : end]
                    self._position = following
                    return element, text
            except RecursionError:
                # Passed on as text, without parsing: it is rejected like a line of JSON Lines that is nested as deeply.
                if end := _end_of_nested(self._buffer, self._position):
                    text = self._buffer[self._position : end]
                    self._position = _after_white_space(self._buffer, end)
                    return None, text
            except json.JSONDecodeError:
                pass
            if len(self._buffer) - self._position > MAX_ELEMENT_CHARACTERS or not self._read_more():
                raise InvalidIngestError(
                    f"{self._name} cannot be read beyond element {number:,}: it is no JSON, is cut off, or has more "
                    f"than {MAX_ELEMENT_CHARACTERS:,} characters"
                )

    def _next_character(self) -> str:
        """Skip white space, and return the next character; empty at the end."""
        self._position = _after_white_space(self._buffer, self._position)
        while self._position == len(self._buffer) and self._read_more():
            self._position = _after_white_space(self._buffer, self._position)
        return self._buffer[self._position : self._position + 1]

    def _read_more(self) -> bool:
        """Drop what was parsed, and read as much again as is left: so a long element is not parsed too often."""
        rest = self._buffer[self._position :]
        more = self._file.read(max(_READ_CHARACTERS, len(rest)))
        self._buffer, self._position = rest + more, 0
        return bool(more)


def _end_of_nested(text: str, position: int) -> int:
    """Return where the array or object at a position ends, by its brackets; 0 if it goes on beyond the text."""
    depth = 0
    for token in _BRACKETS_AND_STRINGS.finditer(text, position):
        first = token[0][0]
        depth += first in "[{"
        depth -= first in "]}"
        if not depth:
            return token.end()
    return 0


def _after_white_space(text: str, position: int) -> int:
    white_space = _WHITE_SPACE.match(text, position)
    return white_space.end() if white_space else position


FORMAT = Format(
    name="json",
    suffixes=(".json",),
    description="one JSON array of objects, in UTF-8",
    read=array_lines,
    is_binary=is_binary,
)
