"""What a person sees of models: their cards, and comparisons of two."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from rich.box import SIMPLE
from rich.markup import escape
from rich.table import Table

from hundredfold.model.card import Card
from hundredfold.model.signature import Field
from hundredfold.records import label_text
from hundredfold_cli.console import out, print_table
from hundredfold_cli.ingests.answers import answer_text, stored_answer
from hundredfold_cli.models.comparison import Comparison


def print_card(card: Card, digest: str, first_lines: Mapping[str, str] | None = None) -> None:
    """Print a model's card; `first_lines` are printed before its own."""
    table = Table(box=SIMPLE, show_header=False, title=f"Model {escape(card.name)}", title_justify="left")
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    for name, value in {**(first_lines or {}), **card_lines(card, digest)}.items():
        table.add_row(name, escape(value))
    name = "made up" if card.sample.get("made_up") else "sample"
    for record, answer in zip(card.sample.get("records", []), card.sample.get("answers", []), strict=False):
        table.add_row(name, escape(f"{_short(record)} → {answer_text(stored_answer(*answer))}"))
    out.print(table)


def card_lines(card: Card, digest: str) -> dict[str, str]:
    """Return the lines of a card, by name; empty ones are left out."""
    lines = {
        "card": digest,
        "task": card.task.value,
        "steps": " → ".join(card.steps),
        "engine": str(card.engine),
        "fields": ", ".join(map(_field, card.signature.fields)) + f", as {card.input.value}",
        "inferred": "; ".join(card.inferred),
        "classes": ", ".join(map(label_text, card.classes)),
        "outputs": "; ".join(
            output.name + (f" ({', '.join(map(label_text, output.classes))})" if output.classes else "")
            for output in card.outputs
        ),
        "saved with": _pairs(card.saved_with),
        "run with": _pairs(card.versions),
        "mismatches": "; ".join(card.mismatches),
        "trusted types": ", ".join(card.trusted),
        "score": " ".join(str(value) for value in card.score.values()),
        "training": _pairs(card.training),
        "made": " by ".join(card.made[key] for key in ("at", "by") if key in card.made),
        "baseline": card.baseline.on if card.baseline else "",
        "notes": card.notes,
        "sample": "none: the records that releases predict were made up" if card.sample.get("made_up") else "",
    }
    files = {f"file {name}": f"SHA-256 {sha256[:16]}…" for name, sha256 in card.files.items()}
    return {name: value for name, value in {**lines, **files}.items() if value}


def _field(field: Field) -> str:
    kinds = [field.type.value, "nullable" if field.nullable else "", "optional" if field.optional else ""]
    return f"{field.name} ({', '.join(filter(None, kinds))})"


def different_lines(first: Mapping[str, str], second: Mapping[str, str]) -> dict[str, tuple[str | None, str | None]]:
    """Return the lines in which two cards differ, by name: the first's and the second's; None where one has none."""
    return {
        name: (first.get(name), second.get(name)) for name in {**first, **second} if first.get(name) != second.get(name)
    }


def print_comparisons(comparisons: Sequence[Comparison], first: str, second: str) -> None:
    """Print where two models agree and where they do not.

    Parameters
    ----------
    comparisons : one for each output
    first, second : what the two models are called
    """
    for comparison in comparisons:
        output = f", {comparison.output}" if comparison.output else ""
        out.print(
            f"[bold]{escape(first)} and {escape(second)}{escape(output)}[/]: {comparison.compared:,} records answered "
            f"by both, [bold]{comparison.agreement:.2%}[/] agree ({comparison.compared - comparison.agreed:,} do not); "
            f"rejected by the second only {comparison.first_only:,}, by the first only {comparison.second_only:,}, "
            f"by both {comparison.neither:,}",
            soft_wrap=True,
        )
        if comparison.matrix:
            labels = list(comparison.matrix)
            rows = [(label, *(f"{comparison.matrix[label][name]:,}" for name in labels)) for label in labels]
            print_table((f"{first} ↓  {second} →", *labels), rows)
        if spread := comparison.spread:
            quantity = "scores, where the labels agree" if comparison.matrix else "numbers"
            figures = ", ".join(f"{name.replace('_', ' ')} {value:.4g}" for name, value in spread.items())
            out.print(f"Differences of the {quantity}: {figures}", soft_wrap=True)
        if comparison.worst:
            print_table(
                ("disagree most", first, second),
                [
                    (
                        record.record_id,
                        answer_text(stored_answer(record.first, record.first_score)),
                        answer_text(stored_answer(record.second, record.second_score)),
                    )
                    for record in comparison.worst
                ],
            )


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())


def _short(value: object, length: int = 60) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= length else text[: length - 1] + "…"
