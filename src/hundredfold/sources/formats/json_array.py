"""JSON arrays, read element by element."""

import io
import json
import re
from collections.abc import Iterator
from typing import BinaryIO

from hundredfold.errors import InvalidIngestError
from hundredfold.sources.formats.columns import rename
from hundredfold.sources.formats.json_lines import encode_record, integer
from hundredfold.sources.spec import ReadOptions

MOST_ELEMENT_CHARACTERS = 16 * 1024 * 1024
"""The longest element."""

_READ_CHARACTERS = 1024 * 1024
_WHITE_SPACE = re.compile(r"[ \t\n\r]*")
_decoder = json.JSONDecoder(parse_int=integer)


def array_lines(file: BinaryIO, options: ReadOptions, name: str) -> Iterator[bytes]:
    """Read the elements of an array, each as one line; see `read_as_lines`. No bytes at all are no elements.

    Where no fields are renamed, an element is handed on as it stands, and is judged as a line of JSON Lines is.

    Raises
    ------
    InvalidIngestError
        If it is no array, or an element cannot be read to its end.
    """
    for element, text in _Elements(file, name):
        if options.renames and isinstance(element, dict):
            yield encode_record(rename(element, options))
        else:
            # JSON has line breaks only between its parts, where they are white space as any other.
            yield text.replace("\n", " ").replace("\r", " ").encode(errors="surrogateescape") + b"\n"


class _Elements:
    """The elements of an array, each with the text that it was read from; only one of them is ever held."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        # Bytes that are no UTF-8 come out as they went in, and the record is rejected for them.
        self._file = io.TextIOWrapper(file, "utf-8-sig", "surrogateescape", newline="")
        self._name = name
        self._held = ""
        self._at = 0

    def __iter__(self) -> Iterator[tuple[object, str]]:
        match self._next_character():
            case "":
                return
            case "[":
                self._at += 1
            case "{":
                raise InvalidIngestError(
                    f'{self._name} begins with an object and not with an array; if it has one a line, state "kind": '
                    '"jsonl", else write [ and ] around it'
                )
            case _:
                raise InvalidIngestError(f"{self._name} is no JSON array: it does not begin with [")
        number = 0
        if self._next_character() != "]":
            number = 1
            yield self._element(number)
            while self._next_character() == ",":
                self._at += 1
                number += 1
                yield self._element(number)
        self._at += 1
        if self._next_character():
            raise InvalidIngestError(f"{self._name} goes on after its array of {number:,} elements has ended")

    def _element(self, number: int) -> tuple[object, str]:
        """Read the element that comes next, with what separates it from the one that follows still to come."""
        self._next_character()
        while True:
            try:
                element, end = _decoder.raw_decode(self._held, self._at)
                following = _after_white_space(self._held, end)
                # Without that, it may be the beginning of a longer number.
                if self._held[following : following + 1] in {",", "]"}:
                    text = self._held[self._at : end]
                    self._at = following
                    return element, text
            except RecursionError:
                raise InvalidIngestError(f"{self._name}: element {number:,} is nested too deeply") from None
            except json.JSONDecodeError:
                pass
            if len(self._held) - self._at > MOST_ELEMENT_CHARACTERS or not self._read_more():
                raise InvalidIngestError(
                    f"{self._name} cannot be read beyond element {number:,}: it is no JSON, is cut off, or has more "
                    f"than {MOST_ELEMENT_CHARACTERS:,} characters"
                )

    def _next_character(self) -> str:
        """Skip white space; return what comes then, nothing at the end."""
        self._at = _after_white_space(self._held, self._at)
        while self._at == len(self._held) and self._read_more():
            self._at = _after_white_space(self._held, self._at)
        return self._held[self._at : self._at + 1]

    def _read_more(self) -> bool:
        """Drop what was read, and read as much again as is held: what is long is not read too often."""
        rest = self._held[self._at :]
        more = self._file.read(max(_READ_CHARACTERS, len(rest)))
        self._held, self._at = rest + more, 0
        return bool(more)


def _after_white_space(text: str, at: int) -> int:
    found = _WHITE_SPACE.match(text, at)
    return found.end() if found else at
