"""Advice of the core, which names members of a source, in the words of the command: its options."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from hundredfold.errors import InvalidIngestError

_OPTIONS = "kind|compression|delimiter|encoding"
_WORDS = (
    (re.compile(rf'set "({_OPTIONS})": "([^"]*)"'), r"add --\1 \2"),
    (re.compile(r'set its "kind"'), "set --kind"),
    (re.compile(r"set its kind or encoding"), "set --kind or --encoding"),
    (re.compile(r"set its encoding"), "set --encoding"),
    (re.compile(r'"fields": \{"id": …\}'), "--map id=COLUMN"),
    (re.compile(r"list it in columns"), "list it in --columns"),
    (re.compile(r"set the delimiter"), "set --delimiter"),
    (re.compile(r'list the others in "columns"'), "list the others in --columns"),
    (re.compile(rf"the source's ({_OPTIONS}|columns)"), r"--\1"),
    (re.compile(r"leave write_back out"), "leave --write-back out"),
)
"""What the core says, and what the command says instead."""


def as_options(message: str) -> str:
    """Return a message with the command's options in place of the members of a source."""
    for pattern, option in _WORDS:
        message = pattern.sub(option, message)
    return message


@contextmanager
def advice_as_options() -> Iterator[None]:
    """Raise an InvalidIngestError from inside with the command's options in its message."""
    try:
        yield
    except InvalidIngestError as error:
        raise InvalidIngestError(as_options(str(error))) from None
