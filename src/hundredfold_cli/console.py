"""The command's two consoles, and the ways to print on them.

Results go to standard output. Messages, errors and progress go to standard error, so that results can be piped.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import IO, Literal

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def make_console(environment: Mapping[str, str], *, stderr: bool = False, file: IO[str] | None = None) -> Console:
    """Return a console. With NO_COLOR set, it prints no escape code at all: https://no-color.org (2026-11)."""
    color_system: Literal["auto"] | None = None if environment.get("NO_COLOR") else "auto"
    return Console(highlight=False, stderr=stderr, file=file, color_system=color_system, _environ=environment)


out = make_console(os.environ)
err = make_console(os.environ, stderr=True)


def say(message: str) -> None:
    """Print a message for a person, on standard error."""
    err.print(message, markup=False, soft_wrap=True)


def answer_by(*, yes: bool, may_ask: bool) -> Callable[[str], bool]:
    """Return what answers questions: yes to each, or the person at the terminal, or no if there is nobody to ask.

    Parameters
    ----------
    may_ask : whether standard input is free for answers
    """

    def answer(question: str) -> bool:
        if yes:
            say(question)
            return True
        return may_ask and sys.stdin.isatty() and err.is_terminal and typer.confirm(question, err=True)

    return answer


def print_error(message: str) -> None:
    """Print an error for a person, on standard error."""
    err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)


def ask(question: str) -> str:
    """Ask a person, on standard error, and return the answer without its line's end; empty if there is none."""
    err.print(question, end=" ", markup=False, soft_wrap=True)
    err.file.flush()
    return sys.stdin.readline().strip()


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
        table.add_column(column, overflow="fold", no_wrap=column == "version")
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)
