"""What a person sees of models: cards, versions, differences."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from hundredfold.model.card import Card
from hundredfold_cli.ingests.answers import stored_answer
from hundredfold_cli.ingests.terminal import answer_text
from hundredfold_cli.models.comparison import Comparison
from hundredfold_cli.terminal import out


def print_card(card: Card, digest: str, more: Mapping[str, str] | None = None) -> None:
    """Print a model's card for a person, with `more` lines before it."""
    table = Table(box=SIMPLE, show_header=False, title=f"Model {escape(card.name)}", title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in {**(more or {}), **card_lines(card, digest)}.items():
        table.add_row(name, escape(value))
    for record, answer in zip(card.sample.get("records", []), card.sample.get("answers", []), strict=False):
        table.add_row("sample", escape(f"{_short(record)} → {answer_text(stored_answer(*answer))}"))
    out.print(table)


def card_lines(card: Card, digest: str) -> dict[str, str]:
    """Return a card's lines, by name; empty ones are left out."""
    lines = {
        "card": digest,
        "task": card.task.value,
        "steps": " → ".join(card.steps),
        "fields": ", ".join(f"{field.name} ({field.type.value})" for field in card.signature.fields)
        + f", as {card.input.value}",
        "classes": ", ".join(card.classes),
        "outputs": "; ".join(
            output.name + (f" ({', '.join(output.classes)})" if output.classes else "") for output in card.outputs
        ),
        "saved with": _pairs(card.saved_with),
        "run with": _pairs(card.versions),
        "mismatches": "; ".join(card.mismatches),
        "trusted types": ", ".join(card.trusted),
        "score": " ".join(str(value) for value in card.score.values()),
        "training": _pairs(card.training),
        "made": " by ".join(card.made[part] for part in ("at", "by") if part in card.made),
        "notes": card.notes,
    }
    files = {f"file {name}": f"SHA-256 {sha256[:16]}…" for name, sha256 in card.files.items()}
    return {name: value for name, value in {**lines, **files}.items() if value}


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _short(value: object, length: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else text[: length - 1] + "…"


def print_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows under their columns."""
    table = Table(box=SIMPLE)
    for column in columns:
        table.add_column(column, overflow="fold", no_wrap=column in {"", "card", "version"})
    for row in rows:
        table.add_row(*map(escape, row))
    out.print(table)


def print_comparisons(comparisons: Sequence[Comparison], one: str, other: str) -> None:
    """Print where two models agree and where they do not, for a person."""
    for comparison in comparisons:
        named = f", {comparison.output}" if comparison.output else ""
        out.print(
            f"[bold]{escape(one)} and {escape(other)}{escape(named)}[/]: {comparison.compared:,} records answered by "
            f"both, [bold]{comparison.agreement:.2%}[/] agree ({comparison.compared - comparison.agreed:,} do not); "
            f"rejected by the second only {comparison.one_only:,}, by the first only {comparison.other_only:,}, "
            f"by both {comparison.neither:,}",
            soft_wrap=True,
        )
        if comparison.matrix:
            labels = list(comparison.matrix)
            rows = [(label, *(f"{comparison.matrix[label][name]:,}" for name in labels)) for label in labels]
            print_table((f"{one} ↓  {other} →", *labels), rows)
        if spread := comparison.spread:
            what = "scores, where the labels agree" if comparison.matrix else "numbers"
            told = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in spread.items())
            out.print(f"Differences of the {what}: {told}", soft_wrap=True)
        if comparison.worst:
            print_table(
                ("disagree most", one, other),
                [
                    (worst.record_id, _answer(worst.one, worst.one_score), _answer(worst.other, worst.other_score))
                    for worst in comparison.worst
                ],
            )


def _answer(label: str | float, score: float | None) -> str:
    return answer_text(stored_answer(label, score))
