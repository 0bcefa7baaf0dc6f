"""What a person sees: the two consoles, messages, and JSON for machines."""

import json

from rich.console import Console
from rich.markup import escape

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def say(message: str) -> None:
    """Tell a person what is being done, beside what is printed for use."""
    err.print(message, markup=False, soft_wrap=True)


def complain(message: str) -> None:
    """Tell a person what went wrong."""
    err.print(f"[bold red]error:[/] {escape(message)}", soft_wrap=True)


def print_json(value: object) -> None:
    """Print for a machine: one JSON document."""
    out.print(json.dumps(value, indent=2, default=str), soft_wrap=True, markup=False)
