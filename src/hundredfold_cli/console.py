"""The command's two consoles, and the ways to print on them.

Results go to standard output. Messages, errors and progress go to standard error, so that results can be piped.
"""

import json
from collections.abc import Sequence

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """Print a message for a person, on standard error."""
    err.print(message, markup=False, soft_wrap=True)


def print_error(message: str) -> None:
    """Print an error for a person, on standard error."""
    err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)


def print_json(value: object) -> None:
    """Print one JSON document for a machine."""
    out.print(json.dumps(value, indent=2, default=str), soft_wrap=True, markup=False)


def print_line(line: str) -> None:
    """Print a line as it is: without markup, and without line breaks of our own."""
    out.print(line, soft_wrap=True, markup=False)


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their columns."""
    table = Table(box=SIMPLE)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"", "card", "version"})
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)
