"""The options that some formats have: the delimiter and the encoding of text."""

import codecs
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FormatOption:
    """An option of some formats.

    A new option also needs an attribute of `ReadOptions` and an option of `hundredfold ingest`.

    Attributes
    ----------
    name : its name in a source and in `ReadOptions`; the command line puts `--` before it
    default : the value where a source does not set it
    is_valid : tells whether a value from outside can be used
    expected : completes the error "the source's NAME must be …"
    description : what it sets, for a person
    """

    name: str
    default: str
    is_valid: Callable[[object], bool]
    expected: str
    description: str


def _is_delimiter(value: object) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in '"\r\n'


def _is_encoding(value: object) -> bool:
    try:
        return isinstance(value, str) and codecs.lookup(value)._is_text_encoding and bool(",".encode(value))
    except (LookupError, UnicodeError, ValueError):
        return False


DELIMITER = FormatOption(
    name="delimiter",
    default=",",
    is_valid=_is_delimiter,
    expected="one character, no quote and no line break",
    description="The character between two values; a comma if not set.",
)
ENCODING = FormatOption(
    name="encoding",
    default="utf-8",
    is_valid=_is_encoding,
    expected="an encoding of text that Python knows",
    description="The encoding of the text; utf-8 if not set.",
)
FORMAT_OPTIONS = (DELIMITER, ENCODING)
